"""Signatures of outgoing webhooks, after the Standard Webhooks specification."""

import base64
import secrets
from collections.abc import Iterable
from datetime import UTC, datetime

from standardwebhooks import Webhook

PREFIX = "whsec_"
SECRET_BYTES = 32


def new_secret() -> str:
    """Return a new secret as receivers' libraries take it: whsec_ and base64."""
    return PREFIX + base64.b64encode(secrets.token_bytes(SECRET_BYTES)).decode()


def headers(message_id: str, body: str, signing: Iterable[str], now: datetime) -> dict[str, str]:
    """Return the headers of one attempt: one signature for each secret, separated by spaces.

    During a rotation both secrets sign, and a receiver that knows either of them takes the message.
    """
    at = now.astimezone(UTC)
    return {
        "content-type": "application/json",
        "user-agent": "Assent-Webhooks",
        "webhook-id": message_id,
        "webhook-timestamp": str(int(at.timestamp())),
        "webhook-signature": " ".join(Webhook(secret).sign(message_id, at, body) for secret in signing),
    }
