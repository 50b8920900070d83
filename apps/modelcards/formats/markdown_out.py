"""A card as Markdown: front matter in YAML holds what has a structure, the body holds prose under anchors. Pure.

A line of prose that looks like one of our anchors gets a backslash before it, which reading takes away again.
"""

import re
from collections.abc import Iterator
from typing import Any

import yaml

from apps.modelcards.content import STATES, Content, document
from apps.modelcards.formats.headings import ENGLISH, TITLES, heading, section_heading
from apps.modelcards.schema.fields import BY_NAME, Field, in_section
from apps.modelcards.schema.kinds import Kind
from apps.modelcards.schema.sections import Section

IN_BODY = (Kind.PROSE, Kind.ITEMS)
EXTRA = BY_NAME["extra"]
FENCE = "---"
LIKE_AN_ANCHOR = re.compile(r"^(?=\\*<!--[ \t]*(?:card|section):)", re.MULTILINE)
_Dumper: Any = getattr(yaml, "CSafeDumper", yaml.SafeDumper)


class Dumper(_Dumper):
    """Says everything in full: an anchor of YAML means nothing to who reads a card."""

    def ignore_aliases(self, data: Any) -> bool:
        return True


def written(content: Content, language: str = ENGLISH) -> bytes:
    """Return a card as Markdown with headings in English or Japanese."""
    front = {name: item for name, item in document(content).items() if not in_body(name)}
    if not front[STATES]:
        del front[STATES]
    return with_front(front, body(content, language)).encode()


def with_front(front: dict[str, Any], text: str) -> str:
    """Return Markdown with front matter before it."""
    said = yaml.dump(front, Dumper=Dumper, allow_unicode=True, sort_keys=False, width=1_000_000)
    return f"{FENCE}\n{said}{FENCE}\n\n{text}"


def body(content: Content, language: str = ENGLISH) -> str:
    """Return what of a card is prose, under headings, an anchor before each."""
    lines = [f"# {title(content, language)}", ""]
    for section in Section:
        parts = [part for field in in_section(section) for part in _parts(field, content, language)]
        if parts:
            lines += [f"<!-- section:{section.value} -->", f"## {section_heading(section, language)}", "", *parts]
    return "\n".join(lines)


def title(content: Content, language: str = ENGLISH) -> str:
    """Return what the whole card is called."""
    name = content.values.get("model_name")
    return f"{TITLES[language]}: {name}" if name else TITLES[language]


def in_body(name: str) -> bool:
    """Return whether a field stands in the body, rather than in the front matter."""
    field = BY_NAME.get(name)
    return field is not None and (field.kind in IN_BODY or field is EXTRA)


def _parts(field: Field, content: Content, language: str) -> Iterator[str]:
    value = content.values.get(field.name)
    if value is None or not in_body(field.name):
        return
    texts = value.items() if field is EXTRA else [(heading(field, language), value)]
    for name, text in texts:
        prose = "\n".join(map(_item, text)) if isinstance(text, list) else LIKE_AN_ANCHOR.sub(r"\\", text)
        yield from (f"<!-- card:{field.name} -->", f"### {name}", "", prose, "")


def _item(text: str) -> str:
    """Return an item of a list; its further lines stand under its first sign."""
    first, *more = text.split("\n")
    return "\n".join([f"- {first}", *(f"  {line}" if line else "" for line in more)])
