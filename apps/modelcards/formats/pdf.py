"""A card as a PDF to print and to send, in English or Japanese. Pure.

No time of making, nothing compressed; the bytes depend on the card, and on the release of the library that sets them.
"""

import io
from collections.abc import Iterator
from typing import Any

from django.utils import translation
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from reportlab.lib.styles import ParagraphStyle
from reportlab.lib.units import mm
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.cidfonts import UnicodeCIDFont
from reportlab.platypus import Flowable, Paragraph, SimpleDocTemplate

from apps.modelcards.content import STATE_LABELS, Content
from apps.modelcards.formats.about import About
from apps.modelcards.formats.base import Loss
from apps.modelcards.formats.headings import ENGLISH, heading, section_heading
from apps.modelcards.formats.markdown_out import title
from apps.modelcards.schema.fields import Field, in_section
from apps.modelcards.schema.kinds import Kind
from apps.modelcards.schema.sections import Section
from apps.pdf_fonts import BOLD, JAPANESE, LATIN, marked_up

TITLE = ParagraphStyle("title", fontName=BOLD, fontSize=15, leading=19, spaceAfter=6)
SECTION = ParagraphStyle("section", fontName=BOLD, fontSize=12, leading=15, spaceBefore=12, spaceAfter=2)
HEAD = ParagraphStyle("head", fontName=BOLD, fontSize=9.5, leading=12, spaceBefore=7, spaceAfter=1)
TEXT = ParagraphStyle("text", fontName=LATIN, fontSize=8.5, leading=11.5, spaceAfter=2)
ITEM = ParagraphStyle("item", parent=TEXT, leftIndent=10, bulletIndent=2)
QUIET = ParagraphStyle("quiet", parent=TEXT, textColor="#555555")
LONGEST = 800  # characters of one paragraph
A4, MARGIN = (210 * mm, 297 * mm), 18 * mm
WHY = gettext_lazy("A PDF is to be read by people, and is not read back.")
pdfmetrics.registerFont(UnicodeCIDFont(JAPANESE))


def written(content: Content, about: About, language: str = ENGLISH) -> bytes:
    """Return a card as a PDF. `language` is that of the headings."""
    with translation.override(ENGLISH):
        story = list(_story(content, about, language))
    target = io.BytesIO()
    page = SimpleDocTemplate(
        target, pagesize=A4, leftMargin=MARGIN, rightMargin=MARGIN, topMargin=MARGIN, bottomMargin=MARGIN,
        title=title(content, language), author="Assent", invariant=1, pageCompression=0,
    )  # fmt: skip
    page.build(story)
    return target.getvalue()


def lost(content: Content) -> tuple[Loss, ...]:
    """Return what cannot be read back from a PDF: everything."""
    return tuple(Loss(name, WHY) for name in content.values)


def _story(content: Content, about: About, language: str) -> Iterator[Flowable]:
    yield _set(marked_up(title(content, language)), TITLE)
    if known := ", ".join(f"{name} {value}" for name, value in about.named()):
        yield _set(marked_up(known), QUIET)
    if about.author:
        text = _("Revision %(revision)s was saved by %(author)s on %(made_at)s.")
        yield _set(marked_up(text % vars(about)), QUIET)
    for section in Section:
        rows = [row for field in in_section(section) for row in _field(field, content, language)]
        if rows:
            yield _set(marked_up(section_heading(section, language)), SECTION)
            yield from rows


def _field(field: Field, content: Content, language: str) -> Iterator[Flowable]:
    value, state = content.values.get(field.name), content.states.get(field.name, {})
    if value is None and not state:
        return
    yield _set(marked_up(heading(field, language)), HEAD)
    yield from _value(field, value)
    stands = [str(STATE_LABELS.get(state.get("state", ""), "")), state.get("source"), state.get("by"), state.get("at")]
    if known := ", ".join(part for part in stands if part):
        yield _set(marked_up(known), QUIET)
    for reason in (state.get("reason"), (state.get("override") or {}).get("reason")):
        if reason:
            yield from _lines(_("Why: %(reason)s") % {"reason": reason}, QUIET)


def _value(field: Field, value: Any) -> Iterator[Flowable]:
    match field.kind:
        case Kind.ITEMS:
            for item in value or []:
                yield from _lines(item, ITEM, bullet="•")
        case Kind.MAPPING:
            yield from _pairs(value or {})
        case Kind.RECORD:
            yield from _pairs(_named(field, value or {}))
        case Kind.RECORDS:
            for row in value or []:
                yield from _pairs(_named(field, row), joined=", ", bullet="•")
        case _:
            yield from _lines(value or "", TEXT)


def _named(field: Field, row: dict[str, Any]) -> dict[str, str]:
    """Return a record by the labels of its parts, mappings inside it by their own names."""
    found: dict[str, str] = {}
    for part in field.parts:
        item = row.get(part.name)
        found |= item if isinstance(item, dict) else {str(part.label): item} if item else {}
    return found


def _pairs(pairs: dict[str, str], joined: str = "", bullet: str = "") -> Iterator[Flowable]:
    """Yield names with their texts: each on its own, or all of a short record in one paragraph."""
    style, short = ITEM if bullet else TEXT, sum(map(len, pairs.values())) <= LONGEST
    if joined and pairs and short:
        yield _set(joined.join(_pair(name, text) for name, text in pairs.items()), style, bullet)
        return
    for place, (name, text) in enumerate(pairs.items()):
        first, *more = _pieces(text)
        yield _set(_pair(name, first), style, "" if place else bullet)
        yield from (_set(marked_up(piece), style) for piece in more)


def _pair(name: str, text: str) -> str:
    return f'<font name="{BOLD}">{marked_up(name)}:</font> {marked_up(text)}'


def _lines(text: str, style: ParagraphStyle, bullet: str = "") -> Iterator[Flowable]:
    lines = [piece for line in text.split("\n") for piece in _pieces(line) if piece.strip()]
    for place, line in enumerate(lines):
        yield _set(marked_up(line), style, bullet if not place else "")


def _pieces(line: str) -> Iterator[str]:
    """Yield a line in pieces, parted at a space where there is one: setting time grows with the square of a piece."""
    while len(line) > LONGEST:
        end = line.rfind(" ", LONGEST // 2, LONGEST) + 1 or LONGEST
        yield line[:end]
        line = line[end:]
    yield line


def _set(markup: str, style: ParagraphStyle, bullet: str = "") -> Flowable:
    """Return a paragraph. Japanese has no spaces to break lines at; breaking anywhere would part other words."""
    wraps = ParagraphStyle(style.name, parent=style, wordWrap="CJK") if JAPANESE in markup else style
    return Paragraph(markup, wraps, bulletText=bullet or None)
