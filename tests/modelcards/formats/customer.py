"""The Markdown that the code of the customer's two documents writes of its example cards."""

from typing import Any


def credit_markdown(card: dict[str, Any]) -> str:
    text = f"""# モデルカード: {card["model_name"]}

## 基本情報

- **モデル名**: {card["model_name"]}
- **バージョン**: {card["version"]}
- **作成日**: {card["date"]}
- **作成者**: {", ".join(card["authors"])}

## モデル詳細

- **モデルタイプ**: {card["model_type"]}
- **アーキテクチャ**: {card["architecture"]}

### 学習データ

"""
    text += "".join(f"- **{key}**: {value}\n" for key, value in card["training_data"].items())
    text += "\n## 性能メトリクス\n\n### テストデータ\n\n"
    text += "".join(f"- **{key}**: {value}\n" for key, value in card["test_data"].items())
    text += "\n### 性能\n"
    text += "".join(f"- **{metric}**: {value}\n" for metric, value in card["performance_metrics"].items())
    text += f"\n## 使用目的\n\n### 意図された使用方法\n\n{card['intended_use']}\n\n### 適用範囲外の使用\n\n"
    text += "".join(f"- {item}\n" for item in card["out_of_scope_use"])
    return text + _lists(card, ("制限事項", "バイアス", "倫理的考慮事項", "推奨事項"))


def mortgage_markdown(card: dict[str, Any]) -> str:
    text = f"""# モデルカード: {card["model_name"]}

## 基本情報
- モデル名: {card["model_name"]}
- バージョン: {card["version"]}
- 作成日: {card["date"]}
- 作成者: {", ".join(card["authors"])}
- モデルタイプ: {card["model_type"]}

## 使用目的
{card["intended_use"]}

## 性能メトリクス
"""
    text += "".join(f"- {metric}: {value}\n" for metric, value in card["performance"].items())
    return text + _lists(card, ("制限事項", "バイアス", "倫理的考慮事項"))


def _lists(card: dict[str, Any], titles: tuple[str, ...]) -> str:
    names = ("limitations", "biases", "ethical_considerations", "recommendations")
    return "".join(
        f"\n## {title}\n" + "".join(f"- {item}\n" for item in card[name])
        for title, name in zip(titles, names, strict=False)
    )
