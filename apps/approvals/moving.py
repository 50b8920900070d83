"""What a request writes to MLflow: a stage, an alias, or both; read, written where missing, read back, settled.

The stage goes first, then the alias. Each part may have been written by a worker that was killed: what MLflow already
says is not written again. `stage_before` and `alias_before` were read under the lock of the request; where MLflow says
a third thing right before the write, somebody else was at it, and nothing is written. That a write is sent is committed
before it is (`stage_write`, `alias_write`): what MLflow says without that is not ours.
"""

from dataclasses import dataclass
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from apps.approvals import writing
from apps.approvals.aiming import alias_of, number_in_words
from apps.approvals.models import ApprovalRequest, RequestState, WriteState
from apps.audit.services import Actor
from apps.errors import NotVisible, WrongState
from apps.jobs import services as jobs
from apps.jobs.models import Job
from apps.registry import aliases, stages
from apps.registry.aliases import SeenAlias
from apps.registry.mlflow import RemoteVersion
from apps.registry.models import ModelVersion

NOWHERE = "none"  # an alias that points to no version, as `alias_before` keeps it


@dataclass(frozen=True)
class Seen:
    """What MLflow says before the write; `alias` is a number as text or "none", empty where no alias moves."""

    stage: str
    alias: str


@dataclass(frozen=True)
class Moved:
    """What MLflow says after the write."""

    versions: dict[int, RemoteVersion]
    alias: SeenAlias | None


def read(request: ApprovalRequest) -> Seen:
    """Return what MLflow says now. Raises UpstreamUnavailable, and NotVisible when version or model is gone."""
    alias = alias_of(request)
    seen = aliases.read_alias(request.version.model, alias) if alias else None
    return Seen(stages.read_stage(request.version), _text(seen.number) if seen else "")


def begun(request: ApprovalRequest, seen: Seen) -> bool:
    """Return whether an attempt before sent its write and MLflow shows the first part of it: only the rest is missing.

    Only a worker that takes over from another finds a request like that. Who tries again decides anew.
    """
    if request.state != RequestState.APPLYING:
        return False
    if request.to_stage:
        return bool(request.stage_write) and seen.stage == request.to_stage
    return bool(request.alias_write) and seen.alias == str(request.version.number)


def take_stock(request: ApprovalRequest, seen: Seen) -> None:
    """Set what MLflow shows of what was sent. The caller saves.

    After an attempt that has ended, somebody else may have made the same move: then it stays unknown whose it is.
    """
    takes_over = request.state == RequestState.APPLYING
    there = {
        "stage_write": seen.stage == request.to_stage,
        "alias_write": seen.alias == str(request.version.number),
    }
    for name, arrived in there.items():
        if getattr(request, name) and (takes_over or not arrived):
            setattr(request, name, WriteState.SEEN if arrived else "")


def forget_unsent(request: ApprovalRequest) -> None:
    """Take back what an attempt noted before a write that it did not send. The caller saves."""
    request.stage_before = request.stage_before if request.stage_write else ""
    request.alias_before = request.alias_before if request.alias_write else ""


def check_place(request: ApprovalRequest, seen: Seen, *, covered: bool) -> None:
    """Raise WrongState unless MLflow is where the request starts, or where a write that was sent has put it.

    `covered`: or already where it asks to go. An alias that moves with a stage starts where it pointed
    when that was asked for.
    """
    if request.to_stage:
        _check_stage(request, seen, covered=covered)
    if alias_of(request):
        _check_alias(request, seen, covered=covered and not request.to_stage)


def _check_stage(request: ApprovalRequest, seen: Seen, *, covered: bool) -> None:
    may_be_there = covered or request.stage_write
    if seen.stage == request.from_stage or (may_be_there and seen.stage == request.to_stage):
        return
    message = _(
        "MLflow has %(version)s in %(seen)s, but this request is to move it from %(from_stage)s to %(to_stage)s: "
        "its stage was changed elsewhere. Withdraw this request and ask again."
    )
    names = {"from_stage": request.from_stage, "to_stage": request.to_stage}
    raise WrongState(message % {"version": request.version, "seen": seen.stage, **names})


