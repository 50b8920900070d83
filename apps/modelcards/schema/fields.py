"""The fields of a card: `assent.card/1`. Adding a field is one entry here, and nothing else.

Form, validation, API, JSON Schema, completeness, comparison and exports are all made from this table. The names stand
in stored cards, exports and requirement sets, so they never change. Fourteen of them, and their sense, are those of the
model cards that our users kept before; the others follow Mitchell et al. 2019 (arXiv 1810.03993), CycloneDX 1.6
and Annex IV of the EU AI Act.
"""

from dataclasses import dataclass
from enum import StrEnum

from django.utils.translation import gettext_lazy as _

from apps.modelcards.schema.kinds import Kind, Part, Text
from apps.modelcards.schema.sections import Section

SCHEMA = "assent.card/1"
TIERS = ("low", "medium", "high")  # in the order of `requires`


class Origin(StrEnum):
    """Where a value comes from before anybody types."""

    PEOPLE = "people"  # nothing knows it but people
    SUGGESTED = "suggested"  # MLflow suggests it, a person confirms it
    FACT = "fact"  # MLflow knows it; saying otherwise takes a reason


@dataclass(frozen=True)
class Field:
    """One field of a card.

    `requires` has a letter for the tiers low, medium and high: S to enter Staging (and Production), P to enter
    Production, - for neither. `locked` parts of a record come from MLflow, the others are for people; `anchor` parts
    say which record a fact is about. `may_lack`: it
    may be said, with a reason, that the field does not apply. `carries`: though a fact, what people wrote of it goes
    into the next version's card where MLflow knows nothing. `ja` and `also` are headings by which it is found in
    Markdown; `also` are other names in JSON too.
    """

    name: str
    label: Text
    section: Section
    kind: Kind
    requires: str
    ja: str
    hint: Text = ""
    origin: Origin = Origin.PEOPLE
    parts: tuple[Part, ...] = ()
    locked: tuple[str, ...] = ()
    anchor: tuple[str, ...] = ()
    options: tuple[tuple[str, Text], ...] = ()
    may_lack: bool = False
    carries: bool = False
    also: tuple[str, ...] = ()

    @property
    def keys(self) -> tuple[str, ...]:
        """The parts that tell its records apart."""
        return tuple(part.name for part in self.parts if part.key)


_COLUMN = (
    Part("name", _("Name"), key=True),
    Part("type", _("Type")),
    Part("required", _("Required")),
    Part("description", _("Meaning")),
)
_DATASET = (
    Part("name", _("Name"), key=True),
    Part("digest", _("Digest")),
    Part("source", _("Source")),
    Part("rows", _("Rows")),
    Part("period", _("Period")),
    Part("sensitive", _("Sensitive data"), hint=_("Which attributes are sensitive, or none.")),
    Part("licence", _("Licence")),
    Part("description", _("Description"), Kind.PROSE),
    Part("details", _("Further details"), Kind.MAPPING),
)
_DIRECTIONS = (("higher", _("Higher is better")), ("lower", _("Lower is better")))
_METRIC = (
    Part("name", _("Metric"), key=True),
    Part("value", _("Value")),
    Part("dataset", _("Data set"), key=True),
    Part("slice", _("Slice"), key=True, hint=_("The group of rows that it was measured on; empty: all.")),
    Part("direction", _("Direction"), Kind.CHOICE, options=_DIRECTIONS),
    Part("ci", _("Confidence interval"), hint=_("Such as 0.88 to 0.90.")),
    Part("threshold", _("Threshold"), hint=_("What it must reach.")),
    Part("run_id", _("Run")),
)
_SEVERITIES = (("low", _("Low")), ("medium", _("Medium")), ("high", _("High")))
_TASKS = tuple((name, name) for name in (
    "tabular-classification", "tabular-regression", "text-classification", "token-classification",
    "question-answering", "text-generation", "text2text-generation", "summarization", "translation",
    "feature-extraction", "image-classification", "object-detection", "image-segmentation",
    "automatic-speech-recognition", "audio-classification", "time-series-forecasting", "reinforcement-learning",
    "other",
))  # fmt: skip # the names of the Hugging Face hub where it has one

