"""The only writer of the access log, and what ends its rows."""

import hashlib
import ipaddress
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import connection
from django.utils import timezone
from django.utils.module_loading import import_string

from apps.audit import context
from apps.audit.actions import AccessOutcome
from apps.audit.chain import storable_text
from apps.audit.models import Access
from apps.masking import masked

SLOTS = 64  # rows of one person at one address in a minute, however much is denied
IPV6_NETWORK = 64  # bits: one subscriber has so many addresses that each alone would bound nothing
MAX_TEXT = 500
PRUNE_BATCH = 1000
_COLUMNS = (
    "key", "at", "last_at", "count", "outcome", "status", "person", "token_prefix", "token_name", "address",
    "request_id", "method", "route", "object", "model_id",
)  # fmt: skip
_INSERT = (
    f"INSERT INTO audit_access ({', '.join(_COLUMNS)}) VALUES ({', '.join(['%s'] * len(_COLUMNS))}) "  # noqa: S608
    "ON CONFLICT (key) DO UPDATE SET count = audit_access.count + 1, last_at = excluded.last_at"
)


@dataclass(frozen=True)
class Asked:
    """What was asked for: never a query, a body or a header."""

    method: str
    route: str  # the name of the address
    object: str = ""  # as the caller named it in the path
    model_id: int | None = None


def note(outcome: AccessOutcome, asked: Asked, *, status: int, person: str = "") -> None:
    """Add a row, in one statement. Token, address and request come from the origin of the call.

    A denial like one before it in the same minute is counted in that row; so are others that fall into its slot, of
    which there are SLOTS for a person at an address: a flood of them stays that many rows.
    """
    now, origin = timezone.now(), context.current()
    key = None
    if outcome == AccessOutcome.DENIED:
        key = _key(now, origin.address, person or origin.token_prefix, f"{asked}{status}")
    row = {
        "key": key,
        "at": now,
        "last_at": now,
        "count": 1,
        "outcome": outcome.value,
        "status": status,
        "person": _text(person),
        "token_prefix": origin.token_prefix[:32],
        "token_name": _text(origin.token_name),
        "address": origin.address[:45],
        "request_id": origin.request_id[:36],
        "method": asked.method[:10],
        "route": asked.route[:100],
        "object": _text(asked.object),
        "model_id": asked.model_id,
    }
    with connection.cursor() as cursor:
        cursor.execute(_INSERT, [_adapted(row[name]) for name in _COLUMNS])


def prune() -> int:
    """Remove what is older than ASSENT_ACCESS_LOG_DAYS, a batch at a time; nothing when that is 0. Returns how many.

    What is about a model on which a legal hold stands is kept, also about its other versions: rows name the model.
    """
    if settings.ACCESS_LOG_DAYS <= 0:
        return 0
    free = Access.objects.filter(~import_string(settings.AUDIT_HELD)("model_id"))
    old = free.filter(at__lt=timezone.now() - timedelta(days=settings.ACCESS_LOG_DAYS)).order_by("at")
    removed, batch = 0, list(old.values_list("pk", "at")[:PRUNE_BATCH])
    while batch:
        removed += free.filter(pk__in=[pk for pk, _at in batch]).delete()[0]  # asked again: a hold may be new
        further = old.filter(at__gte=batch[-1][1])  # what is kept before it is not gone through again
        batch = list(further.values_list("pk", "at")[:PRUNE_BATCH])
    return removed


def _key(now: datetime, address: str, who: str, what: str) -> str:
    """Name the row of a minute, a network, a person and a slot."""
    slot = int.from_bytes(hashlib.sha256(what.encode(errors="replace")).digest()[:4]) % SLOTS
    text = f"{now:%Y-%m-%dT%H:%M}\n{_network(address)}\n{who}\n{slot}"
    return hashlib.sha256(text.encode(errors="replace")).hexdigest()


def _network(address: str) -> str:
    """Return the address, or the network of an IPv6 one."""
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return address
    return address if found.version == 4 else str(ipaddress.ip_network(f"{found}/{IPV6_NETWORK}", strict=False))


def _text(value: str) -> str:
    return storable_text(str(masked(value))[:MAX_TEXT])


def _adapted(value: Any) -> Any:
    """Return a value as this database takes it in a statement that Django did not write."""
    return connection.ops.adapt_datetimefield_value(value) if isinstance(value, datetime) else value
