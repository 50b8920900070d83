"""What happens by itself when its time has come. Beat calls `tend`; a beat that stood still only delays."""

import logging
from collections.abc import Callable

from django.db.models import CharField, Exists, F, OuterRef, Q, Value
from django.db.models.functions import Cast, Concat
from django.utils import timezone

from apps.approvals import advancing, conditions, refreshing, schedule, visibility
from apps.approvals.aiming import NOT_SERVED
from apps.approvals.exceptional import after_review, recertification
from apps.approvals.models import UNDER_REVIEW, ApprovalRequest, RequestState
from apps.approvals.policies import freezes
from apps.approvals.records import about, request_target
from apps.approvals.reviewing import SYSTEM
from apps.audit import services as audit
from apps.audit.actions import Action
from apps.jobs.models import ACTIVE_STATES, Job
from apps.jobs.ringing import each

logger = logging.getLogger(__name__)


def tend() -> int:
    """Ring every timer once and return how many rows were handled. One that breaks does not stop the others."""
    handled = 0
    for timer in TIMERS:
        try:
            handled += timer()
        except Exception:
            # Whatever a timer's own query or code raises; rows that fail are caught one by one (ringing.each). Left
            # alone, a fault in the first would keep the others from ringing at every beat: requests would not expire,
            # approvals not lapse. It is logged at each beat until it is mended; the end of the process passes through.
            logger.exception("the timer %s broke", timer.__name__)
    return handled


def expire() -> int:
    """Close what was not decided, or not applied, in the time that its policy gives."""
    now = timezone.now()
    due = ApprovalRequest.objects.filter(state__in=schedule.MORTAL, expires_at__lte=now).order_by("expires_at")
    return each(due, _expire)


def _expire(request_id: int) -> bool:
    request = visibility.locked(request_id)
    if not schedule.expired(request, timezone.now()):
        return False
    advancing.expire(request)
    return True


def remind() -> int:
    """Remind those who could decide a request, again after as many days as its policy says."""
    now = timezone.now()
    due = ApprovalRequest.objects.filter(state__in=UNDER_REVIEW, remind_at__lte=now).order_by("remind_at")
    return each(due, _remind)


def _remind(request_id: int) -> bool:
    request, now = visibility.locked(request_id), timezone.now()
    if request.state not in UNDER_REVIEW or request.remind_at is None or request.remind_at > now:
        return False
    schedule.reminded(request, now)
    request.save(update_fields=["reminded_at", "remind_at", "updated_at"])
    audit.record(Action.REQUEST_REMINDED, by=SYSTEM, target=request_target(request), **about(request))
    return True


def apply_due() -> int:
    """Enqueue the apply of what is approved, has waited, is not frozen, and has no job."""
    now = timezone.now()
    here = Q(model=None) | Q(model=OuterRef("version__model"))
    freezing = freezes.standing(now).filter(here, starts_at__lte=now)
    everything = Q(stage="", alias="")
    frozen = freezing.filter(everything | ~Q(stage="") & Q(stage=OuterRef("to_stage")) | _frozen_alias("alias"))
    along = ~Q(to_stage__in=["", *NOT_SERVED]) & Exists(freezing.filter(_frozen_alias("policy__moves_alias")))
    own_key = Concat(Value(f"{advancing.APPLY_JOB}:"), Cast(OuterRef("pk"), CharField()))
    jobs = Job.objects.filter(key=own_key, state__in=ACTIVE_STATES)
    waited = Q(apply_after__lte=now) | Q(apply_after=None)
    free = Q(expedited=True) | ~Exists(frozen) & ~along  # no freeze holds back a bypass or a rollback
    due = ApprovalRequest.objects.filter(waited, free, ~Exists(jobs), state=RequestState.APPROVED)
    return each(due.order_by(F("apply_after").asc(nulls_first=True), "pk"), _apply)


def _frozen_alias(column: str) -> Q:
    return ~Q(alias="") & Q(alias=OuterRef(column))


def _apply(request_id: int) -> bool:
    request = visibility.locked(request_id)
    if request.state != RequestState.APPROVED or schedule.held(request, timezone.now()):
        return False
    return advancing.enqueue_apply(request)


TIMERS: tuple[Callable[[], int], ...] = (
    expire,
    remind,
    refreshing.look_at_ripe,
    apply_due,
    conditions.revoke_overdue,
    after_review.note_overdue,
    recertification.note_ending,
)
