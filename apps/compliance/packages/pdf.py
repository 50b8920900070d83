"""An evidence package as a PDF: what its first page says, and the digest of each of its files. Pure over the files.

No time of making, nothing compressed; the bytes depend on the files, and on the release of the library that sets them.
"""

import hashlib
import io
import json
from collections.abc import Iterable, Iterator
from typing import Any

from django.conf import settings
from django.utils import translation
from django.utils.translation import gettext as _
from reportlab.lib.styles import ParagraphStyle
from reportlab.lib.units import mm
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.cidfonts import UnicodeCIDFont
from reportlab.platypus import Flowable, Paragraph, SimpleDocTemplate, Spacer

from apps.compliance.packages.cards import lines_of
from apps.compliance.packages.zipping import MANIFEST, SIGNATURE
from apps.modelcards.schema.fields import FIELDS
from apps.pdf_fonts import BOLD, JAPANESE, LATIN, marked_up

MOST_REQUESTS = 50  # the newest; the ZIP holds the others
MOST_EVENTS = 500  # the newest; the ZIP holds the others
MOST_TEXT = 2000  # characters of one text; the ZIP holds the rest
TITLE = ParagraphStyle("title", fontName=BOLD, fontSize=15, leading=19, spaceAfter=6)
HEAD = ParagraphStyle("head", fontName=BOLD, fontSize=11, leading=14, spaceBefore=9, spaceAfter=3)
TEXT = ParagraphStyle("text", fontName=LATIN, fontSize=8.5, leading=11.5, spaceAfter=2)
CARD = "card/card.json"
A4, MARGIN = (210 * mm, 297 * mm), 18 * mm
Files = dict[str, bytes]
pdfmetrics.registerFont(UnicodeCIDFont(JAPANESE))


def document(files: Files) -> bytes:
    """Return the files of a package, its manifest among them, as a PDF for people to read and print."""
    with translation.override(settings.LANGUAGE_CODE):
        story = [*_version(files), *_card(files), *_requests(files), *_holds(files), *_events(files), *_digests(files)]
        target, title = io.BytesIO(), _title(files)
    page = SimpleDocTemplate(
        target, pagesize=A4, leftMargin=MARGIN, rightMargin=MARGIN, topMargin=MARGIN, bottomMargin=MARGIN,
        title=title, author="Assent", invariant=1, pageCompression=0,
    )  # fmt: skip
    page.build(story)
    return target.getvalue()


def _title(files: Files) -> str:
    about = _read(files, "package.json")
    title = _("Evidence: %(model)s v%(version)s") % about
    return f"{title}, " + _("request %(request)s") % about if about["request"] else title


def _version(files: Files) -> Iterator[Flowable]:
    model, version, about = (_read(files, f"{name}.json") for name in ("model", "version", "package"))
    yield _line(_title(files), TITLE)
    yield _line(_("What Assent keeps of this version and of the decisions about it. All times are UTC."))
    yield _line(_("It supports evidence for rules; it certifies nothing."))
    if any(about["left_out"].values()):
        text = _("Left out, being older than one package holds: %(requests)s requests, %(events)s events.")
        yield _line(text % about["left_out"])
    yield _line(_("The version"), HEAD)
    yield from _facts(
        [
            (_("Description"), version["description"] or model["description"]),
            (_("Model card"), _card_in_short(files)),
            (_("Stage"), version["stage"]),
            (_("Run"), version["run_id"]),
            (_("Digest of its files"), version["artifact"]),
            (_("Owner"), model["owner"]),
            (_("Risk tier"), model["risk"]),
        ]
    )
    for row in version["placements"]:
        yield _line(_("In %(place)s from %(since)s until %(until)s (request: %(request)s)") % _shown(row))


def _card(files: Files) -> Iterator[Flowable]:
    """What the model card says, field by field."""
    said = _card_of(files)
    if said is None:
        return
    yield _line(_("Model card"), HEAD)
    yield from _facts(
        (field.label, "\n".join(lines_of(said["document"][field.name])))
        for field in FIELDS
        if field.name in said["document"]
    )


def _card_in_short(files: Files) -> str:
    said = _card_of(files)
    if said is None:
        return _("None.")
    text, approved = _("Revision %(revision)s, SHA-256 %(digest)s.") % said, said["approved"]
    if approved:
        text += " " + _("Revision %(revision)s was approved by %(by)s, %(at)s.") % approved
    return text


def _card_of(files: Files) -> dict[str, Any] | None:
    return _read(files, CARD) if CARD in files else None


