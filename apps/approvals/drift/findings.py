"""Recording drift: told of what MLflow changed by itself, in the transaction that mirrors it.

One unsettled finding per thing: later changes move what was found and keep what is expected. MLflow going back to that
by itself resolves it, except while Assent reverts it: then the revert says how it ended.
"""

from dataclasses import dataclass, replace
from typing import Any

from django.utils import timezone
from django.utils.translation import gettext as _

from apps.approvals import aiming, counts
from apps.approvals.drift.automatic import revert_if_policy_says
from apps.approvals.drift.decisions import alias_covered, covered, decided_at_all, decision_for
from apps.approvals.drift.records import MLFLOW, about, drift_target
from apps.approvals.drift.settling import settle
from apps.approvals.findings import SERVED
from apps.approvals.models import UNSETTLED, ApprovalRequest, DriftFinding, DriftKind, DriftState, ProtectedAlias
from apps.audit import context
from apps.audit import services as audit
from apps.audit.actions import Action, Source
from apps.jobs.models import Job
from apps.registry import stages
from apps.registry.models import ModelVersion, Stage
from apps.registry.observers import Change, Changed, observes

Key = tuple[str, Any]  # kind with the version's key, or with the model's key and the alias


@dataclass
class _Book:
    """The unsettled findings of the models at hand, and how the changes were seen."""

    unsettled: dict[Key, DriftFinding]
    seen_by: str

    def of(self, change: Change, kind: DriftKind) -> DriftFinding | None:
        return self.unsettled.get(_key(kind, change.model.pk, _version_id(change), change.alias))


@observes
def record(changes: list[Change]) -> None:
    """Record what no decision covers. In the transaction that mirrors the changes: both are written, or neither."""
    changes = _governed(changes)
    if not changes:
        return
    model_ids = sorted({change.model.pk for change in changes})
    for model_id in model_ids:
        stages.lock_model(model_id)
    book = _Book(_unsettled(model_ids), _seen_by())
    for change in changes:
        RECORDERS[change.what](change, book)
    for model_id in model_ids:
        counts.note_drift(model_id)


def left_behind(request: ApprovalRequest) -> None:
    """Record that MLflow holds what a request wrote that is no longer approved. In the transaction that says so."""
    if not (request.stage_write or request.alias_write) or request.drift.exists():
        return
    version, model_id = request.version, request.version.model_id
    book = _Book(_unsettled([model_id]), _seen_by())
    if request.stage_write and version.stage == request.to_stage:
        change = Change(Changed.STAGE, version.model, version, request.from_stage, version.stage)
        if not book.of(change, DriftKind.STAGE):
            _open(change, book, DriftKind.STAGE, expected=request.from_stage, found=version.stage)
    for alias in _aliases_left(request):
        change = Change(Changed.ALIAS, version.model, version, None, version.number, alias)
        if not book.of(change, DriftKind.ALIAS):
            before = request.alias_before if request.alias_before.isdecimal() else ""
            _open(change, book, DriftKind.ALIAS, expected=before, found=str(version.number))
    counts.note_drift(model_id)


def _aliases_left(request: ApprovalRequest) -> list[str]:
    """Return the protected alias that the request had begun to move, if it points to the request's version."""
    alias = aiming.alias_of(request)
    held = request.version.aliases.filter(alias=alias, alias__in=ProtectedAlias.objects.values("alias"))
    return [alias] if request.alias_write and alias and held.exists() else []


def _governed(changes: list[Change]) -> list[Change]:
    """Leave out what is no drift, and the aliases that nobody protects."""
    changes = [change for change in changes if change.what in RECORDERS]
    named = {change.alias for change in changes if change.what == Changed.ALIAS}
    protected = set(ProtectedAlias.objects.filter(alias__in=named).values_list("alias", flat=True)) if named else set()
    return [change for change in changes if change.what != Changed.ALIAS or change.alias in protected]


def _unsettled(model_ids: list[int]) -> dict[Key, DriftFinding]:
    rows = DriftFinding.objects.filter(model__in=model_ids, state__in=UNSETTLED).order_by("pk")
    rows = rows.select_for_update(of=("self",)).select_related("model", "version__model")
    return {_key(row.kind, row.model_id, row.version_id, row.alias): row for row in rows}


def _key(kind: str, model_id: int, version_id: int | None, alias: str) -> Key:
    return (str(kind), (model_id, alias)) if kind == DriftKind.ALIAS else (str(kind), version_id)


def _stage(change: Change, book: _Book) -> None:
    before, after = str(change.before or Stage.NONE), str(change.after)
    finding = book.of(change, DriftKind.STAGE)
    if finding:
        _follow(finding, after, change, book)
    elif before != after and change.version and not covered(change.version, before, after):
        _open(change, book, DriftKind.STAGE, expected=before, found=after)


def _alias(change: Change, book: _Book) -> None:
    before, after = _number(change.before), _number(change.after)
    finding = book.of(change, DriftKind.ALIAS)
    if finding:
        _follow(finding, after, change, book)
    elif before != after and not alias_covered(change.model.pk, change.alias, after):
        _open(change, book, DriftKind.ALIAS, expected=before, found=after)


