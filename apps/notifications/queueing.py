"""Which events go to which endpoint, and what is said of them: little, for it leaves the house."""

import uuid
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Any

from django.apps import apps
from django.conf import settings
from django.utils import timezone

from apps.audit.actions import Action
from apps.audit.models import AuditEvent
from apps.notifications.models import Delivery, Endpoint
from apps.notifications.visibility import events_for

FAMILIES = tuple(sorted({f"{action.value.partition('.')[0]}.*" for action in Action}))
SAID = ("version", "to_stage", "alias", "kind")  # short names from an event's data; nothing else of it leaves the house
MOVED = Action.VERSION_STAGE_CHANGED.value
MAX_TEXT = 300
# Actions of which an endpoint may want a part: by the stage that it is about, or by the field that changed.
STAGES = ("Staging", "Production", "Archived")
PARTS = {MOVED: STAGES, Action.REQUEST_OPENED.value: STAGES, Action.VERSION_CHANGED.value: ("tags",)}
NARROWED = frozenset(f"{action}:{part}" for action, parts in PARTS.items() for part in parts)


def wants(endpoint: Endpoint, action: str, parts: Iterable[str] = ()) -> bool:
    """Return whether the endpoint asked for this action, by itself, with its family, or for one of these `parts` of it.

    Without a list it wants all.
    """
    asked = {action, f"{action.partition('.')[0]}.*", *(f"{action}:{part}" for part in parts)}
    return not endpoint.events or not asked.isdisjoint(endpoint.events)


def wanted_by(endpoints: Iterable[Endpoint]) -> frozenset[str]:
    """Return the actions of which at least one of these endpoints wants any part."""
    return frozenset(
        action.value
        for endpoint in endpoints
        for action in Action
        if wants(endpoint, action.value, PARTS.get(action.value, ()))
    )


def queue(events: Sequence[AuditEvent], endpoints: Iterable[Endpoint]) -> None:
    """Put each event in the queue of each endpoint that wants it and whose owner may read it."""
    if not events:
        return
    references = model_references(event.model_id for event in events if event.model_id)
    for endpoint in endpoints:
        asked = [event for event in events if _asked_for(endpoint, event) and _of_its_models(endpoint, event)]
        rows = AuditEvent.objects.filter(pk__in=[event.pk for event in asked])
        may = set(events_for(endpoint.owner, rows).values_list("pk", flat=True)) if asked else set()
        deliveries = [_delivery(endpoint, event, references) for event in asked if event.pk in may]
        Delivery.objects.bulk_create(deliveries, ignore_conflicts=True)


def payload(event: AuditEvent, reference: str | None) -> dict[str, Any]:
    """Return what an endpoint is told of an event: who did what to what, and how it ended; no evidence, no comments."""
    data = {**event.data, "to_stage": _stage_after(event)} if event.action == MOVED else event.data
    said = {name: data[name][:MAX_TEXT] for name in SAID if isinstance(data.get(name), str)}
    return {
        "type": event.action,
        "timestamp": stamp(event.at),
        "data": {
            "event": event.pk,
            "action": event.action,
            "outcome": event.outcome,
            "source": event.source,
            "actor": event.actor[:MAX_TEXT],
            "target": {"type": event.target_type, "name": event.target[:MAX_TEXT]},
            "model": reference,
            **{name: value for name, value in said.items() if value},
            "url": f"{settings.PUBLIC_URL}/api/v1/audit/events/{event.pk}/",
        },
    }


def stamp(at: datetime) -> str:
    """Return a time as ISO 8601 in UTC."""
    return at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def model_references(ids: Iterable[int]) -> dict[int, str]:
    """Return model id → how the model is called. The registry is above this app, and asked by its name."""
    wanted = set(ids)
    models = apps.get_model("registry", "RegisteredModel").objects.only("pk", "name", "connection")
    return {model.pk: model.reference for model in models.filter(pk__in=wanted)} if wanted else {}


def new_message_id() -> str:
    """Return a new value of the header webhook-id."""
    return f"msg_{uuid.uuid4().hex}"


def _stage_after(event: AuditEvent) -> str:
    """Return where a version went that changed its stage."""
    after = event.data.get("after")
    return str(after.get("stage", "")) if isinstance(after, dict) else ""


def _asked_for(endpoint: Endpoint, event: AuditEvent) -> bool:
    return wants(endpoint, event.action, _parts_of(event) if event.action in PARTS else ())


def _parts_of(event: AuditEvent) -> list[str]:
    """Return which parts of its action an event is: the stage that it is about, or the fields that changed."""
    if event.action == Action.VERSION_CHANGED.value:
        after = event.data.get("after")
        return list(after) if isinstance(after, dict) else []
    return [_stage_after(event) if event.action == MOVED else str(event.data.get("to_stage", ""))]


def _of_its_models(endpoint: Endpoint, event: AuditEvent) -> bool:
    return not endpoint.model_ids or event.model_id in endpoint.model_ids


def _delivery(endpoint: Endpoint, event: AuditEvent, references: dict[int, str]) -> Delivery:
    return Delivery(
        endpoint=endpoint,
        event_id=event.pk,
        lane=event.model_id or 0,
        message_id=new_message_id(),
        type=event.action,
        payload=payload(event, references.get(event.model_id or 0)),
        next_at=timezone.now(),
    )
