"""Trying a connection: one look at its MLflow now, and a sentence about what happened."""

import time
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from apps.errors import WrongState
from apps.registry import connections
from apps.registry.connecting.services import needs_permission
from apps.registry.mlflow import MlflowClient, MlflowError
from apps.registry.transport import within

TIMEOUT_SECONDS = 5.0
ROWS = 100


@dataclass(frozen=True)
class Probe:
    """How it went: `sentence` says it to people, `version` is MLflow's (empty when unknown), `seconds` it took."""

    ok: bool
    sentence: str
    version: str = ""
    seconds: float = 0.0


def test_connection(name: str, *, by: Any) -> Probe:
    """Ask the MLflow of a connection for its version and its first models. Raises NotAllowed, NotVisible.

    Not inside a transaction: it waits for MLflow, five seconds at most. Nothing is written.
    """
    needs_permission(by)
    connection = connections.get(name)
    began = time.monotonic()
    try:
        with connections.client(connection, timeout=TIMEOUT_SECONDS) as client, within(TIMEOUT_SECONDS):
            version, models = _look(client)
    except MlflowError as error:
        return Probe(False, str(error), seconds=time.monotonic() - began)
    except WrongState as error:  # the secret cannot be opened
        return Probe(False, error.message)
    return Probe(True, _found(version, models), version, time.monotonic() - began)


def _look(client: MlflowClient) -> tuple[str, list[Any]]:
    version = client.version()
    # MLflow tells its version to everybody: only a listing shows that it lets Assent in.
    rows = client.ask("GET", "registered-models/search", params={"max_results": str(ROWS)}).get("registered_models", [])
    return version[:40], rows if isinstance(rows, list) else []


def _found(version: str, models: list[Any]) -> str:
    if not models:
        text = _("MLflow %(version)s answers and lets Assent in. It has no registered model yet.")
        return text % {"version": version}
    if len(models) >= ROWS:
        counted = _("%(count)d models on its first page") % {"count": len(models)}
    else:
        counted = ngettext("%(count)d model", "%(count)d models", len(models)) % {"count": len(models)}
    text = _("MLflow %(version)s answers and lets Assent in. It lists %(models)s.")
    return text % {"version": version, "models": counted}