def note_before(request: ApprovalRequest, seen: Seen) -> None:
    """Set what the write will change. The caller saves. A part that was sent already keeps what was before it."""
    request.stage_before = request.stage_before if request.stage_write else seen.stage
    request.alias_before = request.alias_before if request.alias_write else seen.alias


def write(job: Job, request: ApprovalRequest) -> Moved:
    """Write what is missing, and return what MLflow says then.

    Raises WrongState when MLflow was changed since the lock, NotMoved when it does not show what was written.
    """
    versions: dict[int, RemoteVersion] = {}
    if request.to_stage:
        versions = writing.write_what_is_missing(
            job,
            request.version,
            request.to_stage,
            archive_existing=request.archive_existing,
            expected=request.stage_before,
            sending=lambda: _note(job, request, stage_write=WriteState.SENT),
        )
    if request.stage_write == WriteState.SENT and alias_of(request):  # whatever becomes of the alias
        _note(job, request, stage_write=WriteState.SEEN)
    return Moved(versions, _write_alias(job, request))


def settle(request: ApprovalRequest, moved: Moved, /, *, by: Actor, **data: Any) -> list[ModelVersion]:
    """Make the mirror say what MLflow said, in the caller's transaction; return the versions that moved."""
    rows = stages.settle(request.version, moved.versions, by=by, **data) if request.to_stage else []
    if moved.alias:
        aliases.settle_alias(request.version.model, alias_of(request), moved.alias, by=by, **data)
    return rows


def before_and_after(request: ApprovalRequest) -> tuple[dict[str, str], dict[str, str]]:
    """Return what an applied request changed, for its event."""
    before: dict[str, str] = {}
    after: dict[str, str] = {}
    if request.to_stage:
        before["stage"], after["stage"] = request.stage_before, str(request.to_stage)
    if alias := alias_of(request):
        before[f"@{alias}"], after[f"@{alias}"] = request.alias_before, str(request.version.number)
    return before, after


def _write_alias(job: Job, request: ApprovalRequest) -> SeenAlias | None:
    alias, model, number = alias_of(request), request.version.model, request.version.number
    if not alias:
        return None
    seen = aliases.read_alias(model, alias)
    if seen.number != number:
        if _text(seen.number) != request.alias_before:
            raise _moved_meanwhile(f"@{alias}")
        _note(job, request, alias_write=WriteState.SENT)
        _point(request, alias, number)
        jobs.renew(job)
    return aliases.read_alias_back(model, alias, number)


def _note(job: Job, request: ApprovalRequest, **writes: WriteState) -> None:
    """Commit what is known of a write. Whoever lost the lease while waiting for MLflow stops here, before the write."""
    with transaction.atomic(durable=True):
        jobs.renew(job)
        ApprovalRequest.objects.filter(pk=request.pk).update(**writes)
    for name, value in writes.items():
        setattr(request, name, value)


def _point(request: ApprovalRequest, alias: str, number: int) -> None:
    try:
        aliases.write_alias(request.version.model, alias, number)
    except NotVisible as error:
        message = _("%(version)s no longer exists in MLflow, so @%(alias)s cannot point to it.")
        raise WrongState(message % {"version": request.version, "alias": alias}) from error


def _check_alias(request: ApprovalRequest, seen: Seen, *, covered: bool) -> None:
    alias, there = alias_of(request), str(request.version.number)
    may_be_there = covered or request.alias_write
    if seen.alias == _text(request.from_number) or (may_be_there and seen.alias == there):
        return
    message = _(
        "In MLflow @%(alias)s points to %(seen)s, but this request is to move it from %(before)s to %(version)s: "
        "it was moved elsewhere. Withdraw this request and ask again."
    )
    now = number_in_words(None if seen.alias == NOWHERE else int(seen.alias))
    names = {"alias": alias, "seen": now, "before": number_in_words(request.from_number)}
    raise WrongState(message % {**names, "version": request.version})


def _moved_meanwhile(what: str) -> WrongState:
    return WrongState(str(writing.MOVED_MEANWHILE) % {"what": what})


def _text(number: int | None) -> str:
    return NOWHERE if number is None else str(number)
