"""Registering our webhook with an MLflow, trying it, and removing it.

MLflow is asked outside every transaction. The new webhook exists there before its secret counts here, and the old one
goes last: killed in between, deliveries of the one that we know stay valid, and the next registration tidies up.
"""

import secrets
from contextlib import suppress
from typing import NoReturn

from django.conf import settings
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _

from apps import encryption
from apps.accounts import grants
from apps.accounts.models import User
from apps.audit.actions import Action
from apps.audit.services import Target, attempt
from apps.errors import Conflict, DomainError, InvalidInput, UpstreamUnavailable, WrongState
from apps.registry import connections
from apps.registry.connecting.services import needs_permission
from apps.registry.connecting.settings import checked_url
from apps.registry.mlflow import MlflowClient, MlflowError, MlflowNotFound
from apps.registry.models import Connection
from apps.registry.webhooks import mlflow_webhooks
from apps.registry.webhooks.explaining import explained, missed

SECRET_BYTES = 32
TEST_SECONDS = 30.0  # MLflow repeats a failing delivery three times


def default_url(connection: Connection) -> str:
    """Return where MLflow would deliver, as far as Assent knows its own address; empty where it does not."""
    path = reverse("registry:webhook-receive", args=[connection.name])
    return f"{settings.WEBHOOK_URL}{path}" if settings.WEBHOOK_URL else ""


def is_registered(connection: Connection, url: str = "") -> bool:
    """Return whether MLflow has our webhook, for that address, and we its secret. Raises UpstreamUnavailable."""
    if not connection.webhook_id or connection.webhook_url != (url or default_url(connection)):
        return False
    try:
        encryption.unseal(connection.webhook_secret)
        with connections.client(connection) as client:
            return any(row.id == connection.webhook_id for row in mlflow_webhooks.webhooks(client))
    except MlflowError as error:
        raise explained(error) from error
    except WrongState:
        return False


def register(name: str, *, by: User, url: str = "") -> Connection:
    """Have MLflow tell of changes at `url` (empty: default_url), signed with a new secret; replaces an earlier webhook.

    Raises NotAllowed, NotVisible, InvalidInput (url), UpstreamUnavailable, Conflict when somebody else was quicker.
    """
    action = Action.CONNECTION_WEBHOOK_REGISTERED
    try:
        needs_permission(by)
        connection = connections.get(name)
        url = _checked(url or default_url(connection), connection)
        made, old, secret = _create(connection, url)
    except DomainError as error:
        _refuse(action, name, by, error)
    try:
        with attempt(action, by=grants.actor(by), target=Target("connection", name)) as trial:
            row = Connection.objects.select_for_update().get(pk=name)
            if row.webhook_id != connection.webhook_id:
                raise Conflict(_("Somebody else registered or removed the webhook in this moment. Look at it again."))
            before = {"url": row.webhook_url} if row.webhook_id else None
            row.webhook_id, row.webhook_url, row.webhook_secret = made, url, encryption.seal(secret)
            row.webhook_at, row.webhook_by = timezone.now(), by.get_username()
            row.save(update_fields=["webhook_id", "webhook_url", "webhook_secret", "webhook_at", "webhook_by"])
            trial.done(before=before, after={"url": url})
    except BaseException:
        _delete(connection, [made])
        raise
    _delete(connection, old)
    return row


def remove(name: str, *, by: User) -> str:
    """Refuse MLflow's deliveries from now on, and have MLflow forget the webhook.

    Returns an empty text, or the sentence why MLflow could not be told: it then goes on sending, in vain. Raises
    NotAllowed, NotVisible, WrongState when none is registered.
    """
    action = Action.CONNECTION_WEBHOOK_REMOVED
    with attempt(action, by=grants.actor(by), target=Target("connection", name)) as trial:
        needs_permission(by)
        connections.get(name)
        row = Connection.objects.select_for_update().get(pk=name)
        if not row.webhook_id:
            raise WrongState(_("No webhook is registered for this connection."))
        was = Connection(name=name, webhook_id=row.webhook_id, webhook_url=row.webhook_url)
        row.webhook_id = row.webhook_url = row.webhook_secret = row.webhook_by = ""
        row.webhook_at = None
        row.save(update_fields=["webhook_id", "webhook_url", "webhook_secret", "webhook_at", "webhook_by"])
        trial.done(before={"url": was.webhook_url})
    return _forget(row, was)


