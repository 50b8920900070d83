"""What a report of a check, and a waiver, must look like. Each refusal names its field."""

import re
from datetime import datetime, timedelta
from urllib.parse import urlsplit

from django.utils import timezone
from django.utils.translation import gettext as _

from apps.approvals.checks.table import CHECKS
from apps.approvals.models import ExternalOutcome
from apps.errors import InvalidInput

NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,99}\Z")
MAX_LINK = 2000
MAX_INPUTS = 200
MAX_VALID_DAYS = 3650
MAX_WAIVER_DAYS = 90
UNWANTED_IN_LINKS = re.compile(r"[\x00-\x20\x7f\"'<>\\^`{|}]")


def name_from(name: str) -> str:
    """Return the name of a reported check, without "external:". Raises InvalidInput for one of Assent's own."""
    if not NAME.match(name):
        message = _(
            "Name the check with 1 to 100 small letters, digits, dots, dashes or underscores, beginning with a letter "
            "or digit."
        )
        raise InvalidInput(message, field="name")
    if name in {check.name for check in CHECKS}:
        message = _("“%(name)s” is a check that Assent carries out itself. Give yours another name.")
        raise InvalidInput(message % {"name": name}, field="name")
    return name


def outcome_from(outcome: str) -> str:
    """Return what a report says. Raises InvalidInput for anything but pass, fail, error and pending."""
    if outcome not in ExternalOutcome.values:
        message = _("There is no such outcome. Use one of: %(outcomes)s.")
        raise InvalidInput(message % {"outcomes": ", ".join(ExternalOutcome.values)}, field="outcome")
    return outcome


def link_from(link: str) -> str:
    """Return an http or https address that is safe to show as a link, or an empty text. Raises InvalidInput.

    One with a user name or password in it is refused: the trail keeps it for good.
    """
    if not link:
        return ""
    message = _("Give the link as a complete http or https address of at most %(most)d characters, without a password.")
    refused = InvalidInput(message % {"most": MAX_LINK}, field="link")
    if len(link) > MAX_LINK or UNWANTED_IN_LINKS.search(link):
        raise refused
    try:
        parts = urlsplit(link)
        parts.port  # noqa: B018 - raises where it is no number
    except ValueError as error:
        raise refused from error
    if parts.scheme not in ("http", "https") or not parts.hostname or "@" in parts.netloc:
        raise refused
    return link


def inputs_from(inputs: str) -> str:
    """Return what a report says it looked at: a commit, a digest. Raises InvalidInput when it is no single line."""
    if len(inputs) > MAX_INPUTS or not inputs.isprintable():
        message = _("Say in one line of at most %(most)d characters what the check looked at, such as a commit.")
        raise InvalidInput(message % {"most": MAX_INPUTS}, field="inputs")
    return inputs.strip()


def valid_until(days: int | None) -> datetime | None:
    """Return until when a report holds; None: until the next one. Raises InvalidInput."""
    return _after(days, most=MAX_VALID_DAYS, field="valid_days") if days is not None else None


def waived_until(days: int) -> datetime:
    """Return until when a waiver holds. Raises InvalidInput."""
    return _after(days, most=MAX_WAIVER_DAYS, field="days")


def _after(days: int, *, most: int, field: str) -> datetime:
    if not 1 <= days <= most:
        message = _("Give a number of days from 1 to %(most)d.")
        raise InvalidInput(message % {"most": most}, field=field)
    return timezone.now() + timedelta(days=days)
