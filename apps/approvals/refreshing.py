"""Requests are looked at again when something that they depend on has changed.

What the mirror brings is told in the transaction that writes it, and each open request of the model gets a job: what is
in Production, where a version is and what it says of itself all weigh on it. A request is locked before its model,
whose lock the mirror holds, and a pass over thousands of versions must not wait for their requests. A vote that is
given meanwhile waits for the model's lock too, and looks at the evidence under it: either it sees the new details and
is refused, or it comes first and the job dismisses it.

Who leaves a group is told by accounts (signers.py). What nobody tells (who joined, a metric's direction, a waiver or a
report whose time is over) is found by a timer. It looks only at requests that can move without a vote (`waiting.note`
says which), each twice a minute.
"""

from collections.abc import Iterable

from django.db import transaction
from django.utils import timezone

from apps.approvals import blockers, evidence, visibility, waiting, writing
from apps.approvals.advancing import MOVABLE, reconsider
from apps.approvals.at_once import looking
from apps.approvals.models import UNFINISHED, ApprovalRequest, RequestState
from apps.audit.context import came_through
from apps.jobs import services as jobs
from apps.jobs.handlers import handles
from apps.jobs.models import Job
from apps.jobs.ringing import each
from apps.modelcards.observers import observes_cards
from apps.registry.models import ModelVersion
from apps.registry.observers import Change, observes

REFRESH_JOB = "approvals.refresh"
AT_ONCE = 500  # models in one query


@observes
def look_again(changes: list[Change]) -> None:
    """Enqueue a fresh look at each unfinished request about a model of which something changed."""
    look_at_models({change.model.pk for change in changes}, requested_by="mlflow")


@observes_cards
def look_at_card(version: ModelVersion) -> None:
    """Enqueue a fresh look at each unfinished request about a version whose card changed."""
    look_at_models({version.model_id}, requested_by="cards")


def look_at_models(model_ids: Iterable[int], *, requested_by: str) -> None:
    """Commit with the caller's transaction that workers look again at the unfinished requests about these models."""
    models = sorted(model_ids)
    for start in range(0, len(models), AT_ONCE):
        about = ApprovalRequest.objects.filter(version__model__in=models[start : start + AT_ONCE])
        for pk in about.filter(state__in=UNFINISHED).order_by("pk").values_list("pk", flat=True):
            look_later(pk, requested_by=requested_by)


def look_later(request_id: int, *, requested_by: str) -> None:
    """Commit with the caller's transaction that a worker looks at a request again; one job at a time for each."""
    key = f"{REFRESH_JOB}:{request_id}"  # in heaps, one for each request of a model: an apply does not wait behind them
    jobs.enqueue(REFRESH_JOB, key=key, requested_by=requested_by, bulk=True, request_id=request_id)


def look_for_leavers(request_id: int, *, requested_by: str) -> None:
    """The same, because people may have left: their votes fall for good, also when they come back."""
    key = f"{REFRESH_JOB}:leavers:{request_id}"
    jobs.enqueue(REFRESH_JOB, key=key, requested_by=requested_by, request_id=request_id, leavers=True)


@handles(REFRESH_JOB)
def refresh(job: Job) -> None:
    """Look at one request again. The end of the job commits with it: details that come later find no active job."""
    with came_through(writing.origin(job)), transaction.atomic(durable=True):
        jobs.renew(job)
        reconsider(job.args["request_id"], leavers=bool(job.args.get("leavers")))
        jobs.finish(job)


def look_at_ripe() -> int:
    """Look again at each request that can move without another vote; a timer. Returns how many moved."""
    ripe = ApprovalRequest.objects.filter(state__in=MOVABLE, look_at__lte=timezone.now())
    return each(ripe.order_by("look_at"), _look)


def _look(request_id: int) -> bool:
    request, now = visibility.locked(request_id), timezone.now()
    if request.state not in MOVABLE or request.look_at is None or request.look_at > now:
        return False
    later = None if request.expedited else now + waiting.LOOK_AGAIN
    ApprovalRequest.objects.filter(pk=request_id).update(look_at=later)
    if request.expedited or not _stirred(request):
        return False
    reconsider(request_id)
    return True


def _stirred(request: ApprovalRequest) -> bool:
    """Return whether looking at a locked request would change anything: most often it does not."""
    with looking():
        if evidence.changes(request.evidence, evidence.of(request)):
            return True
        return bool(blockers.lost(request)) if request.state == RequestState.APPROVED else not blockers.unmet(request)