def send_test(name: str, *, by: User) -> str:
    """Have MLflow send an example delivery; returns the sentence that says it arrived.

    Not inside a transaction: MLflow calls Assent meanwhile. Raises NotAllowed, NotVisible, WrongState,
    UpstreamUnavailable with what went wrong.
    """
    needs_permission(by)
    connection = connections.get(name)
    if not connection.webhook_id:
        raise WrongState(_("No webhook is registered for this connection. Register one first."))
    try:
        with connections.client(connection, timeout=TEST_SECONDS) as client:
            result = mlflow_webhooks.test(client, connection.webhook_id)
    except MlflowNotFound as error:
        raise UpstreamUnavailable(_("MLflow no longer has this webhook. Register it again.")) from error
    except MlflowError as error:
        raise explained(error) from error
    if result.status == 202:
        return _("MLflow sent a signed test, and it arrived.")
    raise UpstreamUnavailable(missed(result, connection.webhook_url))


def _checked(url: str, connection: Connection) -> str:
    if not url:
        text = _("Write the address at which this MLflow reaches Assent, or set ASSENT_WEBHOOK_URL.")
        raise InvalidInput(text, field="url")
    path = reverse("registry:webhook-receive", args=[connection.name])
    bare = checked_url(url, "url")
    if not bare.endswith(path.rstrip("/")):
        raise InvalidInput(_("The address must end in %(path)s, where Assent listens.") % {"path": path}, field="url")
    return bare + "/"


def _create(connection: Connection, url: str) -> tuple[str, list[str], str]:
    """Create our webhook in MLflow. Returns its id, the ids of ours that were there before, and the secret."""
    secret = secrets.token_urlsafe(SECRET_BYTES)
    try:
        with connections.client(connection) as client:
            old = _ours(client, connection, url)
            return mlflow_webhooks.create(client, webhook_name(connection), url, secret), old, secret
    except MlflowError as error:
        raise explained(error) from error


def webhook_name(connection: Connection) -> str:
    """Return how our webhook is called in MLflow."""
    return f"assent-{connection.name}"


def _ours(client: MlflowClient, connection: Connection, url: str = "") -> list[str]:
    """Return the ids of our webhooks, strays included: another Assent may use the name, but not our address."""
    addresses = {url, connection.webhook_url} - {""}
    return [
        row.id
        for row in mlflow_webhooks.webhooks(client)
        if row.id == connection.webhook_id or (row.name == webhook_name(connection) and row.url in addresses)
    ]


def _delete(connection: Connection, ids: list[str]) -> None:
    """Remove webhooks of ours as far as MLflow allows it now: what stays is refused here, and removed the next time."""
    with suppress(MlflowError, WrongState), connections.client(connection) as client:
        for webhook_id in ids:
            with suppress(MlflowNotFound):
                mlflow_webhooks.delete(client, webhook_id)


def _forget(connection: Connection, was: Connection) -> str:
    try:
        with connections.client(connection) as client:
            for webhook_id in _ours(client, was):
                mlflow_webhooks.delete(client, webhook_id)
    except (MlflowError, WrongState) as error:
        problem = explained(error) if isinstance(error, MlflowError) else error
        text = _("MLflow could not be told, and goes on sending what is refused here: %(problem)s")
        return text % {"problem": problem.message}
    return ""


def _refuse(action: Action, name: str, by: User, error: DomainError) -> NoReturn:
    """Record a refusal that came before the transaction, and raise it."""
    with attempt(action, by=grants.actor(by), target=Target("connection", name)):
        raise error
    raise error
