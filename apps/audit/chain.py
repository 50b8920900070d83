"""The hash chain over events: pure functions.

Each event's hash is SHA-256 over the previous event's hash and the event as canonical JSON (sorted keys, no spaces,
UTF-8). Changing, removing or inserting an event breaks every hash after it.
"""

import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

FIRST_HASH = "0" * 64
EXACT_FLOAT = 1e15  # from 1e16 on, Python writes 1e+16 and PostgreSQL 10000000000000000
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
LATER_FIELDS = ("on_behalf_of", "token_prefix", "token_name", "evidence_digest")  # hashed only where they say something
_ENCODER = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)


def canonical_json(value: Any) -> str:
    """Return `value` as JSON with sorted keys and no spaces, so that equal content has equal bytes.

    Raises ValueError for NaN or infinity, which JSON does not have.
    """
    return _ENCODER.encode(value)


def event_content(event: Any) -> dict[str, Any]:
    """Return the hashed content of an event: every field but the two hashes, time in UTC with microseconds.

    Fields that came later are left out while they are empty: the hash of an older event stays what it was.
    """
    content = {field: getattr(event, field) for field in FIELDS}
    content["at"] = format_time(event.at)
    for field in LATER_FIELDS:
        if value := getattr(event, field, ""):
            content[field] = value
    return content


def format_time(moment: datetime) -> str:
    """Return an aware datetime as ISO 8601 in UTC, always with six digits of microseconds."""
    return moment.astimezone(UTC).isoformat(timespec="microseconds")


def event_hash(previous_hash: str, content: dict[str, Any]) -> str:
    """Return the hex SHA-256 that seals `content` behind the event whose hash is `previous_hash`."""
    return hashlib.sha256(f"{previous_hash}\n{canonical_json(content)}".encode()).hexdigest()


@dataclass(frozen=True)
class Verified:
    """How far the chain was followed, and what is wrong with the first event that does not fit (None: all fit)."""

    count: int
    last_hash: str
    misfit: str | None


def verify(
    events: Iterable[Any], *, head: tuple[int, str] | None = None, marks: Iterable[tuple[int, str]] = ()
) -> Verified:
    """Follow the chain through `events`, which ascend from the first one, in constant memory.

    `head` is the number and hash that the chain is known to have reached: fewer events are a misfit, more are not.
    `marks` are (number, hash) that were signed on the way, ascending; the chain must pass each of them.
    """
    signed = iter(marks)
    mark = next(signed, None)
    count, last_hash, reached = 0, FIRST_HASH, head is None or head[0] == 0
    for event in events:
        misfit = _misfit(event, count + 1, last_hash)
        if misfit:
            return Verified(count, last_hash, misfit)
        count, last_hash = event.id, event.hash
        if head and count == head[0]:
            if last_hash != head[1]:
                return Verified(count, last_hash, f"Event {count} is not the one that the head of the chain names.")
            reached = True
        while mark and mark[0] <= count:
            if mark[1] != last_hash:
                rewritten = f"Event {count} is not the one that was signed: the chain was written anew."
                return Verified(count, last_hash, rewritten)
            mark = next(signed, None)
    if head and not reached:
        return Verified(count, last_hash, f"Event {count + 1} is missing: the chain had reached event {head[0]}.")
    if mark:
        return Verified(count, last_hash, f"Event {count + 1} is missing: event {mark[0]} has a checkpoint.")
    return Verified(count, last_hash, None)


def first_misfit(events: Iterable[Any]) -> str | None:
    """Return what is wrong with the first event that does not fit the chain, or None when all fit.

    `events` are in ascending order from the first one.
    """
    return verify(events).misfit


def _misfit(event: Any, expected_id: int, previous_hash: str) -> str | None:
    if event.id != expected_id:
        return f"Event {expected_id} is missing: event {event.id} stands in its place."
    if event.previous_hash != previous_hash:
        return f"Event {event.id} does not follow event {event.id - 1}: its previous hash differs."
    try:
        fits = event.hash == event_hash(previous_hash, event_content(event))
    except (ValueError, OverflowError):  # not a number, or half a character: `record` never writes such
        fits = False
    if not fits:
        return f"Event {event.id} was changed after it was written: its content does not match its hash."
    return None


def storable(value: Any) -> Any:
    """Return JSON `value` as every database gives it back, so that its hash is the same when it is read again.

    Text loses what PostgreSQL cannot hold (NUL, half surrogates); whole floats that it would return as integers
    become integers; names of an object become text. Raises ValueError for NaN or infinity, TypeError for no JSON.
    """
    return _storable(json.loads(json.dumps(value, allow_nan=False)))


def storable_text(text: str) -> str:
    """Return `text` without NUL and half surrogates, each replaced by U+FFFD."""
    if text.isascii() and "\0" not in text:
        return text  # nearly every text: a letter at a time takes long in a first import
    return "".join("\ufffd" if char == "\0" or "\ud800" <= char <= "\udfff" else char for char in text)


def _storable(value: Any) -> Any:
    if isinstance(value, dict):
        return {storable_text(name): _storable(item) for name, item in value.items()}
    if isinstance(value, list):
        return [_storable(item) for item in value]
    if isinstance(value, str):
        return storable_text(value)
    if isinstance(value, float) and value.is_integer():
        return int(Decimal(repr(value))) if abs(value) >= EXACT_FLOAT else value + 0.0  # + 0.0: no minus zero
    return value
