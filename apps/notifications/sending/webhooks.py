"""One attempt to deliver, and what follows from how it went."""

import json
import random
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from apps import encryption
from apps.audit.actions import Action
from apps.audit.models import AuditEvent
from apps.audit.services import Actor, Target, record
from apps.errors import DomainError
from apps.notifications.models import Delivery, DeliveryState, Endpoint
from apps.notifications.safe_http import Unreachable, post
from apps.notifications.sending.signing import headers
from apps.notifications.visibility import events_for

SYSTEM = Actor("system:notifications")
RETRY_SECONDS = (5, 30, 300, 1800, 7200, 18_000, 36_000, 36_000)  # after each failure; then it is given up
JITTER = 0.1  # so that what failed together is not tried again together
MOST_RETRY_AFTER = 3600  # seconds: a receiver may ask for a longer pause, within bounds
DISABLE_AFTER = timedelta(days=5)  # without one delivery that arrived
GONE = 410  # the specification's way to say: no more
SHOWN = 500  # characters of an answer


@dataclass(frozen=True)
class Result:
    """How an attempt went. `error` is empty when the receiver took it; `answer` is how its answer begins."""

    status: int | None = None
    error: str = ""
    answer: str = ""
    milliseconds: int | None = None
    retry_after: int = 0

    @property
    def arrived(self) -> bool:
        """Whether the receiver took it."""
        return not self.error


def attempt(delivery: Delivery, *, fence: Callable[[], Any] = lambda: None) -> Result | None:
    """Try once to deliver, and store how it went. Returns None when the endpoint's owner may no longer read of it.

    `fence` is called in the transaction that stores the result: it raises when another worker has taken over. A worker
    that ends between the two has sent what another sends again, under the same webhook-id.
    """
    endpoint = delivery.endpoint
    if not events_for(endpoint.owner, AuditEvent.objects.filter(pk=delivery.event_id)).exists():
        with transaction.atomic():
            fence()
            delivery.delete()
        return None
    result = send(endpoint, delivery.message_id, delivery.payload)
    with transaction.atomic():
        fence()
        _store(delivery.pk, result)
    return result


def send(endpoint: Endpoint, message_id: str, payload: dict[str, Any]) -> Result:
    """Sign and send one message. Never inside a transaction; writes nothing."""
    body = json.dumps(payload, ensure_ascii=False, separators=(",", ":"))
    now = timezone.now()
    try:
        answer = post(endpoint.url, body.encode(), headers(message_id, body, secrets_of(endpoint, now), now))
    except Unreachable as error:
        return Result(error=str(error))
    except DomainError as error:  # the address is no longer one to send to, or the secret cannot be opened
        return Result(error=error.message)
    text = answer.body.decode("utf-8", "replace").replace("\0", "")[:SHOWN]
    taken = 200 <= answer.status < 300
    refusal = "" if taken else _refused(answer.status)
    after = _seconds(answer.headers.get("retry-after", ""), now)
    return Result(answer.status, refusal, text, answer.milliseconds, after)


def secrets_of(endpoint: Endpoint, now: datetime) -> list[str]:
    """Return the secrets that sign at this moment, the present one first. Raises WrongState."""
    sealed = [endpoint.secret, *([endpoint.previous_secret] if endpoint.has_previous(now) else [])]
    return [encryption.unseal(text) for text in sealed]


def pause(attempts: int, retry_after: int = 0) -> timedelta | None:
    """Return how long to wait after so many failures; None when it is given up."""
    if attempts > len(RETRY_SECONDS):
        return None
    planned = RETRY_SECONDS[attempts - 1] * random.uniform(1 - JITTER, 1 + JITTER)  # noqa: S311 - no secret
    return timedelta(seconds=max(planned, min(retry_after, MOST_RETRY_AFTER)))


def _store(delivery_id: int, result: Result) -> None:
    """Write how an attempt went, in the caller's transaction: first the endpoint's row, then the delivery's."""
    found = Delivery.objects.filter(pk=delivery_id, state=DeliveryState.QUEUED).first()
    if found is None:
        return
    endpoint = Endpoint.objects.select_for_update().get(pk=found.endpoint_id)
    now = timezone.now()
    found.attempts += 1
    found.last_status, found.last_error, found.milliseconds = result.status, result.error, result.milliseconds
    wait = None if result.arrived else pause(found.attempts, result.retry_after)
    if wait is None:
        found.state = DeliveryState.DONE if result.arrived else DeliveryState.DEAD
        found.finished_at = now
    else:
        found.next_at = now + wait
    found.save()
    _note_health(endpoint, result, now)


def _note_health(endpoint: Endpoint, result: Result, now: datetime) -> None:
    """Keep since when nothing arrives, and stop sending to an address that has failed for days or says that it left."""
    if result.arrived:
        if endpoint.failing_since:
            endpoint.failing_since = None
            endpoint.save(update_fields=["failing_since"])
        return
    endpoint.failing_since = endpoint.failing_since or now
    endpoint.save(update_fields=["failing_since"])
    if result.status == GONE:
        _disable(endpoint, _("The receiver answered 410: it wants no more messages."))
    elif now - endpoint.failing_since >= DISABLE_AFTER:
        _disable(endpoint, _("Nothing has arrived for %(days)d days.") % {"days": DISABLE_AFTER.days})


def _disable(endpoint: Endpoint, why: str) -> None:
    if not endpoint.enabled:
        return
    endpoint.enabled, endpoint.disabled_because = False, why
    endpoint.save(update_fields=["enabled", "disabled_because"])
    target = Target("webhook", endpoint.name)
    record(
        Action.WEBHOOK_CHANGED,
        by=SYSTEM,
        target=target,
        reason=why,
        webhook=endpoint.pk,
        before={"enabled": True},
        after={"enabled": False},
    )


def _refused(status: int) -> str:
    if 300 <= status < 400:
        return _("The receiver answered %(status)d and points elsewhere. Redirects are not followed.") % {
            "status": status
        }
    return _("The receiver answered %(status)d.") % {"status": status}


def _seconds(text: str, now: datetime) -> int:
    """Read a Retry-After, in seconds or as a date; 0 for anything else."""
    if text.isascii() and text.isdecimal() and len(text) < 10:
        return int(text)
    try:
        at = parsedate_to_datetime(text)
    except (ValueError, OverflowError):  # the latter: a zone as far away as the receiver likes
        return 0
    return max(0, int((at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp() - now.timestamp()))
