"""Whether a delivery really comes from the MLflow that holds our secret, and comes now. Pure.

MLflow signs "{id}.{timestamp}.{body}" by HMAC-SHA256 (Standard Webhooks, signature version 1).
"""

import base64
import hashlib
import hmac
import re
from collections.abc import Mapping
from enum import StrEnum

ID, TIMESTAMP, SIGNATURE = "X-MLflow-Delivery-Id", "X-MLflow-Timestamp", "X-MLflow-Signature"
MAX_AGE, MAX_AHEAD = 300, 60  # seconds: MLflow repeats a delivery for half a minute at most; clocks differ a little
ID_FORM = re.compile(r"[\w.-]{1,100}", re.ASCII)
TIMESTAMP_FORM = re.compile(r"\d{1,12}", re.ASCII)


class Refusal(StrEnum):
    """Why a delivery is not taken in."""

    UNKNOWN = "unknown"  # no such connection, or none that expects deliveries
    TOO_LARGE = "too_large"
    UNSIGNED = "unsigned"  # a header is missing, or is no header of MLflow's
    WRONG_SIGNATURE = "wrong_signature"
    TOO_OLD = "too_old"  # perhaps recorded and sent again
    FROM_THE_FUTURE = "from_the_future"
    UNREADABLE = "unreadable"  # signed, but not an event


def signature(secret: str, delivery_id: str, timestamp: str, body: bytes) -> str:
    """Return the signature as MLflow sends it: "v1,<base64>"."""
    signed = b".".join([delivery_id.encode(), timestamp.encode(), body])
    return "v1," + base64.b64encode(hmac.digest(secret.encode(), signed, hashlib.sha256)).decode()


def refusal(headers: Mapping[str, str], body: bytes, *, secret: str, now: float) -> Refusal | None:
    """Return why this is not a delivery of MLflow's to take in at `now` (seconds since 1970); None when it is."""
    delivery_id, timestamp = headers.get(ID, ""), headers.get(TIMESTAMP, "")
    claimed = headers.get(SIGNATURE, "")
    if not (secret and claimed and ID_FORM.fullmatch(delivery_id) and TIMESTAMP_FORM.fullmatch(timestamp)):
        return Refusal.UNSIGNED
    expected = signature(secret, delivery_id, timestamp, body)
    if not hmac.compare_digest(expected.encode(), claimed.encode("utf-8", "replace")):
        return Refusal.WRONG_SIGNATURE
    age = now - int(timestamp)
    if age > MAX_AGE:
        return Refusal.TOO_OLD
    return Refusal.FROM_THE_FUTURE if age < -MAX_AHEAD else None
