"""A bypass that its request moved on without: dropped, and said so in the trail. Nothing is dropped silently."""

from django.db.models import QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _

from apps.approvals.models import AfterReview, ApprovalRequest, Bypass
from apps.approvals.records import about, request_target
from apps.audit import services as audit
from apps.audit.actions import Action
from apps.audit.services import Actor


def drop_asked(request: ApprovalRequest, because: str, *, by: Actor) -> bool:
    """Drop a bypass that nobody confirmed, in the caller's transaction with the request locked; was there one?"""
    return _drop(request, Bypass.objects.filter(request=request, dropped_at=None, confirmed_at=None), because, by)


def end_expedited(request: ApprovalRequest, *, by: Actor) -> None:
    """Let a bypass or a rollback that was not applied become a request like any other: it has to be voted on.

    In the caller's transaction, with the request locked, before it goes back to review. A review afterwards is no
    longer owed: nothing was applied without one. Nothing happens to a request that is not expedited.
    """
    if not request.expedited:
        return
    because = _("The request went back to review, so it takes its votes like any other.")
    _drop(request, Bypass.objects.filter(request=request, dropped_at=None), because, by)
    AfterReview.objects.filter(request=request, outcome="").delete()
    request.expedited = request.bypassed = False
    request.save(update_fields=["expedited", "bypassed", "updated_at"])


def _drop(request: ApprovalRequest, rows: QuerySet[Bypass], because: str, by: Actor) -> bool:
    dropped = rows.select_related("asked_by").first()
    if dropped is None:
        return False
    rows.update(dropped_at=timezone.now())
    audit.record(
        Action.BYPASS_DROPPED,
        by=by,
        target=request_target(request),
        reason=because,
        asked_by=dropped.asked_by.get_username(),
        **about(request),
    )
    return True
