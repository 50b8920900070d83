"""What people write, checked once; each refusal names its field."""

from django.utils.translation import gettext as _

from apps.errors import InvalidInput
from apps.masking import masked

MAX_TEXT = 5000  # characters


def text_from(text: str, *, field: str, needed: bool = True) -> str:
    """Return `text` as it is kept: without surrounding space, and with credentials masked.

    Raises InvalidInput when it is empty though needed, or too long.
    """
    text = masked(text.strip())
    if needed and not text:
        raise InvalidInput(_("Write a sentence: it is kept with the decision."), field=field)
    if len(text) > MAX_TEXT:
        message = _("This text has %(length)s characters; the most is %(most)s.")
        raise InvalidInput(message % {"length": len(text), "most": MAX_TEXT}, field=field)
    if "\x00" in text:
        raise InvalidInput(_("This text holds a null character, which cannot be stored. Remove it."), field=field)
    return text
