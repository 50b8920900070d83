"""Taking deliveries in: each id once, and never more than a note of what to read again."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import F
from django.utils import timezone

from apps import encryption
from apps.audit.chain import storable_text
from apps.errors import WrongState
from apps.registry import services
from apps.registry.models import Connection, DeliveryRefusal, WebhookDelivery
from apps.registry.webhooks import verify
from apps.registry.webhooks.verify import Refusal

MAX_BODY = 1024 * 1024
MAX_NUMBER = 2**31 - 1
KEPT_DELIVERIES = timedelta(days=7)
KEPT_REFUSALS = timedelta(days=30)
ENTITIES = {"registered_model", "prompt"}  # and those that begin with one of:
PARTS = ("model_version", "prompt_")


@dataclass(frozen=True)
class Event:
    """What a delivery says: which model, and which version of it (0: the model as a whole, or an unknown one)."""

    name: str  # "model_version_tag.set"
    model: str  # empty: the event is about something else
    number: int = 0


def receive(name: str, headers: Mapping[str, str], body: bytes, *, address: str = "") -> Refusal | None:
    """Take one delivery in, or return why not, having counted that. One that came before is taken in silently."""
    connection = Connection.objects.filter(name=name, enabled=True).exclude(webhook_secret="").first()
    if connection is None:
        return refuse(Refusal.UNKNOWN, "", address=address)
    refused = verify.refusal(headers, body, secret=_secret(connection), now=timezone.now().timestamp())
    event = None if refused else read_event(body)
    if event is None:
        return refuse(refused or Refusal.UNREADABLE, name, address=address)
    _keep(connection, headers[verify.ID], event)
    return None


def read_event(body: bytes) -> Event | None:
    """Return what a body says; None when it is not an event. An event of no concern has an empty model."""
    try:
        said = json.loads(body)
    except (ValueError, RecursionError):
        return None
    data = said.get("data") if isinstance(said, dict) else None
    if not isinstance(data, dict) or not isinstance(said.get("entity"), str) or not isinstance(said.get("action"), str):
        return None
    entity, model = said["entity"], data.get("name")
    event = storable_text(f"{entity}.{said['action']}")[:80]
    if not isinstance(model, str) or not (entity in ENTITIES or entity.startswith(PARTS)):
        return Event(event, "")
    # An alias that moves concerns the version that it leaves, which MLflow does not name: then the whole model is read.
    number = str(data.get("version") or "") if entity in ("model_version", "model_version_tag") else ""
    usable = number.isascii() and number.isdecimal() and len(number) < 11 and int(number) <= MAX_NUMBER
    return Event(event, storable_text(model), int(number) if usable else 0)


def refuse(reason: Refusal, name: str, *, address: str) -> Refusal:
    """Count a refusal by connection, reason and hour: a flood fills no table. Returns the reason.

    Names that no connection has are all counted under the empty name.
    """
    now = timezone.now()
    key = {
        "connection_name": name,
        "reason": reason.value,
        "hour": now.replace(minute=0, second=0, microsecond=0),
    }
    news = {"last_at": now, "last_address": address[:45]}
    if not _count(key, news):
        try:
            with transaction.atomic():
                DeliveryRefusal.objects.create(**key, **news, count=1)
        except IntegrityError:  # another one was the first of this hour in the same moment
            _count(key, news)
    return reason


def prune() -> int:
    """Remove deliveries and refusals of long ago. Returns how many."""
    now = timezone.now()
    deliveries, _ = WebhookDelivery.objects.filter(received_at__lt=now - KEPT_DELIVERIES).delete()
    refusals, _ = DeliveryRefusal.objects.filter(hour__lt=now - KEPT_REFUSALS).delete()
    return deliveries + refusals


def _secret(connection: Connection) -> str:
    """Return the secret; empty when this installation's keys do not open it: then nothing is taken for signed."""
    try:
        return encryption.unseal(connection.webhook_secret)
    except WrongState:
        return ""


def _keep(connection: Connection, delivery_id: str, event: Event) -> None:
    """Store the delivery and note what to read again, both or neither; MLflow sends the same one again after a 5xx."""
    with transaction.atomic():
        # First of all, as everybody who touches: the row below refers to the connection, which would lock it a little,
        # and two deliveries at once would then wait for each other.
        Connection.objects.select_for_update().get(pk=connection.pk)
        try:
            with transaction.atomic():
                WebhookDelivery.objects.create(
                    connection=connection, delivery_id=delivery_id, event=event.name, model_name=event.model
                )
        except IntegrityError:
            return
        if event.model:
            services.touch(connection.name, event.model, event.number)


def _count(key: dict[str, Any], news: dict[str, Any]) -> int:
    return DeliveryRefusal.objects.filter(**key).update(count=F("count") + 1, **news)