def _requests(files: Files) -> Iterator[Flowable]:
    numbers = sorted(_read(files, "package.json")["requests"], reverse=True)
    for number in numbers[:MOST_REQUESTS]:
        yield from _request(files, f"requests/{number}")
    if len(numbers) > MOST_REQUESTS:
        yield _line(_("Further requests are in the ZIP: %(n)s.") % {"n": len(numbers) - MOST_REQUESTS})


def _request(files: Files, folder: str) -> Iterator[Flowable]:
    asked = _read(files, f"{folder}/request.json")
    yield _line(_("Request %(id)s: %(title)s") % asked, HEAD)
    yield from _facts(
        [
            (_("State"), asked["state"]),
            (_("Asked by"), f"{asked['requester']}, {asked['submitted_at']}"),
            (_("Reason"), asked["reason"]),
            (_("Closed"), asked["closed_at"]),
            (_("Evidence, SHA-256"), asked["evidence_digest"]),
        ]
    )
    for row in _read(files, f"{folder}/signatures.json"):
        yield _signature(row)
    for row in _read(files, f"{folder}/checks.json"):
        yield _line(_("Check %(label)s: %(outcome)s. %(detail)s") % _shown(row))


def _signature(row: dict[str, Any]) -> Flowable:
    """Return a signature as 21 CFR 11.50 wants it on every printout: printed name, time, meaning."""
    shown = {**_shown(row), "name": row["signed_name"] or row["reviewer"]}
    text = _(
        "Signed: %(name)s (%(reviewer)s), %(signed_at)s, meaning %(meaning)s: %(verdict)s. On %(evidence_digest)s."
    )
    parts = [text % shown]
    if row["counts_for"] != row["reviewer"]:
        parts.append(_("Speaks for %(counts_for)s.") % shown)
    if row["comment"]:
        parts.append(_("Comment: %(comment)s") % shown)
    if not row["standing"]:
        parts.append(_("Counts no longer: %(dismissed_because)s") % shown)
    return _line(" ".join(parts))


def _holds(files: Files) -> Iterator[Flowable]:
    holds = _read(files, "holds.json")
    if holds:
        yield _line(_("Legal holds"), HEAD)
    for row in holds:
        text = _("Hold %(id)s, set by %(set_by)s %(set_at)s: %(reason)s Lifted by %(lifted_by)s %(lifted_at)s.")
        yield _line(text % _shown(row))


def _events(files: Files) -> Iterator[Flowable]:
    """Yield a line for each event, the oldest first, with the hash that the signed trail has for it."""
    lines = map(json.loads, files["events/events.jsonl"].decode().splitlines())
    events = [line for line in lines if "action" in line]
    yield _line(_("Events of the model, each with its hash in the trail"), HEAD)
    if len(events) > MOST_EVENTS:
        yield _line(_("Earlier events are in the ZIP: %(n)s.") % {"n": len(events) - MOST_EVENTS})
    for event in events[-MOST_EVENTS:]:
        yield _line(_("%(id)s, %(at)s: %(actor)s, %(action)s (%(outcome)s), %(target)s. %(hash)s") % _shown(event))


def _digests(files: Files) -> Iterator[Flowable]:
    yield _line(_("Files of the package, by SHA-256"), HEAD)
    yield _line(f"{hashlib.sha256(files[MANIFEST]).hexdigest()}  {MANIFEST}")
    seal = _read(files, SIGNATURE)
    yield _line(_("Signed with the key %(key_id)s: %(signature)s") % seal)
    if covered := _read(files, "package.json")["checkpoint"]:
        yield _line(_("The events are those of the trail up to event %(event_id)s, signed on %(at)s.") % covered)
    for line in files[MANIFEST].decode().splitlines():
        yield _line(line)
    yield Spacer(1, 4 * mm)


def _facts(pairs: Iterable[tuple[Any, Any]]) -> Iterator[Flowable]:
    for label, value in pairs:
        yield Paragraph(f'<font name="{BOLD}">{marked_up(label)}:</font> {marked_up(_text(value))}', TEXT)


def _line(text: str, style: ParagraphStyle = TEXT) -> Flowable:
    return Paragraph(marked_up(text), style)


def _shown(row: dict[str, Any]) -> dict[str, str]:
    return {name: _text(value) for name, value in row.items()}


def _text(value: Any) -> str:
    text = str(value) if value not in (None, "") else "–"
    return f"{text[:MOST_TEXT]} …" if len(text) > MOST_TEXT else text


def _read(files: Files, path: str) -> Any:
    return json.loads(files[path])
