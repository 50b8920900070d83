"""What people write, checked once: texts and stages, each refusal naming its field."""

from django.utils.translation import gettext as _

from apps.errors import InvalidInput
from apps.registry.models import Stage

MAX_TEXT = 5000  # characters


def text_from(text: str, *, field: str, needed: bool = True) -> str:
    """Return `text` without surrounding space. Raises InvalidInput when it is empty though needed, or too long."""
    text = text.strip()
    if needed and not text:
        raise InvalidInput(_("Write a sentence: it is kept with the decision."), field=field)
    if len(text) > MAX_TEXT:
        message = _("This text has %(length)s characters; the most is %(most)s.")
        raise InvalidInput(message % {"length": len(text), "most": MAX_TEXT}, field=field)
    if "\x00" in text:
        raise InvalidInput(_("This text holds a null character, which cannot be stored. Remove it."), field=field)
    return text


def stage_from(stage: str, *, field: str = "to_stage") -> str:
    """Return `stage` if it is one of MLflow's. Raises InvalidInput otherwise."""
    if stage not in Stage.values:
        message = _("There is no such stage. Use one of: %(stages)s.") % {"stages": ", ".join(Stage.values)}
        raise InvalidInput(message, field=field)
    return stage
