"""The hash chain over events: pure functions.

Each event's hash is SHA-256 over the previous event's hash and the event as canonical JSON (sorted keys, no spaces,
UTF-8). Changing, removing or inserting an event breaks every hash after it.
"""

import hashlib
import json
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

FIRST_HASH = "0" * 64
FIELDS = (
    "id",
    "action",
    "outcome",
    "source",
    "actor",
    "actor_role",
    "model_id",
    "target_type",
    "target",
    "reason",
    "data",
    "request_id",
    "address",
)


def canonical_json(value: Any) -> str:
    """Return `value` as JSON with sorted keys and no spaces, so that equal content has equal bytes.

    Raises ValueError for NaN or infinity, which JSON does not have.
    """
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)


def event_content(event: Any) -> dict[str, Any]:
    """Return the hashed content of an event: every field but the two hashes, time in UTC with microseconds."""
    content = {field: getattr(event, field) for field in FIELDS}
    content["at"] = format_time(event.at)
    return content


def format_time(moment: datetime) -> str:
    """Return an aware datetime as ISO 8601 in UTC, always with six digits of microseconds."""
    return moment.astimezone(UTC).isoformat(timespec="microseconds")


def event_hash(previous_hash: str, content: dict[str, Any]) -> str:
    """Return the hex SHA-256 that seals `content` behind the event whose hash is `previous_hash`."""
    return hashlib.sha256(f"{previous_hash}\n{canonical_json(content)}".encode()).hexdigest()


def first_misfit(events: Iterable[Any]) -> str | None:
    """Return what is wrong with the first event that does not fit the chain, or None when all fit.

    `events` are in ascending order from the first one.
    """
    previous_hash, expected_id = FIRST_HASH, 1
    for event in events:
        if event.id != expected_id:
            return f"Event {expected_id} is missing: event {event.id} stands in its place."
        if event.previous_hash != previous_hash:
            return f"Event {event.id} does not follow event {event.id - 1}: its previous hash differs."
        if event.hash != event_hash(previous_hash, event_content(event)):
            return f"Event {event.id} was changed after it was written: its content does not match its hash."
        previous_hash, expected_id = event.hash, expected_id + 1
    return None
