"""The forms in which a card is written and read: one table for pages and API. Pure."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from apps.modelcards.content import Content
from apps.modelcards.formats import cyclonedx, documents, hub, markdown_in, markdown_out, pdf, toolkit
from apps.modelcards.formats.about import About
from apps.modelcards.formats.base import Loss, Taken, Unreadable, object_of
from apps.modelcards.formats.headings import ENGLISH
from apps.modelcards.formats.reading import json_of, text_of

Write = Callable[[Content, About, str], bytes]
JSON, MARKDOWN = "application/json", "text/markdown; charset=utf-8"


@dataclass(frozen=True)
class Export:
    """A form that a card is written in. `ending` of the file's name; `lost` says what of a card it does not keep."""

    label: str | Promise
    hint: str | Promise
    content_type: str
    ending: str
    write: Write
    lost: Callable[[Content], tuple[Loss, ...]]


def nothing(_content: Content) -> tuple[Loss, ...]:
    """Return what is lost where nothing is."""
    return ()


EXPORTS = {
    "json": Export(
        "JSON", gettext_lazy("The whole card, with how each field stands."), JSON, "json",
        lambda content, _about, _language: documents.ours(content), nothing,
    ),
    "plain": Export(
        gettext_lazy("Plain JSON"), gettext_lazy("Fields by name, as older cards have them; without how each stands."),
        JSON, "plain.json",
        lambda content, _about, _language: documents.plain(content), documents.without_states,
    ),
    "md": Export(
        "Markdown", gettext_lazy("The whole card, to read and to keep beside code."), MARKDOWN, "md",
        lambda content, _about, language: markdown_out.written(content, language), nothing,
    ),
    "hf": Export(
        gettext_lazy("Hugging Face README"),
        gettext_lazy("With the hub's metadata and model-index; without how each field stands."), MARKDOWN, "README.md",
        lambda content, _about, _language: hub.written(content), hub.lost,
    ),
    "cdx": Export(
        "CycloneDX",
        gettext_lazy("A machine-learning bill of materials, 1.6, with the packages; without how each field stands."),
        "application/vnd.cyclonedx+json; version=1.6", "cdx.json",
        lambda content, about, _language: cyclonedx.written(content, about), cyclonedx.lost,
    ),
    "pdf": Export(
        "PDF", gettext_lazy("To print and to send; it is not read back."), "application/pdf", "pdf", pdf.written,
        pdf.lost,
    ),
}  # fmt: skip
IMPORTS: dict[str, str | Promise] = {
    "": gettext_lazy("By what it says"),
    "json": gettext_lazy("JSON, ours or plain"),
    "md": "Markdown",
    "hf": gettext_lazy("Hugging Face README"),
    "mct": "Model Card Toolkit",
    "cdx": "CycloneDX",
}
OF_JSON = ("json", "mct", "cdx")


def written(form: str, content: Content, about: About | None = None, language: str = ENGLISH) -> bytes:
    """Return a card in a form of EXPORTS. The same card, about and language give the same bytes."""
    return EXPORTS[form].write(content, about or About(), language)


def lost(form: str, content: Content) -> tuple[Loss, ...]:
    """Return what a form of EXPORTS does not keep of a card: all that is not listed comes back the same."""
    return EXPORTS[form].lost(content)


def read(body: bytes, form: str = "") -> Taken:
    """Return the card that a file says, in a form of IMPORTS or the one that it looks like.

    Raises Unreadable with a sentence, and CardRefused naming every field at fault.
    """
    text = text_of(body)
    if not text.strip():
        raise Unreadable(_("There is nothing in it. Choose a file with a card, or paste one."))
    form = form or _looks_like(text)
    if form in OF_JSON:
        return _from_object(object_of(json_of(text)), form)
    return hub.read(text) if form == "hf" else markdown_in.read(text)


def _looks_like(text: str) -> str:
    """Return which form a text is. Raises Unreadable when it is none that we know."""
    if text.lstrip()[:1] in "{[":
        data = object_of(json_of(text))
        return next(
            (name for name, module in (("cdx", cyclonedx), ("mct", toolkit)) if module.looks_like(data)), "json"
        )
    front, body = markdown_in.parted(text)
    if hub.looks_like(front):
        return "hf"
    if not front and not markdown_in.has_structure(body):
        message = _(
            "This is no card in a form that we know: neither JSON, nor front matter, nor a line that begins with #."
        )
        raise Unreadable(message)
    return "md"


def _from_object(data: dict[str, Any], form: str) -> Taken:
    if form == "cdx":
        return cyclonedx.read(data)
    return toolkit.read(data) if form == "mct" else documents.read(data)
