"""Changes to connections. All need connection:manage, and all are recorded, without any secret."""

import hashlib
import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.utils import timezone
from django.utils.translation import gettext as _

from apps import encryption
from apps.accounts import grants
from apps.accounts.models import User
from apps.accounts.permissions import Permission
from apps.audit.actions import Action
from apps.audit.services import Attempt, Target, attempt
from apps.errors import Conflict, InvalidInput, NotAllowed, WrongState
from apps.registry import connections, origins
from apps.registry.connecting import settings
from apps.registry.models import Connection, ConnectionAuth

DEFAULTS: dict[str, Any] = {
    "url": "", "auth": ConnectionAuth.NONE, "username": "", "verify_tls": True, "ca_certificates": "",
    "timeout_seconds": 10.0, "public_url": "",
}  # fmt: skip


def needs_permission(user: Any) -> None:
    """Raise NotAllowed for somebody who may not manage connections, whatever there is."""
    if not grants.allows(user, Permission.CONNECTION_MANAGE):
        raise NotAllowed(_("Only an admin of the whole registry manages connections to MLflow. Ask one to do this."))


def create_connection(name: str, *, by: User, secret: str = "", **values: Any) -> Connection:
    """Add a server, enabled; the next sync begins to mirror it. `values` are some of settings.FIELDS.

    Raises NotAllowed, InvalidInput (the field at fault), Conflict (name).
    """
    with _managing(Action.CONNECTION_ADDED, name, by=by) as trial:
        settings.checked_name(name)
        if Connection.objects.filter(name=name).exists():
            text = _("There is a connection of this name already; a disabled one keeps its name. Choose another.")
            raise Conflict(text, field="name")
        connection = Connection(name=name, created_by=by.get_username(), **settings.checked({**DEFAULTS, **values}))
        _set_secret(connection, secret)
        connection.save(force_insert=True)
        trial.done(after=described(connection))
    return connection


def change_connection(
    name: str,
    *,
    by: User,
    secret: str | None = None,
    enabled: bool | None = None,
    revision: str = "",
    **values: Any,
) -> Connection:
    """Change some of settings.FIELDS, the secret (None: keep it) or whether it is mirrored.

    With a `revision`, the one that was read (see `revision_of`), nothing is overwritten unseen. A secret that stays is
    never sent to another host: with a new one it has to be entered again. At a new address the connection counts as
    never imported, see `origins.leave`. Nothing to change is no change, and is not recorded. Raises NotAllowed,
    NotVisible, WrongState (the default connection), InvalidInput, Conflict.
    """
    needed = _nothing_to_do(name, by=by, secret=secret, enabled=enabled, revision=revision, values=values)
    if needed is not None:
        return needed
    with _managing(Action.CONNECTION_CHANGED, name, by=by) as trial:
        origins.hold_passes(name)
        connection = _locked(name, revision)
        before = described(connection)
        address, where = connections.address(connection), settings.origin(connection.url)
        for field, value in settings.checked({**_settings_of(connection), **values}).items():
            setattr(connection, field, value)
        kept = secret is None and connection.secret and connection.auth != ConnectionAuth.NONE
        if kept and settings.origin(connection.url) != where:
            text = _("The address changed: enter the secret again, so that it reaches no other server unnoticed.")
            raise InvalidInput(text, field="secret")
        _set_secret(connection, secret)
        connection.enabled = connection.enabled if enabled is None else enabled
        if connections.address(connection) != address:
            origins.leave(connection, address)
        connection.save()
        trial.done(before=before, after=described(connection, replaced=bool(secret)))
    return connection


def described(connection: Connection, *, replaced: bool = False) -> dict[str, Any]:
    """Return the settings as the trail keeps them: never the secret, only whether there is one."""
    pem = connection.ca_certificates
    secret = "replaced" if replaced else "set" if connection.secret else "not set"
    return {
        **_settings_of(connection),
        "ca_certificates": f"sha256:{hashlib.sha256(pem.encode()).hexdigest()[:16]}" if pem else "",
        "enabled": connection.enabled,
        "secret": secret,
    }


def revision_of(connection: Connection) -> str:
    """Return a short text that is another one whenever a setting or the secret is."""
    state = [_settings_of(connection), connection.enabled, connection.secret]
    return hashlib.sha256(json.dumps(state, sort_keys=True).encode()).hexdigest()[:16]


def _settings_of(connection: Connection) -> dict[str, Any]:
    return {field: getattr(connection, field) for field in settings.FIELDS}


@contextmanager
def _managing(action: Action, name: str, *, by: User) -> Iterator[Attempt]:
    with attempt(action, by=grants.actor(by), target=Target("connection", name)) as trial:
        needs_permission(by)
        yield trial


def _nothing_to_do(
    name: str, *, by: User, secret: str | None, enabled: bool | None, revision: str, values: dict[str, Any]
) -> Connection | None:
    """Return the connection when everything is as asked for already, by somebody who may ask."""
    found = Connection.objects.filter(name=name).first()
    if found is None or found.is_default or secret is not None or not grants.allows(by, Permission.CONNECTION_MANAGE):
        return None
    same = {**_settings_of(found), **values} == _settings_of(found) and enabled in (None, found.enabled)
    return found if same and revision in ("", revision_of(found)) else None


def _locked(name: str, revision: str) -> Connection:
    """Lock the row for a change. Raises NotVisible, WrongState for the default one, Conflict for an old revision."""
    connections.get(name)
    connection = Connection.objects.select_for_update().get(name=name)
    if connection.is_default:
        text = _(
            "The environment describes this connection (MLFLOW_BACKEND_URL). Change it there and start Assent anew."
        )
        raise WrongState(text)
    if revision and revision != revision_of(connection):
        text = _("Somebody changed this connection since you opened it. Nothing was saved: open it again and look.")
        raise Conflict(text)
    return connection


def _set_secret(connection: Connection, secret: str | None) -> None:
    """Seal a new secret; drop one that is removed or of no use. Raises InvalidInput (secret) when one is missing."""
    if connection.auth == ConnectionAuth.NONE:
        if secret:
            raise InvalidInput(_("Without sign-in there is no secret. Choose how Assent signs in."), field="auth")
        secret = ""
    if secret is not None:
        connection.secret = encryption.seal(settings.checked_secret(secret))
        connection.secret_at = timezone.now() if secret else None
    if connection.auth != ConnectionAuth.NONE and not connection.secret:
        raise InvalidInput(_("Enter the token or password that Assent signs in with."), field="secret")
