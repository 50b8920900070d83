"""Recording what MLflow lost although it was on hold: told by the mirror, in the transaction that mirrors it.

Assent deletes nothing that is held; whoever reaches MLflow itself can. MLflow names nobody who deletes.
"""

from typing import Any

from apps.approvals.drift.records import MLFLOW
from apps.audit import services as audit
from apps.audit.actions import Action, Source
from apps.compliance.holds.services import hold_target
from apps.compliance.models import Broken, HoldBreach, LegalHold
from apps.registry.observers import Change, Changed, observes

KINDS = {Changed.DELETED: Broken.DELETED, Changed.ARTIFACTS: Broken.ARTIFACTS, Changed.RUN: Broken.RUN}


@observes
def record(changes: list[Change]) -> None:
    """Find the holds that a deletion, an exchange of files or the loss of a run broke; both are written, or neither."""
    lost = [change for change in changes if change.what in KINDS and _is_loss(change)]
    if not lost:
        return
    holds = LegalHold.objects.filter(model__in={change.model.pk for change in lost}, lifted_at=None).order_by("pk")
    for hold in holds:
        for change in lost:
            version = change.version
            if version and change.model.pk == hold.model_id and hold.version_id in (None, version.pk):
                _break(hold, change)


def _is_loss(change: Change) -> bool:
    """An artifact that is read for the first time was not exchanged."""
    return change.what != Changed.ARTIFACTS or bool(change.before and change.before != change.after)


def _break(hold: LegalHold, change: Change) -> None:
    what, version = KINDS[change.what], change.version
    run: dict[str, Any] = {"run": version.run_id} if version and what is Broken.RUN else {}
    HoldBreach.objects.create(hold=hold, version=version, what=what)
    audit.record(
        Action.HOLD_BROKEN,
        by=MLFLOW,
        target=hold_target(hold),
        source=Source.MLFLOW,
        model=change.model.reference,
        version=version.number if version else None,
        what=what.value,
        before=change.before,
        after=change.after,
        **run,
    )
