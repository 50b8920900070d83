"""Which events the trail must hold, given what a model and its versions are: in the customer's own words for events.

`model_updated` is not among them: nothing that a model is says that it was another before.
"""

from collections.abc import Iterable, Iterator
from datetime import datetime

from apps.accounts.models import Grant, GrantScope
from apps.audit.actions import Outcome
from apps.audit.event_types import EventType, actions_of, event_type, of_type
from apps.audit.models import AuditEvent
from apps.compliance.controls.outcomes import Required
from apps.registry import placements
from apps.registry.models import ModelVersion, Placement, RegisteredModel, Stage

NOBODY_CHANGED_IT = "system:migration"  # grants that an upgrade wrote down as they were
OF_STAGE = {  # what a version in a stage must have behind it
    Stage.PRODUCTION: (EventType.STAGE_TRANSITION, EventType.MODEL_DEPLOYED),
    Stage.STAGING: (EventType.STAGE_TRANSITION,),
    Stage.ARCHIVED: (EventType.MODEL_ARCHIVED,),
}
FOLLOWED = actions_of(  # model_registered is asked for by itself: one answer for each model, however many versions
    EventType.STAGE_TRANSITION,
    EventType.MODEL_DEPLOYED,
    EventType.MODEL_ARCHIVED,
    EventType.MODEL_DELETED,
    EventType.PERMISSION_CHANGED,
)


READ = (
    "model_id", "action", "target_type", "target", "at", "data__after__stage", "data__to_stage", "data__version",
)  # fmt: skip # of an event
Needs = dict[int, list[Required]]  # by model
Since = dict[tuple[int, Required], datetime]  # what a place asks for → since when it is there
Changes = dict[tuple[int, str], datetime]  # (model, holder) → the last time that something changed


def missing(models: Iterable[RegisteredModel], served: Iterable[Placement], at: datetime) -> Needs:
    """Return for each model what the trail lacks at a moment; `served` is what was in Production then.

    Five queries, however many models.
    """
    ids = [model.pk for model in models]
    changed, gone = _grants_changed(ids, at), list(_of_deletions(ids, at))
    needed: Needs = {key: [Required(EventType.MODEL_REGISTERED)] for key in ids}
    since: Since = {}
    for model_id, required, began in _of_places(ids, served, at):
        needed[model_id].append(required)
        since[model_id, required] = began
    for model_id, required in gone:
        needed[model_id].append(required)
    for model_id, holder in sorted(changed):
        needed[model_id].append(Required(EventType.PERMISSION_CHANGED, holder=holder))
    there = {*_registered(ids, at), *_told(ids, at, changed, since)}
    there |= {row for row in gone if (row[0], Required(EventType.MODEL_DELETED)) in there}  # with the model, all of it
    return {key: [row for row in rows if (key, row) not in there] for key, rows in needed.items()}


def _of_places(ids: list[int], served: Iterable[Placement], at: datetime) -> Iterator[tuple[int, Required, datetime]]:
    """Yield what places ask for and since when: Production always, others unless Assent found the version there."""
    for row in served:
        for kind in OF_STAGE[Stage.PRODUCTION]:
            yield row.model_id, Required(kind, row.version.number, Stage.PRODUCTION.value), row.since
    moved = placements.at(at).filter(model__in=ids, stage__in=(Stage.STAGING, Stage.ARCHIVED), at_latest=False)
    rows = moved.order_by("model", "version__number").values_list("model_id", "version__number", "stage", "since")
    for model_id, number, stage, since in rows:
        for kind in OF_STAGE[Stage(stage)]:
            yield model_id, Required(kind, number, stage), since


def _of_deletions(ids: list[int], at: datetime) -> Iterator[tuple[int, Required]]:
    gone = ModelVersion.objects.filter(model__in=ids, deleted_at__lte=at).order_by("model", "number")
    for model_id, number in gone.values_list("model_id", "number"):
        yield model_id, Required(EventType.MODEL_DELETED, number)


def _grants_changed(ids: list[int], at: datetime) -> Changes:
    """Return when a grant on each single model was last given or taken, by its holder."""
    rows = Grant.objects.filter(scope=GrantScope.MODEL, model_id__in=ids, made_at__lte=at)
    found: Changes = {}
    values = rows.values_list("model_id", "group__name", "person__username", "made_by", "made_at", "ended_at")
    for model_id, group, person, made_by, made_at, ended_at in values:
        moments = [made_at] if made_by != NOBODY_CHANGED_IT else []
        moments += [ended_at] if ended_at and ended_at <= at else []
        key = (model_id, f"group {group}" if group else f"person {person}")
        for moment in moments:
            found[key] = max(moment, found.get(key, moment))
    return found


def _registered(ids: list[int], at: datetime) -> Iterator[tuple[int, Required]]:
    events = AuditEvent.objects.filter(of_type(EventType.MODEL_REGISTERED), model_id__in=ids, at__lte=at)
    for model_id in events.order_by().values_list("model_id", flat=True).distinct():
        yield model_id or 0, Required(EventType.MODEL_REGISTERED)


def _told(ids: list[int], at: datetime, changed: Changes, since: Since) -> Iterator[tuple[int, Required]]:
    """Yield what the trail tells of present places, deletions and grants. By number: models can be renamed."""
    events = AuditEvent.objects.filter(model_id__in=ids, action__in=FOLLOWED, outcome=Outcome.DONE, at__lte=at)
    for event in events.order_by().values(*READ):
        to_stage, after = event["data__to_stage"], event["data__after__stage"]
        kind = event_type(event["action"], Outcome.DONE, {"after": {"stage": after}, "to_stage": to_stage})
        if kind == EventType.PERMISSION_CHANGED:
            holder = f"{event['target_type']} {event['target']}"
            if event["at"] >= changed.get((event["model_id"], holder), event["at"]):
                yield event["model_id"], Required(EventType.PERMISSION_CHANGED, holder=holder)
        elif kind:
            name = event["target"] if event["target_type"] == "version" else event["data__version"] or ""
            told = event["model_id"], Required(EventType(kind), version_number(name), to_stage or after or "")
            if event["at"] >= since.get(told, event["at"]):
                yield told


def version_number(name: str) -> int:
    """Return the number of a version as the trail names it, "churn v12"; 0 for the empty text."""
    number = name.rpartition(" v")[2]
    return int(number) if number.isdecimal() else 0
