"""What the pages about connections show."""

from typing import Any

from django.conf import settings
from django.utils.translation import gettext as _

from apps.registry import connections
from apps.registry.health import queries as health
from apps.registry.models import Connection, ConnectionAuth


def connection_rows() -> list[dict[str, Any]]:
    """Every connection with its address (credentials left out), its TLS, and how it fares."""
    return [
        {"health": row, "address": shown_address(row.connection), "tls": _tls(row.connection)}
        for row in health.health()
    ]


def connection_context(connection: Connection) -> dict[str, Any]:
    """Return what the page of one connection shows besides its forms."""
    return {
        "connection": connection,
        "address": shown_address(connection),
        "public_address": connections.public_address(connection),
        "health": next(row for row in health.health() if row.connection.pk == connection.pk),
        "sign_in": _environment_sign_in(),
        "timeout": settings.MLFLOW_TIMEOUT_SECONDS,
    }


def shown_address(connection: Connection) -> str:
    """Return the server's address, fit for a page: the environment's may carry a name and password."""
    scheme, slashes, rest = connections.address(connection).partition("://")
    host, slash, path = rest.partition("/")
    return f"{scheme}{slashes}{host.rpartition('@')[2]}{slash}{path}"


def _tls(connection: Connection) -> str:
    """Return none, checked or unchecked."""
    if not connections.address(connection).startswith("https:"):
        return "none"
    return "checked" if connection.verify_tls else "unchecked"


def _environment_sign_in() -> str:
    if settings.MLFLOW_BACKEND_USERNAME:
        return str(ConnectionAuth.PASSWORD.label)
    return str(ConnectionAuth.TOKEN.label) if settings.MLFLOW_BACKEND_TOKEN else _("No sign-in")
