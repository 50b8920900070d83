"""The MLflow servers: which there are, how a model's reference names one, and a client for each."""

import re
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager

from django.conf import settings
from django.db.models import Q, QuerySet
from django.utils.translation import gettext as _

from apps import encryption
from apps.errors import NotVisible, UpstreamUnavailable
from apps.registry.mlflow import MlflowClient, MlflowError, MlflowNotFound
from apps.registry.models import DEFAULT_CONNECTION, Connection, ConnectionAuth, RegisteredModel
from apps.registry.transport import within

NAME = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,38}[a-z0-9])?")


def split_reference(reference: str) -> tuple[str, str]:
    """Return connection name and model name: "churn" → ("default", "churn"), "eu:churn" → ("eu", "churn")."""
    connection, colon, name = reference.partition(":")
    return (connection, name) if colon else (DEFAULT_CONNECTION, reference)


def named(reference: str, prefix: str = "") -> Q:
    """Return the condition that a model has this reference; `prefix` is the way to it, such as "version__model__"."""
    connection, name = split_reference(reference)
    return Q(**{f"{prefix}connection": connection, f"{prefix}name": name})


def enabled() -> QuerySet[Connection]:
    """The connections that are mirrored, the default one first where names are sorted."""
    return Connection.objects.filter(enabled=True).order_by("name")


def get(name: str) -> Connection:
    """One connection. Raises NotVisible."""
    found = None if "\0" in name else Connection.objects.filter(name=name).first()  # no database keeps such a name
    if found is None:
        raise NotVisible(_("There is no connection of this name."))
    return found


def address(connection: Connection) -> str:
    """Return the server's base URL, without a slash at its end."""
    return (settings.MLFLOW_BACKEND_URL if connection.is_default else connection.url).rstrip("/")


def public_address(connection: Connection) -> str:
    """Return where browsers reach MLflow's own pages, a path where Assent passes them on; empty where they cannot."""
    return (settings.MLFLOW_PUBLIC_URL if connection.is_default else connection.public_url).rstrip("/")


def public_address_of(model: RegisteredModel) -> str:
    """Return where browsers reach a model's server. The default one stands in the settings: no row is read for it."""
    if model.connection_id == DEFAULT_CONNECTION:
        return str(settings.MLFLOW_PUBLIC_URL).rstrip("/")
    return public_address(model.connection)


def tracking_address_of(model: RegisteredModel) -> str:
    """Return where MLflow's clients reach a model's server; empty where nobody said it.

    Those of the default one come through Assent, like its pages, unless it is published elsewhere.
    """
    public = public_address_of(model)
    return str(settings.PUBLIC_URL) if public.startswith("/") else public


def client(connection: Connection | str, *, timeout: float | None = None) -> MlflowClient:
    """Return a client; `timeout` (seconds) in place of the configured one. Use it in a `with`."""
    if isinstance(connection, str):
        is_default = connection == DEFAULT_CONNECTION  # then the environment says all there is to know
        connection = Connection(name=connection) if is_default else get(connection)
    auth: str | tuple[str, str] | None
    if connection.is_default:
        auth = settings.MLFLOW_BACKEND_TOKEN or None
        if settings.MLFLOW_BACKEND_USERNAME:
            auth = (settings.MLFLOW_BACKEND_USERNAME, settings.MLFLOW_BACKEND_PASSWORD)
        return MlflowClient(address(connection), timeout=timeout or settings.MLFLOW_TIMEOUT_SECONDS, auth=auth)
    secret = encryption.unseal(connection.secret)
    auth = None
    if connection.auth == ConnectionAuth.TOKEN:
        auth = secret
    elif connection.auth == ConnectionAuth.PASSWORD:
        auth = (connection.username, secret)
    return MlflowClient(
        address(connection),
        timeout=timeout or connection.timeout_seconds,
        auth=auth,
        verify_tls=connection.verify_tls,
        ca_certificates=connection.ca_certificates,
    )


@contextmanager
def calls(connection: Connection | str, *, timeout: float | None = None) -> Iterator[MlflowClient]:
    """Open a client for a few calls that together end within `timeout` seconds, else the connection's own timeout.

    MlflowNotFound inside becomes NotVisible, every other MLflow trouble UpstreamUnavailable.
    """
    try:
        with client(connection, timeout=timeout) as opened, within(opened.timeout):
            yield opened
    except MlflowNotFound as error:
        raise NotVisible(_("MLflow no longer has this object. The next sync will mark it as deleted here.")) from error
    except MlflowError as error:
        text = _("%(problem)s Nothing was lost.") % {"problem": error}
        raise UpstreamUnavailable(text) from error


def calls_for(model: RegisteredModel, *, timeout: float | None = None) -> AbstractContextManager[MlflowClient]:
    """Return `calls` to the server that a model comes from."""
    return calls(str(model.connection_id), timeout=timeout)
