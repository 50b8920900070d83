"""A text under a heading as the value of a field: bullets, "name: text", or what it is. Pure."""

import re
from typing import Any

from apps.modelcards.content import value_from
from apps.modelcards.schema.fields import Field
from apps.modelcards.schema.kinds import Kind, Refused

BULLET = re.compile(r"^(?:[-*+]|\d{1,4}[.)])[ \t](.*)$")
BOLD = re.compile(r"^\*\*(.+?)\*\*[ \t]*[:：][ \t]*(.*)$", re.DOTALL)
BOLD_WITH_COLON = re.compile(r"^\*\*(.+?)[:：]\*\*[ \t]*(.*)$", re.DOTALL)
PLAIN = re.compile(r"^([^:：\n]+)[:：][ \t]*(.*)$", re.DOTALL)
PAIRED = ("performance_metrics", "inputs", "outputs", "training_data", "test_data")  # records that people write so


def value_of(field: Field, text: str) -> Any:
    """Return the value that a text gives a field, as it is kept; None when it does not fit."""
    try:
        return value_from(field, _shaped(field, text))
    except Refused:
        return None


def items_of(text: str) -> list[str]:
    """Return the items of a list; a text that does not begin with one is one item."""
    lines = text.strip("\n").split("\n")
    if not BULLET.match(lines[0]):
        return [text]
    found: list[list[str]] = []
    for line in lines:
        if bullet := BULLET.match(line):
            found.append([bullet[1]])
        else:
            found[-1].append(line.removeprefix("  "))
    return ["\n".join(item) for item in found]


def pairs_of(text: str) -> list[tuple[str, str]]:
    """Return the names and texts of a list of "**name**: text" or "name: text"; empty when it is something else."""
    if not BULLET.match(text.lstrip("\n").partition("\n")[0]):
        return []
    found = []
    for item in items_of(text):
        match = next((match for form in (BOLD, BOLD_WITH_COLON, PLAIN) if (match := form.match(item.strip()))), None)
        if match is None:
            return []
        found.append((match[1].strip(), match[2].strip()))
    return found


def _shaped(field: Field, text: str) -> Any:
    match field.kind:
        case Kind.ITEMS:
            return items_of(text)
        case Kind.MAPPING:
            return _mapped(text)
        case Kind.RECORD:
            return _mapped(text)
        case Kind.RECORDS:
            return _records(field, text)
    bullets = items_of(text)
    return bullets[0] if field.kind is not Kind.PROSE and len(bullets) == 1 else text


def _mapped(text: str) -> dict[str, str]:
    pairs = pairs_of(text)
    if not pairs or len(dict(pairs)) < len(pairs):
        raise Refused("")
    return dict(pairs)


def _records(field: Field, text: str) -> Any:
    if "details" in [part.name for part in field.parts] and not pairs_of(text):
        return [{"description": text}]
    if field.name in PAIRED:
        return _mapped(text)
    if field.name == "authors" and "\n" not in text.strip():
        names = text.strip().removeprefix("- ")
        return [{"name": name.strip()} for name in re.split(r"[,、]", names) if name.strip()]
    return [{field.parts[0].name: item} for item in items_of(text)]
