"""The governed stage write, in the steps that an apply needs, each usable alone.

`expect` announces the write in the mirror, so that a sync that runs meanwhile takes the change neither for a foreign
one nor for its own; `write` and `read_back` speak to MLflow only; `settle` or `abandon` ends it.
"""

from typing import Any

from django.db.models import Q, QuerySet
from django.utils.translation import gettext as _

from apps.audit.actions import Action
from apps.audit.services import Actor, Target, record
from apps.errors import UpstreamUnavailable
from apps.registry import connections, placements, summaries
from apps.registry.mlflow import MlflowClient, MlflowNotFound, RemoteVersion
from apps.registry.models import ModelVersion, RegisteredModel, Stage
from apps.registry.placements import Place

ARCHIVING = (Stage.STAGING, Stage.PRODUCTION)  # MLflow answers 500 to archiving the others out of None or Archived


class NotMoved(UpstreamUnavailable):
    """MLflow answered, and does not show what was written."""


def read_stage(version: ModelVersion) -> str:
    """Return the version's stage as MLflow says now. Raises UpstreamUnavailable, or NotVisible when it is gone."""
    with connections.calls_for(version.model) as client:
        return client.get_version(version.model.name, version.number).stage


def expect(version: ModelVersion, stage: str, *, archive_existing: bool) -> None:
    """Mark, in the caller's transaction, the rows that the coming write will move."""
    lock_model(version.model_id)
    lock_versions(ModelVersion.objects.filter(model=version.model_id))
    ModelVersion.objects.filter(pk=version.pk).update(pending_stage=stage)
    if archive_existing and stage in ARCHIVING:
        _siblings(version, Q(stage=stage)).update(pending_stage=Stage.ARCHIVED)


def write(version: ModelVersion, stage: str, *, archive_existing: bool) -> None:
    """Move the version in MLflow. Touches no database. Writing the same stage twice does no harm."""
    archive = archive_existing and stage in ARCHIVING
    with connections.calls_for(version.model) as client:
        client.transition_stage(version.model.name, version.number, stage, archive_existing=archive)


def read_back(version: ModelVersion, stage: str, *, archive_existing: bool) -> dict[int, RemoteVersion]:
    """Return the version and the siblings that the write touched, by number, as MLflow says now.

    Raises NotMoved when MLflow does not show the write: version not in `stage`, or a sibling still in it.
    """
    siblings = []
    if archive_existing and stage in ARCHIVING:
        siblings = list(_siblings(version, Q(pending_stage=Stage.ARCHIVED) | Q(stage=stage)).order_by("number"))
    with connections.calls_for(version.model) as client:
        observed = {version.number: client.get_version(version.model.name, version.number)}
        for sibling in siblings:
            observed |= _read_if_there(client, version.model.name, sibling.number)
    unmoved = [n for n, row in observed.items() if (row.stage == stage) != (n == version.number)]
    if unmoved:
        numbers = ", ".join(f"v{number}" for number in sorted(unmoved))
        text = _("MLflow accepted the move to %(stage)s but still shows another stage for %(versions)s.")
        raise NotMoved(text % {"stage": stage, "versions": numbers})
    return observed


def settle(
    version: ModelVersion, observed: dict[int, RemoteVersion], *, by: Actor, reason: str = "", **data: Any
) -> list[ModelVersion]:
    """Make the mirror say what was observed, in the caller's transaction, and audit each row that moved.

    Clears the marks of `expect` on the whole model. Returns the rows that moved.
    """
    lock_model(version.model_id)
    rows = lock_versions(
        ModelVersion.objects.filter(model=version.model_id).filter(Q(number__in=list(observed)) | ~Q(pending_stage=""))
    )
    moved = []
    for row in rows:
        seen = observed.get(row.number)
        before = row.stage
        if seen:
            row.stage, row.updated_at = seen.stage, seen.updated_at
            row.seen_at = max(seen.asked_at, row.seen_at or seen.asked_at)
            row.stage_since = seen.updated_at if row.stage != before else row.stage_since
        row.pending_stage = ""
        row.save(update_fields=["stage", "stage_since", "updated_at", "seen_at", "pending_stage"])
        if before != row.stage:
            record_move(row, version.model.reference, before, by=by, reason=reason, **data)
            moved.append(row)
    places = [Place.in_stage(row, row.updated_at) for row in moved]
    placements.move(places, placements.writer(data), placements.decision(data))
    summaries.refresh([version.model_id])
    return moved


def abandon(version: ModelVersion) -> None:
    """Clear the marks of `expect`, in the caller's transaction: the next sync takes MLflow's word."""
    lock_model(version.model_id)
    lock_versions(ModelVersion.objects.filter(model=version.model_id).exclude(pending_stage=""))
    ModelVersion.objects.filter(model=version.model_id).exclude(pending_stage="").update(pending_stage="")


def record_move(row: ModelVersion, name: str, before: str, *, by: Actor, reason: str = "", **data: Any) -> None:
    """Audit that `row` went from stage `before` to the one it has now."""
    target = Target("version", f"{name} v{row.number}", row.model_id)
    record(
        Action.VERSION_STAGE_CHANGED,
        by=by,
        target=target,
        reason=reason,
        **{**data, "before": {"stage": before}, "after": {"stage": row.stage}},
    )


def lock_model(model_id: int) -> None:
    """Lock a model until the end of the transaction: before its versions, its findings and the end of the trail.

    Every writer takes them in this order, so that two wait for each other instead of deadlocking.
    """
    list(RegisteredModel.objects.select_for_update(no_key=True).filter(pk=model_id).values_list("pk"))


def lock_versions(rows: QuerySet[ModelVersion]) -> list[ModelVersion]:
    """Lock rows in one order everywhere, so that two writers wait for each other instead of deadlocking."""
    return list(
        rows.select_for_update(of=("self",), no_key=True)
        .order_by("pk")
        .only("model", "number", "stage", "stage_since", "updated_at", "seen_at", "pending_stage")
    )


def _siblings(version: ModelVersion, condition: Q) -> Any:
    return ModelVersion.objects.filter(condition, model=version.model_id, deleted_at=None).exclude(pk=version.pk)


def _read_if_there(client: MlflowClient, name: str, number: int) -> dict[int, RemoteVersion]:
    try:
        return {number: client.get_version(name, number)}
    except MlflowNotFound:  # deleted meanwhile: the next sync says so
        return {}
