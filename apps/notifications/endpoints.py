"""Changes to outgoing webhooks. All need webhook:manage, and all are recorded, without any secret."""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.utils import timezone
from django.utils.module_loading import import_string
from django.utils.translation import gettext as _

from apps import encryption
from apps.accounts import grants
from apps.accounts.models import User
from apps.accounts.permissions import Permission
from apps.audit.actions import Action
from apps.audit.chain import storable_text
from apps.audit.services import Attempt, Target, attempt
from apps.errors import Conflict, InvalidInput, NotAllowed, NotVisible, WrongState
from apps.notifications.models import SENT_AGAIN, Delivery, DeliveryState, Endpoint
from apps.notifications.queueing import FAMILIES, NARROWED, new_message_id, stamp
from apps.notifications.safe_http import checked_url
from apps.notifications.sending import webhooks
from apps.notifications.sending.signing import new_secret
from apps.notifications.sending.webhooks import Result

MAX_NAME, MAX_ENDPOINTS, MAX_MODELS = 100, 50, 100
ROTATION = timedelta(hours=24)  # both secrets sign for so long
TEST_TYPE = "webhook.test"


@dataclass(frozen=True)
class NewSecret:
    """An endpoint with the secret that it was just given: shown this once."""

    endpoint: Endpoint
    secret: str


def needs_permission(user: Any) -> None:
    """Raise NotAllowed for somebody who may not manage webhooks, whatever there is."""
    if not grants.allows(user, Permission.WEBHOOK_MANAGE):
        raise NotAllowed(_("Only an admin of the whole registry manages webhooks. Ask one to do this."))


def add_endpoint(*, by: User, name: str, url: str, events: Iterable[str] = (), models: Iterable[str] = ()) -> NewSecret:
    """Add a webhook, enabled, in the name of `by`: it is told of what they may read from now on.

    `events` are actions, families ("request.*") or parts ("version.stage_changed:Production"), `models` references;
    none: all. Raises NotAllowed, InvalidInput, Conflict (name), WrongState (too many).
    """
    with _managing(Action.WEBHOOK_ADDED, name, by=by) as trial:
        if Endpoint.objects.count() >= MAX_ENDPOINTS:
            text = _("There are %(count)d webhooks already. Remove one that is no longer needed.")
            raise WrongState(text % {"count": MAX_ENDPOINTS})
        secret, now = new_secret(), timezone.now()
        endpoint = Endpoint(
            name=_checked_name(name),
            url=checked_url(url),
            events=_checked_events(events),
            model_ids=_checked_models(models, by),
            owner=by,
            created_by=by.get_username(),
            secret=encryption.seal(secret),
            secret_at=now,
        )
        endpoint.save(force_insert=True)
        trial.done(after=described(endpoint), webhook=endpoint.pk)
    return NewSecret(endpoint, secret)


def change_endpoint(
    number: int,
    *,
    by: User,
    name: str | None = None,
    url: str | None = None,
    events: Iterable[str] | None = None,
    models: Iterable[str] | None = None,
    enabled: bool | None = None,
) -> Endpoint:
    """Change what is given; the rest stays. Whoever changes it owns it from then on, and it hears what they may read.

    Raises NotAllowed, NotVisible, InvalidInput, Conflict (name).
    """
    with _changing(Action.WEBHOOK_CHANGED, number, by=by) as (endpoint, trial):
        before = described(endpoint)
        if name is not None:
            endpoint.name = _checked_name(name, besides=endpoint)
        endpoint.url = endpoint.url if url is None else checked_url(url)
        endpoint.events = endpoint.events if events is None else _checked_events(events)
        endpoint.model_ids = endpoint.model_ids if models is None else _checked_models(models, by)
        if enabled is not None and enabled != endpoint.enabled:
            endpoint.enabled, endpoint.disabled_because, endpoint.failing_since = enabled, "", None
        endpoint.owner = by
        endpoint.save()
        trial.done(before=before, after=described(endpoint), webhook=endpoint.pk)
    return endpoint


def rotate_secret(number: int, *, by: User) -> NewSecret:
    """Give a new secret. The one before signs too for a day, so that the receiver can change over without a gap.

    Raises NotAllowed, NotVisible.
    """
    with _changing(Action.WEBHOOK_SECRET_ROTATED, number, by=by) as (endpoint, trial):
        secret, now = new_secret(), timezone.now()
        endpoint.previous_secret, endpoint.previous_until = endpoint.secret, now + ROTATION
        endpoint.secret, endpoint.secret_at = encryption.seal(secret), now
        endpoint.save()
        trial.done(previous_until=stamp(endpoint.previous_until), webhook=endpoint.pk)
    return NewSecret(endpoint, secret)


