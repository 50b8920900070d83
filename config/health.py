"""Two answers for machines: `/healthz` (this process lives) and `/readyz` (everything it needs is there).

Neither asks who is calling, so neither says more than which part is well. Both keep the rules about host names:
a probe sends a name from ASSENT_ALLOWED_HOSTS.
"""

import os
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import redis
from django.conf import settings
from django.db import Error as DatabaseError
from django.db import connection
from django.db.migrations.executor import MigrationExecutor
from django.http import HttpRequest, JsonResponse
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from apps.registry import connections
from apps.registry.mlflow import MlflowError, MlflowNotFound
from apps.registry.models import DEFAULT_CONNECTION
from apps.registry.queries import sync_status

TIMEOUT_SECONDS = 2.0
LATE_SYNCS = 10  # so many intervals without a good sync mean that nobody syncs
LATE_SECONDS = 300  # at least
DEFAULT_EXPERIMENT = "0"  # a cheap read that goes through MLflow's own host and sign-in checks

Check = Callable[[], dict[str, Any]]


@never_cache
@require_safe
def healthz(request: HttpRequest) -> JsonResponse:
    """Say that the process answers; no database, no peer."""
    return JsonResponse({"status": "alive"})


@never_cache
@require_safe
def readyz(request: HttpRequest) -> JsonResponse:
    """Check every part; 200 when all are well, else 503. The parts that need the database are skipped without it."""
    parts = {"database": _guarded(_database)}
    database_checks: dict[str, Check] = {"migrations": _migrations, "sync": _sync}
    for name, check in database_checks.items():
        parts[name] = _guarded(check) if parts["database"]["ok"] else {"ok": False}
    parts["broker"] = _guarded(_broker)
    parts["mlflow"] = _guarded(_mlflow)
    ready = all(part["ok"] for part in parts.values())
    body = {"status": "ready" if ready else "not ready", "parts": parts}
    return JsonResponse(body, status=200 if ready else 503)


def _guarded(check: Check) -> dict[str, Any]:
    """Run a check; trouble with the peer is the answer "not ok", without its text."""
    try:
        return check()
    except (DatabaseError, redis.RedisError, MlflowError, OSError):
        return {"ok": False}


def _database() -> dict[str, Any]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
    return {"ok": True}


def _migrations() -> dict[str, Any]:
    executor = MigrationExecutor(connection)
    return {"ok": not executor.migration_plan(executor.loader.graph.leaf_nodes())}


def _sync() -> dict[str, Any]:
    """Not ok when there was never a good sync, or when the last one is much older than the interval."""
    status = sync_status(DEFAULT_CONNECTION)
    if status.last_success is None:
        return {"ok": False, "age_seconds": None}
    age = round((timezone.now() - status.last_success).total_seconds())
    return {"ok": age <= max(LATE_SECONDS, LATE_SYNCS * settings.SYNC_INTERVAL_SECONDS), "age_seconds": age}


def _broker() -> dict[str, Any]:
    if not settings.REDIS_URL:
        folder = settings.CELERY_BROKER_TRANSPORT_OPTIONS["data_folder_out"]
        return {"ok": os.access(folder, os.W_OK | os.X_OK)}
    with redis.Redis.from_url(
        settings.REDIS_URL, socket_timeout=TIMEOUT_SECONDS, socket_connect_timeout=TIMEOUT_SECONDS
    ) as client:
        return {"ok": bool(client.ping())}


def _mlflow() -> dict[str, Any]:
    # MlflowNotFound is an answer too: somebody deleted that experiment.
    with connections.client(DEFAULT_CONNECTION, timeout=TIMEOUT_SECONDS) as client, suppress(MlflowNotFound):
        client.experiment_name(DEFAULT_EXPERIMENT)
    return {"ok": True}
