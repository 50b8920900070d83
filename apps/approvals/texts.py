"""Stages and tickets that people write, each refusal naming its field."""

import re
from urllib.parse import urlsplit

from django.utils.translation import gettext as _

from apps.errors import InvalidInput
from apps.masking import masked
from apps.registry.models import Stage

MAX_TICKET = 500
SCHEME = re.compile(r"[a-z][a-z0-9+.-]*:(?=\S)", re.IGNORECASE)  # "javascript:x", "ftp://x"; not "OPS-1: explain"


def stage_from(stage: str, *, field: str = "to_stage") -> str:
    """Return `stage` if it is one of MLflow's. Raises InvalidInput otherwise."""
    if stage not in Stage.values:
        message = _("There is no such stage. Use one of: %(stages)s.") % {"stages": ", ".join(Stage.values)}
        raise InvalidInput(message, field=field)
    return stage


def ticket_from(text: str, *, field: str = "ticket", needed: bool = False) -> str:
    """Return a ticket, with credentials masked: an https address, which pages show as a link, or its short name.

    Raises InvalidInput.
    """
    text = masked(text.strip())
    if needed and not text:
        raise InvalidInput(_("Name the ticket: its number, or its https address."), field=field)
    if len(text) > MAX_TICKET or not text.isprintable():
        message = _("A ticket is one line of at most %(most)s characters.")
        raise InvalidInput(message % {"most": MAX_TICKET}, field=field)
    if SCHEME.match(text) and not _https(text):
        raise InvalidInput(_("Write the ticket's https address, or its name, such as OPS-17."), field=field)
    return text


def _https(text: str) -> bool:
    """Return whether the text is an https address with a host and without a name or password in it."""
    try:
        address = urlsplit(text)
        return address.scheme == "https" and bool(address.hostname) and "@" not in address.netloc and " " not in text
    except ValueError:
        return False
