"""A request in a row: what it moves, what it waits for, what its main metric did. From stored columns alone."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from apps.approvals.models import UNDER_REVIEW, ApprovalRequest, FreezeWindow, RequestState
from apps.approvals.one_by_one import why_alone
from apps.approvals.policies.freezes import standing
from apps.registry.figures import figure, percent


@dataclass(frozen=True)
class Row:
    """One request as the queue lists it; `alone` says why it cannot be signed together with others, else empty."""

    asked: ApprovalRequest
    waits: str
    headline: "Headline | None"
    since: datetime
    alone: str = ""


@dataclass(frozen=True)
class Headline:
    """The main metric in words: its name, "0.9 → 0.95", the change in percent, and what it means."""

    metric: str
    values: str
    change: str
    verdict: str


def rows(requests: Iterable[ApprovalRequest]) -> list[Row]:
    """Return requests with the words of their rows. One query, for the freezes of now where something is approved."""
    requests = list(requests)
    freezes = _freezes() if any(request.state == RequestState.APPROVED for request in requests) else []
    return [
        Row(
            request,
            waits_for(request, freezes),
            headline_in_words(request.headline),
            request.closed_at or request.submitted_at or request.created_at,
            why_alone(request),
        )
        for request in requests
    ]


def waits_for(request: ApprovalRequest, freezes: Iterable[FreezeWindow] = ()) -> str:
    """Say in a few words what a request waits for, or how it ended."""
    if request.state in UNDER_REVIEW:
        return _under_review(request)
    if request.state == RequestState.APPROVED:
        return _approved(request, freezes)
    return {
        RequestState.DRAFT: _("Not submitted yet"),
        RequestState.APPLYING: _("Assent is writing to MLflow"),
        RequestState.APPLY_FAILED: _("Try again, or withdraw"),
        RequestState.APPLIED: _("Applied past its policy") if request.bypassed else _("MLflow confirmed it"),
        RequestState.REJECTED: _("Nothing moved"),
        RequestState.WITHDRAWN: _("Nothing moved"),
        RequestState.EXPIRED: _("Nobody decided in time"),
        RequestState.SUPERSEDED: _("A newer request took its place"),
    }[RequestState(request.state)]


def headline_in_words(stored: dict[str, Any] | None) -> Headline | None:
    """Return the stored headline of a request as a row shows it."""
    if not stored:
        return None
    before, after = _number(stored["before"]), _number(stored["after"])
    values = figure(after) if before is None else f"{figure(before)} → {figure(after)}"
    known = isinstance(before, float) and isinstance(after, float) and before
    change = percent((after - before) / abs(before) * 100) if known and after != before else ""
    return Headline(stored["metric"], values, change, stored["verdict"] if before is not None else "")


def _under_review(request: ApprovalRequest) -> str:
    given, needed = request.tally.get("given", 0), request.tally.get("needed", 0)
    approvals = ngettext("%(given)d of %(needed)d approval", "%(given)d of %(needed)d approvals", needed)
    parts = [_("changes wanted")] if request.state == RequestState.CHANGES_REQUESTED else []
    parts.append(approvals % {"given": given, "needed": needed})
    if number := request.tally.get("checks", 0):
        parts.append(ngettext("%(number)d check not passed", "%(number)d checks not passed", number)
                     % {"number": number})  # fmt: skip
    return "; ".join(parts)


def _approved(request: ApprovalRequest, freezes: Iterable[FreezeWindow]) -> str:
    if ends := [window.ends_at for window in freezes if _holds(window, request)]:
        return _("frozen until %(time)s") % {"time": _in_words(max(ends))}
    if request.apply_after and request.apply_after > timezone.now():
        return _("applies after %(time)s") % {"time": _in_words(request.apply_after)}
    return _("Assent applies it in a moment")


def _freezes() -> list[FreezeWindow]:
    now = timezone.now()
    return list(standing(now).filter(starts_at__lte=now))


def _holds(window: FreezeWindow, request: ApprovalRequest) -> bool:
    on_model = window.model_id in (None, request.version.model_id)
    return on_model and window.stage in ("", request.to_stage)


def _number(text: str | None) -> Any:
    try:
        return None if text is None else float(text)
    except ValueError:
        return text


def _in_words(at: datetime) -> str:
    return f"{at:%Y-%m-%d %H:%M} UTC"
