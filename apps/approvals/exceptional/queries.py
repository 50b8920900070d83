"""Reading what is beside the ordinary: what is owed, what lapses, how often. Only of models that the reader may see."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Count, Q, QuerySet
from django.db.models.functions import TruncMonth
from django.utils import timezone

from apps.accounts import grants
from apps.accounts.permissions import Permission
from apps.approvals.exceptional import recertification
from apps.approvals.exceptional.after_review import NEVER_APPLIED
from apps.approvals.exceptional.holding import holding
from apps.approvals.models import UNDER_REVIEW, AfterReview, ApprovalRequest, Bypass, Ratification, RequestState
from apps.registry.queries import DETAILS, visible_models

MONTHS = 12
BIG = ("evidence", "checks", "baseline", "headline", "tally", *(f"version__{name}" for name in DETAILS))
OF_REQUEST = tuple(f"request__{name}" for name in BIG)
BYPASSABLE = (*UNDER_REVIEW, RequestState.APPROVED)


@dataclass(frozen=True)
class Month:
    """How many bypasses were confirmed in a month, by its first moment (UTC)."""

    month: datetime
    bypasses: int


def owed(user: Any) -> QuerySet[AfterReview]:
    """Return the reviews that bypasses and rollbacks still owe, the most overdue first."""
    rows = AfterReview.objects.filter(outcome="").exclude(request__state__in=NEVER_APPLIED)
    return _with_request(rows, user).order_by("due_at", "pk")


def not_ratified(user: Any) -> QuerySet[AfterReview]:
    """Return what a review afterwards did not ratify and is in force all the same, latest first."""
    refused = AfterReview.objects.filter(outcome=Ratification.NOT_RATIFIED)
    in_force = holding(ApprovalRequest.objects.filter(pk__in=refused.values("request")))
    rows = refused.filter(request__in=in_force.values("pk")).select_related("reviewer")
    return _with_request(rows, user).order_by("-reviewed_at", "-pk")


def asked(user: Any) -> QuerySet[Bypass]:
    """Return the bypasses that wait for a second person, oldest first."""
    rows = Bypass.objects.filter(confirmed_at=None, dropped_at=None, request__state__in=BYPASSABLE)
    return _with_request(rows, user).select_related("asked_by").order_by("asked_at", "pk")


def ending(user: Any) -> QuerySet[ApprovalRequest]:
    """Return the approvals in force that have lapsed, or end soon, the first to end first."""
    soon = ApprovalRequest.objects.filter(recertification.due(timezone.now()))
    rows = holding(soon).filter(version__model__in=visible_models(user))
    return rows.select_related("version__model", "requester", "policy").defer(*BIG).order_by("recertify_by", "pk")


def per_month(user: Any, months: int = MONTHS) -> list[Month]:
    """Return how many bypasses were confirmed in each of the last months, latest first; months without are left out."""
    since = timezone.now() - timedelta(days=31 * months)
    rows = Bypass.objects.filter(confirmed_at__gte=since, request__version__model__in=visible_models(user))
    counted = rows.annotate(month=TruncMonth("confirmed_at")).values("month").annotate(number=Count("pk"))
    return [Month(row["month"], row["number"]) for row in counted.order_by("-month")]


def unreviewed_bypasses(user: Any) -> int:
    """Return how many bypasses still owe their review, for those who manage policies; 0 for everybody else."""
    if not grants.allows(user, Permission.POLICY_MANAGE):
        return 0
    return AfterReview.objects.filter(outcome="", request__bypassed=True).exclude(
        request__state__in=NEVER_APPLIED
    ).count()  # fmt: skip


def reviews_on(model_id: int, version_id: int | None = None) -> list[AfterReview]:
    """Return what of a model, or of one of its versions, is owed or not ratified and in force. The caller checked."""
    wanted = Q(request__version=version_id) if version_id else Q(request__version__model=model_id)
    rows = AfterReview.objects.filter(wanted).exclude(outcome=Ratification.RATIFIED)
    rows = rows.exclude(request__state__in=NEVER_APPLIED)
    rows = rows.select_related("request__version__model", "reviewer").defer(*OF_REQUEST)
    found = list(rows.order_by("due_at"))
    if all(row.outcome == "" for row in found):
        return found
    refused = [row.request_id for row in found if row.outcome]
    in_force = set(holding(ApprovalRequest.objects.filter(pk__in=refused)).values_list("pk", flat=True))
    return [row for row in found if row.outcome == "" or row.request_id in in_force]


def ending_on(model_id: int, version_id: int | None = None) -> list[ApprovalRequest]:
    """Return the approvals in force of a model, or of one version, that lapsed or end soon. The caller checked."""
    wanted = Q(version=version_id) if version_id else Q(version__model=model_id)
    rows = ApprovalRequest.objects.filter(wanted, recertification.due(timezone.now()))
    return list(holding(rows).select_related("version__model", "policy").defer(*BIG).order_by("recertify_by"))


def _with_request(rows: Any, user: Any) -> Any:
    """Return rows about requests that the reader may see, with request, version, model and people."""
    rows = rows.filter(request__version__model__in=visible_models(user))
    return rows.select_related("request__version__model", "request__requester").defer(*OF_REQUEST)
