"""How fields and sections are called in Markdown, in English and Japanese, and what a heading there means. Pure."""

import unicodedata
from functools import lru_cache

from django.utils import translation

from apps.modelcards.schema.fields import BY_NAME, FIELDS, Field
from apps.modelcards.schema.sections import LABELS, Section

ENGLISH, JAPANESE = "en", "ja"
LANGUAGES = (ENGLISH, JAPANESE)
TITLES = {ENGLISH: "Model card", JAPANESE: "モデルカード"}
SECTIONS_JA = {
    Section.BASICS: "基本情報", Section.MODEL: "モデル詳細", Section.DATA: "データ", Section.PERFORMANCE: "性能",
    Section.USE: "使用目的", Section.RISKS: "リスクと倫理", Section.OPERATION: "運用", Section.MORE: "その他",
}  # fmt: skip
# Headings of the Hugging Face template, and of cards that our users kept before.
ELSEWHERE = {
    "direct use": "intended_use", "intended uses & limitations": "intended_use", "model architecture and objective":
    "architecture", "testing data": "test_data", "evaluation data": "test_data", "metrics": "performance_metrics",
    "evaluation results": "performance_metrics", "性能": "performance_metrics", "bias, risks, and limitations":
    "limitations", "bias": "biases", "authors": "authors", "developed by": "authors",
}  # fmt: skip


def heading(field: Field, language: str) -> str:
    """Return what a field is called in a language."""
    return field.ja if language == JAPANESE else _english(field)


def section_heading(section: Section, language: str) -> str:
    """Return what a section is called in a language."""
    if language == JAPANESE:
        return SECTIONS_JA[section]
    with translation.override(ENGLISH):
        return str(LABELS[section])


def meant(title: str) -> Field | None:
    """Return the field that a heading, or the name before a colon, stands for; None: no field has that name."""
    return _known().get(normal(title))


def is_heading_of(field: Field, title: str) -> bool:
    """Return whether a heading is one of those of this field."""
    return meant(title) is field or normal(title) in (normal(field.ja), normal(_english(field)))


def normal(title: str) -> str:
    """Return a heading as it is compared: without marks, colons and differences of width and case."""
    text = unicodedata.normalize("NFKC", title).casefold()
    return " ".join(text.replace("*", " ").replace("_", " ").strip(" :#\t").split())


def _english(field: Field) -> str:
    with translation.override(ENGLISH):
        return str(field.label)


@lru_cache(maxsize=1)
def _known() -> dict[str, Field]:
    found = {name: BY_NAME[field] for name, field in ELSEWHERE.items()}
    for field in FIELDS:
        for name in (*field.also, field.name, field.ja, _english(field)):
            found[normal(name)] = field
    return found
