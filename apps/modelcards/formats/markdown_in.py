"""Markdown as a card: by our anchors, else by headings as people write them. Nothing is dropped. Pure."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from django.utils.translation import gettext as _

from apps.modelcards import content as cards
from apps.modelcards.formats import values
from apps.modelcards.formats.base import Gathered, Taken, Unreadable
from apps.modelcards.formats.headings import TITLES, is_heading_of, meant, normal
from apps.modelcards.formats.markdown_out import FENCE
from apps.modelcards.formats.reading import yaml_of
from apps.modelcards.schema.fields import BY_NAME, Field
from apps.modelcards.schema.kinds import Kind

ANCHOR = re.compile(r"^<!--[ \t]*(card|section):([a-z_]+)[ \t]*-->[ \t]*$")
ESCAPED = re.compile(r"^\\(?=\\*<!--[ \t]*(?:card|section):)")
HEADING = re.compile(r"^ {0,3}(#{1,6})[ \t]+(.*)$")
CODE = re.compile(r"^ {0,3}(`{3,}|~{3,})")
CARD_FOR = re.compile(r"^model card (?:for|of)[ \t]+(.+)$", re.IGNORECASE)
MOST_PARTS = 2_000  # headings and named lines that are fields
BEFORE = "Introduction"  # what stands before the first heading


@dataclass
class Block:
    """A heading with the lines under it, up to the next one."""

    title: str
    level: int = 0
    lines: list[str] = field(default_factory=list)

    @property
    def text(self) -> str:
        return "\n".join(self.lines).strip()


def read(text: str) -> Taken:
    """Return the card that Markdown of ours, or of anybody, says. Raises Unreadable and CardRefused."""
    front, body = parted(text)
    found = Gathered()
    known = {name: item for name, item in front.items() if name in cards.ENVELOPE or cards.named(name)}
    for name, item in known.items():
        field = cards.named(name)
        if field and field.name == "extra" and isinstance(item, dict):
            found.values["extra"] = item
        elif name != "extra":
            found.values[name] = item
    found.keep_rest({name: item for name, item in front.items() if name not in known})
    read_body(body, found)
    return Taken(cards.from_document(found.document()), tuple(found.losses))


def parted(text: str) -> tuple[dict[str, Any], str]:
    """Return front matter (empty where there is none) and the body. Raises Unreadable naming the line."""
    lines = text.split("\n")
    if lines[0].rstrip() != FENCE:
        return {}, text
    end = next((place for place, line in enumerate(lines[1:], start=1) if line.rstrip() == FENCE), 0)
    if not end:
        return {}, text
    front = yaml_of("\n".join(lines[1:end]), first=2)
    if not isinstance(front, dict):
        return {}, text  # a line between rules, and no front matter
    return front, "\n".join(lines[end + 1 :])


def read_body(text: str, found: Gathered) -> None:
    """Put what a body says into `found`; a field that has a value there already keeps it, what comes is kept beside."""
    lines = text.split("\n")
    if any(ANCHOR.match(line) for line in lines):
        _by_anchors(lines, found)
    else:
        _by_headings(list(_blocks(lines)), found)


def has_structure(text: str) -> bool:
    """Return whether a body has a heading or an anchor of ours."""
    return any(HEADING.match(line) or ANCHOR.match(line) for line in text.split("\n"))


def _by_anchors(lines: list[str], found: Gathered) -> None:
    kind, name, under = "", "", list[str]()
    for line in [*lines, "<!-- section:end -->"]:
        if anchor := ANCHOR.match(line):
            _anchored(kind, name, under, found)
            kind, name, under = anchor[1], anchor[2], []
        else:
            under.append(ESCAPED.sub("", line))


def _anchored(kind: str, name: str, lines: list[str], found: Gathered) -> None:
    """Take what stands under one anchor. Its first line is its heading, which is no part of the text."""
    place = next((place for place, line in enumerate(lines) if line.strip()), None)
    if place is None:
        return
    first, known = HEADING.match(lines[place]), BY_NAME.get(name) if kind == "card" else None
    if kind == "card" and name == "extra":
        title = lines[place].removeprefix("### ") if first else "?"
        found.keep(title, "\n".join(lines[place + 1 if first else place :]))
        return
    if first and (known is None or is_heading_of(known, first[2])):
        if not kind and not found.values.get("model_name"):
            _take_title(first[2], found)
        lines = lines[place + 1 :]
    text = "\n".join(lines).strip()
    if known is None:
        found.keep((first[2] if first else name) if kind == "card" else BEFORE, text)
    elif text:
        put(known, text, found, known.name)


def _blocks(lines: list[str]) -> Iterator[Block]:
    """Yield the headings of a text with what is under each; what looks like one in a fence of code is none."""
    block, fence = Block(BEFORE), ""
    for line in lines:
        code = CODE.match(line)
        if code and (not fence or (code[1][0] == fence[0] and len(code[1]) >= len(fence))):
            fence = "" if fence else code[1]
        found = None if fence else HEADING.match(line)
        if found:
            yield block
            block = Block(_title(found[2]), len(found[1]))
        else:
            block.lines.append(line)
    yield block


def _title(text: str) -> str:
    """Return a heading without the signs that may close it."""
    text = text.strip()
    bare = text.rstrip("#")
    return bare.rstrip() if not bare or bare[-1] in " \t" else text


def _by_headings(blocks: list[Block], found: Gathered) -> None:
    for place, block in enumerate(blocks):
        known = meant(block.title) if block.level else None
        if block.level == 1 and place <= 1:
            _take_title(block.title, found)
        if not block.text:
            continue
        if known:
            put(known, block.text, found, block.title)
        elif not _named_lines(block, found):
            found.keep(BEFORE if block.level == 1 and place <= 1 else block.title, block.text)


def _take_title(title: str, found: Gathered) -> None:
    """A title names the model: "Model card: churn". One that says something else is kept."""
    for word in TITLES.values():
        before, colon, name = title.replace("：", ":").partition(":")
        if normal(before) == normal(word) and colon and name.strip():
            found.values.setdefault("model_name", name.strip())
            return
        if normal(title) == normal(word):
            return
    name = for_model[1] if (for_model := CARD_FOR.match(title)) else title
    if found.values.setdefault("model_name", name) != name:
        found.keep("Title", title)


def _named_lines(block: Block, found: Gathered) -> bool:
    """Read "- **Version**: 2" under a heading that is no field; False when the block is something else."""
    pairs = values.pairs_of(block.text)
    if not pairs or not any(meant(name) for name, _said in pairs):
        return False
    for name, text in pairs:
        if known := meant(name):
            put(known, text, found, name)
        else:
            found.keep(name, text)
    return True


def put(known: Field, text: str, found: Gathered, title: str) -> None:
    """Put a text into a field as its kind wants it; what does not fit, or comes second, is kept beside the fields."""
    found.puts += 1
    if found.puts > MOST_PARTS:
        raise Unreadable(_("This has more than %(most)s parts, and no card does.") % {"most": MOST_PARTS})
    value, before = values.value_of(known, text), found.values.get(known.name)
    if value is not None and before is None:
        found.values[known.name] = value
    elif value is not None and known.kind in (Kind.ITEMS, Kind.RECORDS) and isinstance(before, list):
        found.values[known.name] = [*before, *value]
    elif value is not None and known.kind is Kind.PROSE and isinstance(before, str):
        found.values[known.name] = f"{before}\n\n{value}"
    elif value is None and before is None and known.kind in (Kind.PROSE, Kind.ITEMS):
        found.values[known.name] = text  # too long, say: the refusal is to name the field
    elif value is None or value != before:
        found.keep(title, text)
