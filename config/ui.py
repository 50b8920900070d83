"""Template library `ui`: what every page needs to show a time, a chip or a number the same way."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django import template
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.timesince import timesince
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from apps.accounts.models import Decision, ReviewState
from apps.accounts.profiles import PersonState
from apps.approvals.models import DriftKind, DriftState, RequestState, Verdict
from apps.audit.actions import AccessOutcome, Outcome
from apps.modelcards.models import CardState
from apps.registry.figures import figure, percent, signed
from apps.registry.marks import ago, icon
from apps.registry.models import DetailsState, Stage, SyncState
from config.remembering import remembered

register = template.Library()
for written in (ago, figure, percent, signed):
    register.filter(written)
register.simple_tag(icon)
register.tag(remembered)

HOUR = 3600


@dataclass(frozen=True)
class Look:
    """How a chip looks: its tone (neutral, info, success, warning, danger), its icon, its word."""

    tone: str
    icon: str
    label: str | Promise


def _looks(choices: Any, looks: dict[Any, tuple[str, str]]) -> dict[str, Look]:
    return {str(value): Look(*looks[value], label=choices(value).label) for value in looks}


CHIPS: dict[str, dict[str, Look]] = {
    "stage": _looks(
        Stage,
        {
            Stage.NONE: ("neutral", "circle"),
            Stage.STAGING: ("warning", "staging"),
            Stage.PRODUCTION: ("success", "production"),
            Stage.ARCHIVED: ("neutral", "archive"),
        },
    ),
    "state": _looks(
        RequestState,
        {
            RequestState.DRAFT: ("neutral", "edit"),
            RequestState.OPEN: ("info", "clock"),
            RequestState.CHANGES_REQUESTED: ("warning", "edit"),
            RequestState.APPROVED: ("success", "check"),
            RequestState.APPLYING: ("info", "sync"),
            RequestState.APPLIED: ("success", "check-circle"),
            RequestState.APPLY_FAILED: ("danger", "alert"),
            RequestState.REJECTED: ("danger", "x-circle"),
            RequestState.WITHDRAWN: ("neutral", "undo"),
            RequestState.EXPIRED: ("warning", "clock"),
            RequestState.SUPERSEDED: ("neutral", "swap"),
        },
    ),
    "verdict": _looks(
        Verdict,
        {
            Verdict.APPROVE: ("success", "check"),
            Verdict.REQUEST_CHANGES: ("warning", "edit"),
            Verdict.REJECT: ("danger", "x"),
        },
    ),
    "outcome": _looks(
        Outcome,
        {
            Outcome.DONE: ("success", "check"),
            Outcome.REFUSED: ("danger", "x"),
            Outcome.FAILED: ("warning", "alert"),
        },
    ),
    "access": _looks(
        AccessOutcome,
        {AccessOutcome.GRANTED: ("success", "check"), AccessOutcome.DENIED: ("danger", "x")},
    ),
    "access_review": _looks(
        ReviewState,
        {
            ReviewState.OPEN: ("info", "clock"),
            ReviewState.CLOSED: ("success", "check-circle"),
            ReviewState.CANCELLED: ("neutral", "undo"),
        },
    ),
    "access_review_item": _looks(
        Decision,
        {
            Decision.PENDING: ("info", "clock"),
            Decision.CONFIRMED: ("success", "check"),
            Decision.REMOVED: ("danger", "x"),
            Decision.LAPSED: ("warning", "clock"),
            Decision.KEPT: ("warning", "alert"),
            Decision.ENDED: ("neutral", "minus"),
            Decision.CANCELLED: ("neutral", "undo"),
        },
    ),
    "drift": _looks(
        DriftState,
        {
            DriftState.OPEN: ("warning", "alert"),
            DriftState.REQUESTED: ("info", "clock"),
            DriftState.REVERTING: ("info", "sync"),
            DriftState.ACCEPTED: ("success", "check"),
            DriftState.REVERTED: ("success", "undo"),
            DriftState.RESOLVED: ("neutral", "check"),
        },
    ),
    "drift_kind": _looks(
        DriftKind,
        {
            DriftKind.STAGE: ("neutral", "swap"),
            DriftKind.ALIAS: ("neutral", "lock"),
            DriftKind.ARTIFACTS: ("neutral", "box"),
            DriftKind.DELETED: ("neutral", "x"),
        },
    ),
    "card": _looks(
        CardState,
        {
            CardState.DRAFT: ("neutral", "edit"),
            CardState.IN_REVIEW: ("info", "clock"),
            CardState.APPROVED: ("success", "check-circle"),
            CardState.ARCHIVED: ("neutral", "archive"),
        },
    ),
    "check": {
        "pass": Look("success", "check", _("Passes")),
        "fail": Look("danger", "x", _("Fails")),
        "error": Look("warning", "alert", _("Could not run")),
        "pending": Look("info", "clock", _("Pending")),
        "waived": Look("warning", "shield", _("Waived")),
        "not_applicable": Look("neutral", "minus", _("Does not apply")),
    },
    "condition": {
        "open": Look("info", "clock", _("Open")),
        "met": Look("success", "check", _("Met")),
        "overdue": Look("danger", "alert", _("Overdue")),
        "revoked": Look("danger", "x", _("Approval revoked")),
        "moot": Look("neutral", "minus", _("No longer asked")),
    },
    "sync": _looks(
        SyncState,
        {
            SyncState.RUNNING: ("info", "sync"),
            SyncState.DONE: ("success", "check"),
            SyncState.FAILED: ("danger", "alert"),
            SyncState.CANCELLED: ("neutral", "minus"),
        },
    ),
    "connection": {
        "good": Look("success", "check", _("Up to date")),
        "failing": Look("danger", "alert", _("Failing")),
        "never": Look("neutral", "clock", _("Not synced yet")),
        "disabled": Look("neutral", "minus", _("Disabled")),
    },
    "person": {
        PersonState.ACTIVE: Look("success", "check", _("Active")),
        PersonState.INVITED: Look("info", "clock", _("Invited")),
        PersonState.DEACTIVATED: Look("neutral", "minus", _("Deactivated")),
    },
    "details": _looks(
        DetailsState,
        {
            DetailsState.PENDING: ("info", "clock"),
            DetailsState.LOADED: ("success", "check"),
            DetailsState.FAILED: ("danger", "alert"),
        },
    ),
}
MESSAGE_LOOKS = {
    "success": ("success", "check-circle"),
    "warning": ("warning", "alert"),
    "error": ("danger", "x-circle"),
}


@register.simple_tag
def chip_look(kind: str, value: Any) -> Look:
    """Return the look of `value` in the family `kind`; a value nobody foresaw shows as itself."""
    return CHIPS.get(kind, {}).get(str(value), Look("neutral", "question", str(value)))


@register.simple_tag
def message_look(level_tag: str) -> Look:
    """Return the look of a message of Django's level (success, warning, error, info, debug)."""
    return Look(*MESSAGE_LOOKS.get(level_tag, ("info", "info")), label="")


@register.filter
def age(at: datetime) -> str:
    """Say how old something is, in its largest unit: "5 weeks old"; "new" in its first hour."""
    if (timezone.now() - at).total_seconds() < HOUR:
        return gettext("new")
    return gettext("%(time)s old") % {"time": timesince(at, depth=1)}


@register.filter
def pairs(mapping: dict[str, Any] | None) -> list[tuple[str, Any]]:
    """Return the items of a mapping with strangers' keys: `mapping.items` in a template would find a key "items"."""
    return list((mapping or {}).items())


@register.filter
def coded(text: str) -> SafeString:
    """Show what stands between backticks as code."""
    parts = enumerate(text.split("`"))
    return format_html_join(
        "", "{}", ((format_html("<code>{}</code>", part) if at % 2 else part,) for at, part in parts)
    )


@register.filter
def took(start: datetime, end: datetime) -> str:
    """Say how long something took: "0.8 s", "41 s", "3 min"."""
    seconds = (end - start).total_seconds()
    return f"{seconds:.1f} s" if seconds < 10 else f"{seconds:.0f} s" if seconds < 100 else f"{seconds / 60:.0f} min"
