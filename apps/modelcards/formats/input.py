"""The form of an import: a file, or text that is pasted."""

from typing import Any

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from apps.modelcards.content import CardRefused
from apps.modelcards.formats.forms import IMPORTS
from apps.modelcards.schema.fields import BY_NAME
from apps.registry.data_check.texts import TOO_LARGE

MOST_ERRORS = 20  # that are listed
ACCEPTED = ".json,.md,.markdown,.txt,application/json,text/markdown,text/plain"


class CardFile(forms.Form):
    """A card to import."""

    file = forms.FileField(
        label=gettext_lazy("File"),
        required=False,
        allow_empty_file=True,  # the reader says better what is wrong with one
        help_text=gettext_lazy("JSON, Markdown, a Hugging Face README, or CycloneDX; UTF-8, at most 2 MB."),
        widget=forms.FileInput(attrs={"accept": ACCEPTED}),
    )
    text = forms.CharField(
        label=gettext_lazy("Or paste it"),
        required=False,
        strip=False,
        widget=forms.Textarea(attrs={"rows": 10, "spellcheck": "false"}),
    )
    form = forms.ChoiceField(
        label=gettext_lazy("How it is written"),
        required=False,
        choices=lambda: list(IMPORTS.items()),
        help_text=gettext_lazy("Choose one when it is taken for something else."),
    )

    def clean(self) -> dict[str, Any]:
        """Either a file or a text. What is in them is judged by whoever reads them."""
        given = dict(super().clean() or {})
        if self.errors:
            return given
        if given.get("file") and given.get("text", "").strip():
            raise forms.ValidationError(_("Choose a file or paste a text, not both."))
        if not given.get("file") and not given.get("text", "").strip():
            self.add_error("file", _("Choose a file with a card, or paste one."))
        return given

    @property
    def source(self) -> str:
        """The field that holds what was given."""
        return "file" if self.cleaned_data.get("file") else "text"

    def body(self) -> bytes:
        """Return what was given, as bytes."""
        if self.source == "file":
            return bytes(self.cleaned_data["file"].read())
        return str(self.cleaned_data["text"]).encode(errors="surrogatepass")

    def too_large(self) -> None:
        """Say that an upload was dropped for its size."""
        self.errors.clear()
        self.add_error("file", TOO_LARGE)

    def refuse(self, refused: CardRefused) -> None:
        """Show what is wrong with which field of the card."""
        for name, sentence in list(refused.errors.items())[:MOST_ERRORS]:
            self.add_error(self.source, f"{label(name)}: {sentence}" if name else sentence)
        if (more := len(refused.errors) - MOST_ERRORS) > 0:
            self.add_error(self.source, _("%(more)s more fields are at fault.") % {"more": more})


def label(name: str) -> str:
    """Return how a field is called for people, with its name in files."""
    field = BY_NAME.get(name)
    return f"{field.label} ({name})" if field else name