FIELDS = (
    Field(
        "model_name", _("Model name"), Section.BASICS, Kind.LINE, "SSS", "モデル名", origin=Origin.FACT, also=("name",)
    ),
    Field("version", _("Version"), Section.BASICS, Kind.LINE, "SSS", "バージョン", origin=Origin.FACT),
    Field("date", _("Date"), Section.BASICS, Kind.DATE, "SSS", "作成日", _("When the version was registered."),
          Origin.FACT),
    Field("authors", _("Authors"), Section.BASICS, Kind.RECORDS, "SSS", "作成者", _("Who made the model."),
          Origin.SUGGESTED,
          (Part("name", _("Name"), key=True), Part("contact", _("Contact")), Part("role", _("Role")))),
    Field("owner_team", _("Owner"), Section.BASICS, Kind.LINE, "PSS", "担当チーム",
          _("The team that answers for the model while it is in use."), Origin.SUGGESTED, also=("owner",)),
    Field("license", _("License"), Section.BASICS, Kind.LINE, "PSS", "ライセンス",
          _("An SPDX expression, such as Apache-2.0, or Proprietary."), Origin.SUGGESTED, also=("licence",)),
    Field("language", _("Language"), Section.BASICS, Kind.LINE, "---", "言語",
          _("Of the texts that the model works on, such as en or ja.")),

    Field("model_type", _("Model type"), Section.MODEL, Kind.LINE, "SSS", "モデルタイプ",
          _("What kind of model it is, such as Random Forest Classifier."), Origin.SUGGESTED),
    Field("task", _("Task"), Section.MODEL, Kind.CHOICE, "---", "タスク", origin=Origin.SUGGESTED, options=_TASKS),
    Field("architecture", _("Architecture"), Section.MODEL, Kind.PROSE, "-PS", "アーキテクチャ",
          _("How it is built: layers, number and depth of trees, what comes before the estimator."), Origin.SUGGESTED),
    Field("inputs", _("Inputs"), Section.MODEL, Kind.RECORDS, "SSS", "入力", origin=Origin.FACT, parts=_COLUMN,
          locked=("name", "type", "required"), anchor=("name",)),
    Field("outputs", _("Outputs"), Section.MODEL, Kind.RECORDS, "SSS", "出力", origin=Origin.FACT, parts=_COLUMN,
          locked=("name", "type", "required"), anchor=("name",)),
    Field("hyperparameters", _("Hyper-parameters"), Section.MODEL, Kind.MAPPING, "--P", "ハイパーパラメータ",
          origin=Origin.FACT, may_lack=True),
    Field("dependencies_ref", _("Dependencies"), Section.MODEL, Kind.LINE, "SSS", "依存関係",
          _("The digest of the requirements that the model was logged with."), Origin.FACT),
    Field("package_ref", _("Files"), Section.MODEL, Kind.LINE, "SSS", "パッケージ",
          _("The digest of the model's files."), Origin.FACT),
    Field("runtime", _("Runtime"), Section.MODEL, Kind.RECORD, "---", "実行環境", origin=Origin.FACT,
          parts=(Part("python", "Python"), Part("mlflow", "MLflow"), Part("flavors", _("Flavours"))),
          locked=("python", "mlflow", "flavors")),
    Field("code", _("Source code"), Section.MODEL, Kind.RECORD, "---", "ソースコード", origin=Origin.FACT,
          parts=(Part("repository", _("Repository")), Part("commit", _("Commit")),
                 Part("entry_point", _("Entry point")), Part("run_id", _("Run"))),
          locked=("repository", "commit", "entry_point", "run_id")),

    Field("training_data", _("Training data"), Section.DATA, Kind.RECORDS, "PSS", "学習データ",
          _("What the model learned from, and how it was gathered and cleaned."), Origin.FACT, _DATASET,
          ("name", "digest"), ("name", "digest"), carries=True),
    Field("test_data", _("Test data"), Section.DATA, Kind.RECORDS, "PSS", "テストデータ",
          _("What it was judged on, and why that stands for real use."), Origin.FACT, _DATASET, ("name", "digest"),
          ("name", "digest"), carries=True),

    Field("performance_metrics", _("Performance"), Section.PERFORMANCE, Kind.RECORDS, "SSS", "性能メトリクス",
          _("Metrics of the run come by themselves; add those of slices, with thresholds."), Origin.FACT, _METRIC,
          ("name", "value", "run_id"), ("name", "run_id"), also=("performance", "metrics")),
    Field("metric_rationale", _("Why these metrics"), Section.PERFORMANCE, Kind.PROSE, "-PP", "メトリクスの選定理由",
          _("Why they show that the model is good enough for its use.")),
    Field("factors", _("Subgroups"), Section.PERFORMANCE, Kind.RECORDS, "--P", "サブグループ",
          _("How well it does for groups that differ, and how many were in each."),
          parts=(Part("group", _("Group"), key=True), Part("metric", _("Metric"), key=True), Part("value", _("Value")),
                 Part("n", _("How many"))), may_lack=True),
    Field("figures", _("Figures"), Section.PERFORMANCE, Kind.RECORDS, "---", "図", origin=Origin.FACT,
          parts=(Part("path", _("File"), key=True), Part("title", _("Title")), Part("description", _("What it shows"))),
          locked=("path", "title"), anchor=("path",)),

    Field("intended_use", _("Intended use"), Section.USE, Kind.PROSE, "SSS", "使用目的",
          _("Which decision it supports, where, and how its answer is used."),
          also=("intended_uses", "意図された使用方法")),
    Field("users", _("Users"), Section.USE, Kind.ITEMS, "SSS", "利用者", _("Who uses its answers.")),
    Field("out_of_scope_use", _("Out-of-scope use"), Section.USE, Kind.ITEMS, "-PS", "適用範囲外の使用",
          _("What it must not be used for."), may_lack=True, also=("out_of_scope_uses",)),

    Field("limitations", _("Limitations"), Section.RISKS, Kind.ITEMS, "PPS", "制限事項",
          _("Where it is known to be weak: data that is old, groups that are rare, conditions it never saw.")),
    Field("tradeoffs", _("Trade-offs"), Section.RISKS, Kind.ITEMS, "PPS", "トレードオフ",
          _("What was given up for what: speed for accuracy, recall for precision."), may_lack=True),
    Field("biases", _("Biases"), Section.RISKS, Kind.RECORDS, "-PP", "バイアス",
          _("Whom it may treat worse, how, and what is done about it."),
          parts=(Part("harm", _("Harm"), Kind.PROSE, key=True), Part("group", _("Group at risk"), key=True),
                 Part("benefit", _("Benefit"), Kind.PROSE), Part("mitigation", _("Mitigation"), Kind.PROSE)),
          may_lack=True),
    Field("fairness", _("Fairness assessment"), Section.RISKS, Kind.PROSE, "-PP", "公平性",
          _("How it was judged whether groups are treated alike, and what came out."), may_lack=True),
    Field("ethical_considerations", _("Ethical considerations"), Section.RISKS, Kind.RECORDS, "-PP", "倫理的考慮事項",
          _("What could go wrong for people, how bad it would be, and what is done about it."),
          parts=(Part("risk", _("Risk"), Kind.PROSE, key=True),
                 Part("severity", _("Severity"), Kind.CHOICE, options=_SEVERITIES),
                 Part("mitigation", _("Mitigation"), Kind.PROSE), Part("residual", _("What remains"), Kind.PROSE)),
          may_lack=True),
    Field("recommendations", _("Recommendations"), Section.RISKS, Kind.ITEMS, "-PP", "推奨事項",
          _("What whoever uses it should do, and how often.")),

    Field("human_oversight", _("Human oversight"), Section.OPERATION, Kind.PROSE, "-PP", "人間による監督",
          _("Who can overrule it, how they notice that they must, and how they stop it.")),
    Field("monitoring_plan", _("Monitoring"), Section.OPERATION, Kind.PROSE, "-PP", "監視計画",
          _("What is watched in operation, how often, and what happens when it drops.")),
    Field("rollback_plan", _("Rollback plan"), Section.OPERATION, Kind.PROSE, "-PP", "ロールバック計画",
          _("What takes its place when it has to go.")),
    Field("risk_management", _("Risk management"), Section.OPERATION, Kind.ITEMS, "--P", "リスク管理",
          _("References to the risk assessment."), may_lack=True),
    Field("standards", _("Standards"), Section.OPERATION, Kind.ITEMS, "--P", "準拠規格",
          _("Standards and rules that were followed."), may_lack=True),
    Field("conformity_ref", _("Declaration of conformity"), Section.OPERATION, Kind.LINE, "--P", "適合宣言",
          _("Where it stands."), may_lack=True),
    Field("environment", _("Environmental impact"), Section.OPERATION, Kind.RECORD, "---", "環境への影響",
          origin=Origin.SUGGESTED,
          parts=(Part("hardware", _("Hardware")), Part("hours", _("Hours")), Part("kwh", "kWh"),
                 Part("co2e", _("CO₂ equivalent")))),

    Field("references", _("References"), Section.MORE, Kind.ITEMS, "---", "参考文献", _("Papers, tickets, pages.")),
    Field("extra", _("Further sections"), Section.MORE, Kind.MAPPING, "---", "その他",
          _("What an imported card says beyond these fields, under its own headings.")),
)  # fmt: skip
BY_NAME = {field.name: field for field in FIELDS}


def in_section(section: Section) -> tuple[Field, ...]:
    """Return the fields of a section, in order."""
    return tuple(field for field in FIELDS if field.section == section)