def remove_endpoint(number: int, *, by: User) -> None:
    """Remove a webhook with its deliveries. The trail keeps that it was there. Raises NotAllowed, NotVisible."""
    with _changing(Action.WEBHOOK_REMOVED, number, by=by) as (endpoint, trial):
        trial.done(before=described(endpoint), webhook=endpoint.pk)
        endpoint.delete()


def test_endpoint(number: int, *, by: User) -> Result:
    """Send a test now and return how it went; ten seconds at most. Also when the webhook is disabled.

    Not inside a transaction: it waits for the receiver. Raises NotAllowed, NotVisible.
    """
    with _changing(Action.WEBHOOK_TESTED, number, by=by) as (endpoint, trial):
        trial.done(webhook=endpoint.pk)
    text = "This is a test. Nothing has happened."
    body = {"type": TEST_TYPE, "timestamp": stamp(timezone.now()), "data": {"message": text}}
    return webhooks.send(endpoint, new_message_id(), body)


def send_again(number: int, *, by: User, delivery: int | None = None) -> int:
    """Put a delivery that was given up into the queue once more, or all of them (None). Returns how many.

    They keep their webhook-id. Raises NotAllowed, NotVisible, WrongState (that delivery was not given up).
    """
    with _changing(Action.WEBHOOK_RESENT, number, by=by) as (endpoint, trial):
        rows = Delivery.objects.filter(endpoint=endpoint)
        if delivery is not None:
            rows = rows.filter(pk=delivery) if delivery < 2**63 else rows.none()
            if not rows.exists():
                raise NotVisible(_("There is no such delivery."))
        dead = rows.filter(state__in=SENT_AGAIN)
        count = dead.update(state=DeliveryState.QUEUED, attempts=0, next_at=timezone.now(), finished_at=None)
        if delivery is not None and not count:
            raise WrongState(_("This delivery was not given up: it arrived, or is still being tried."))
        trial.done(webhook=endpoint.pk, deliveries=count)
    return count


def described(endpoint: Endpoint) -> dict[str, Any]:
    """Return the settings as the trail keeps them: never a secret."""
    return {
        "name": endpoint.name,
        "url": endpoint.url,
        "events": endpoint.events,
        "models": endpoint.model_ids,
        "owner": endpoint.owner.get_username(),
        "enabled": endpoint.enabled,
    }


@contextmanager
def _managing(action: Action, name: str, *, by: User) -> Iterator[Attempt]:
    with attempt(action, by=grants.actor(by), target=Target("webhook", name)) as trial:
        needs_permission(by)
        yield trial


@contextmanager
def _changing(action: Action, number: int, *, by: User) -> Iterator[tuple[Endpoint, Attempt]]:
    """Lock the endpoint for a change that is recorded. Raises NotAllowed, NotVisible."""
    with _managing(action, f"webhook {number}", by=by) as trial:
        rows = Endpoint.objects.select_for_update(of=("self",)).select_related("owner")
        endpoint = rows.filter(pk=number).first() if number < 2**63 else None
        if endpoint is None:
            raise NotVisible(_("There is no such webhook."))
        trial.target = Target("webhook", endpoint.name)
        yield endpoint, trial


def _checked_name(name: str, besides: Endpoint | None = None) -> str:
    name = name.strip()
    if not name or len(name) > MAX_NAME or not name.isprintable() or storable_text(name) != name:
        raise InvalidInput(_("Give it a name of 1 to 100 characters."), field="name")
    others = Endpoint.objects.exclude(pk=besides.pk) if besides else Endpoint.objects.all()
    if others.filter(name=name).exists():
        raise Conflict(_("There is a webhook of this name already. Choose another."), field="name")
    return name


def _checked_events(events: Iterable[str]) -> list[str]:
    wanted = sorted(set(events))
    unknown = [event for event in wanted if event not in {*FAMILIES, *NARROWED, *Action.values}]
    if unknown:
        text = _("There is no event %(name)s. Events are called as in the trail, such as request.applied or request.*.")
        raise InvalidInput(text % {"name": unknown[0][:50]}, field="events")
    return wanted


def _checked_models(references: Iterable[str], by: User) -> list[int]:
    wanted: Sequence[str] = list(dict.fromkeys(references))
    if len(wanted) > MAX_MODELS:
        raise InvalidInput(_("Name 100 models at most, or none for all."), field="models")
    get_model = import_string(settings.MODEL_BY_REFERENCE)
    found = []
    for reference in wanted:
        try:
            # What no database could hold names no model.
            found.append(get_model(by, reference if storable_text(reference) == reference else "").pk)
        except NotVisible as error:
            text = _("There is no model %(name)s, or you may not see it.") % {"name": reference[:100]}
            raise InvalidInput(text, field="models") from error
    return sorted(found)
