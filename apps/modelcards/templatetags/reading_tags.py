"""Template library `reading_tags`: the rows of records, the words of a comparison, chips of a card.

Rows are written here and not in a template: five hundred metrics took most of the page's time.
"""

import re
from collections.abc import Iterable
from html import escape
from typing import Any

from django import template
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from apps.modelcards.content import STATE_LABELS
from apps.modelcards.diffing import CHANGED, EntryChange, PartChange
from apps.modelcards.markdown import rendered
from apps.modelcards.rules import STANDING_LABELS, Standing
from apps.modelcards.schema.fields import Field
from apps.modelcards.schema.kinds import Kind, Part
from apps.modelcards.wording import ADDED, REMOVED, SAME, Piece
from apps.registry.figures import figure
from apps.registry.marks import chip, icon

DECIMAL = re.compile(r"-?\d{1,15}\.\d{7,20}")  # more digits than anybody compares
register = template.Library()
MOST_SAME = 400  # characters of what stayed, between two changes
MOST_TITLE = 200  # characters
CONTEXT = 150  # characters that are kept on either side of what is left out
STANDING_LOOKS = {
    Standing.SETTLED: ("success", "check"),
    Standing.UNCONFIRMED: ("warning", "question"),
    Standing.PLACEHOLDER: ("warning", "alert"),
    Standing.EMPTY: ("neutral", "minus"),
}


@register.simple_tag
def record_rows(field: Field, parts: list[Part], rows: Iterable[dict[str, Any]]) -> SafeString:
    """Write the records of a field as rows of a table, each cell with its column's name for narrow screens."""
    labels = {part.name: escape(str(part.label)) for part in parts}
    return SafeString("".join(f"<tr>{''.join(_cell(p, labels[p.name], row) for p in parts)}</tr>" for row in rows))


def _cell(part: Part, label: str, row: dict[str, Any]) -> str:
    value = row.get(part.name)
    if not value:
        return f'<td data-label="{label}" class="is-void"></td>'
    return f'<td data-label="{label}">{_written(part, value)}</td>'


def _written(part: Part, value: Any) -> str:
    if part.kind is Kind.MAPPING:
        pairs = "".join(f"<dt>{escape(name)}</dt><dd>{escape(str(text))}</dd>" for name, text in value.items())
        return f'<dl class="facts">{pairs}</dl>'
    if part.kind is Kind.PROSE:
        return f'<div class="prose written">{rendered(value)}</div>'
    if part.kind is Kind.CHOICE:
        return escape(str(dict(part.options).get(value, value)))
    return _number(value) if part.name == "value" else escape(str(value))


def _number(text: str) -> str:
    """Write a long decimal as people compare it; the whole of it is its title."""
    if not DECIMAL.fullmatch(text):
        return escape(text)
    return f'<span title="{escape(text)}">{escape(figure(float(text)))}</span>'


@register.filter
def words(pieces: Iterable[Piece]) -> SafeString:
    """Write two texts as one: what went is struck through, what came underlined, each with its sign and its word."""
    gone, come = escape(_("removed:")), escape(_("added:"))
    return SafeString("".join(_piece(piece, gone, come) for piece in pieces))


def _piece(piece: Piece, gone: str, come: str) -> str:
    if piece.change == SAME:
        text = piece.text
        if len(text) > MOST_SAME:
            text = f"{text[:CONTEXT]} … {text[-CONTEXT:]}"
        return escape(text)
    tag, sign, word = ("ins", "+", come) if piece.change == ADDED else ("del", "−", gone)
    said = f'<span class="visually-hidden">{word} </span><span class="sign" aria-hidden="true">{sign}</span>'
    return f"<{tag}>{said}{escape(piece.text)}</{tag}>"


@register.simple_tag
def entry_rows(entries: Iterable[EntryChange]) -> SafeString:
    """Write the records, names or items of a field that differ, each with what of it does."""
    heads = {
        ADDED: diff_word("added", "plus", _("added")),
        REMOVED: diff_word("removed", "minus", _("removed")),
        CHANGED: diff_word("changed", "edit", _("changed")),
    }
    said = (escape(_("removed:")), escape(_("added:")))
    return SafeString("".join(_entry(entry, heads[entry.change], said) for entry in entries))


def diff_word(change: str, icon_name: str, word: str) -> str:
    """Return what happened, as an icon and a word on its colour."""
    return f'<span class="diff-word diff-{change}">{icon(icon_name)}{escape(word)}</span>'


def _entry(entry: EntryChange, head: str, said: tuple[str, str]) -> str:
    title = entry.title if len(entry.title) <= MOST_TITLE else f"{entry.title[: MOST_TITLE - 1]}…"
    strong = f" <strong>{escape(title)}</strong>" if title else ""
    parts = "".join(_part(part, said) for part in entry.parts)
    return f"<li><p>{head}{strong}</p>{parts}</li>"


def _part(part: PartChange, said: tuple[str, str]) -> str:
    label = f'<span class="quiet">{escape(str(part.label))}:</span> ' if part.label else ""
    return f'<div class="words prose">{label}{"".join(_piece(piece, *said) for piece in part.pieces)}</div>'


@register.simple_tag
def standing_chip(standing: str) -> SafeString:
    """Show how a field stands to being settled."""
    known = Standing(standing)
    return chip(*STANDING_LOOKS[known], STANDING_LABELS[known])


@register.filter
def state_label(state: str) -> Any:
    """Name the state of a field."""
    return STATE_LABELS.get(state, state)


@register.filter
def standing_word(standing: str) -> Any:
    """Name how a field stands."""
    return STANDING_LABELS[Standing(standing)]


@register.filter
def choice_label(value: str, field: Field) -> Any:
    """Name a value of a closed list."""
    return dict(field.options).get(value, value)