def _artifacts(change: Change, book: _Book) -> None:
    finding = book.of(change, DriftKind.ARTIFACTS)
    if finding:
        _follow(finding, str(change.after), change, book)
    elif change.before and change.before != change.after and change.version and _signed(change.version):
        _open(change, book, DriftKind.ARTIFACTS, expected=str(change.before), found=str(change.after))


def _deleted(change: Change, book: _Book) -> None:
    """A version that a decision keeps in use is gone; what else was found on it has nothing left to be settled."""
    stage = book.of(change, DriftKind.STAGE)
    held = [str(name) for name in (stage and stage.expected, change.before) if name in SERVED]
    for finding in (stage, book.of(change, DriftKind.ARTIFACTS)):
        if finding:
            settle(
                finding,
                DriftState.RESOLVED,
                Action.DRIFT_RESOLVED,
                by=MLFLOW,
                source=Source.MLFLOW,
                reason=_("The version was deleted in MLflow."),
            )
    if held and not book.of(change, DriftKind.DELETED):
        _open(change, book, DriftKind.DELETED, expected=held[0], found="")


def _returned(change: Change, book: _Book) -> None:
    """A version that was gone is there again, as after a restore of MLflow: only its stage may still be wrong."""
    gone = book.of(change, DriftKind.DELETED)
    if gone:
        reason = _("The version is in MLflow again.")
        settle(gone, DriftState.RESOLVED, Action.DRIFT_RESOLVED, by=MLFLOW, source=Source.MLFLOW, reason=reason)
    before = gone.expected if gone else change.before
    _stage(replace(change, before=before), book)


RECORDERS = {
    Changed.STAGE: _stage,
    Changed.ALIAS: _alias,
    Changed.ARTIFACTS: _artifacts,
    Changed.DELETED: _deleted,
    Changed.RETURNED: _returned,
}


def _open(change: Change, book: _Book, kind: DriftKind, *, expected: str, found: str) -> None:
    version = change.version
    finding = DriftFinding(
        model=change.model,
        version=version,
        kind=kind,
        alias=change.alias,
        expected=expected,
        found=found,
        details=_hints(change, kind, book),
        decision=_decision(version, kind, expected),
    )
    finding.save(force_insert=True)
    book.unsettled[_key(kind, change.model.pk, _version_id(change), change.alias)] = finding
    audit.record(
        Action.DRIFT_FOUND,
        by=MLFLOW,
        target=drift_target(finding),
        source=Source.MLFLOW,
        after={"state": str(finding.state)},
        **about(finding),
        hints=finding.details,
    )
    revert_if_policy_says(finding)


def _follow(finding: DriftFinding, after: str, change: Change, book: _Book) -> None:
    """Take up a further change of a thing that is already found to differ."""
    finding.last_seen_at = timezone.now()
    finding.save(update_fields=["last_seen_at"])
    if after == finding.expected:
        if finding.state != DriftState.REVERTING:
            settle(finding, DriftState.RESOLVED, Action.DRIFT_RESOLVED, by=MLFLOW, source=Source.MLFLOW)
        return
    if after != finding.found:
        _moved_on(finding, after, change, book)


def _moved_on(finding: DriftFinding, after: str, change: Change, book: _Book) -> None:
    before = finding.found
    begun = {name: finding.details[name] for name in ("begun", "wrote") if name in finding.details}
    finding.found, finding.details = after, _hints(change, finding.kind, book) | begun
    finding.version = change.version or finding.version if finding.kind != DriftKind.ALIAS else change.version
    if finding.state == DriftState.REQUESTED:
        finding.state = DriftState.OPEN  # the request asks for what MLflow no longer says
    finding.save(update_fields=["found", "details", "version", "state"])
    audit.record(
        Action.DRIFT_FOUND,
        by=MLFLOW,
        target=drift_target(finding),
        source=Source.MLFLOW,
        before={"found": before},
        after={"found": after, "state": str(finding.state)},
        **about(finding),
        hints=finding.details,
    )
    revert_if_policy_says(finding)


def _signed(version: ModelVersion) -> bool:
    """Return whether somebody relies on the files of this version: it is in use, or a request is about it."""
    return version.stage in SERVED or decided_at_all(version)


def _decision(version: ModelVersion | None, kind: DriftKind, expected: str) -> ApprovalRequest | None:
    if version is None or kind == DriftKind.ALIAS:
        return None
    return decision_for(version, version.stage if kind == DriftKind.ARTIFACTS else expected)


def _hints(change: Change, kind: str, book: _Book) -> dict[str, Any]:
    """Return what there is to know about who and when: MLflow keeps no name with a change of its registry."""
    times = {
        DriftKind.STAGE: change.version and change.version.updated_at,
        DriftKind.DELETED: change.model.updated_at,
    }
    at = times.get(DriftKind(kind))
    return {"seen_by": book.seen_by, **({"mlflow_time": at.isoformat()} if at else {}), **(change.details or {})}


def _seen_by() -> str:
    """Return which kind of job, or which door, saw the changes."""
    origin = context.current()
    kind, _dash, number = origin.request_id.partition("-")
    if kind == "job" and number.isdecimal():
        return Job.objects.filter(pk=number).values_list("kind", flat=True).first() or origin.source.value
    return origin.source.value


def _version_id(change: Change) -> int | None:
    return change.version.pk if change.version else None


def _number(number: Any) -> str:
    return "" if number is None else str(number)
