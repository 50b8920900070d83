"""The health addresses, with a peer that answers like MLflow and with none at all."""

from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import pytest
from django.db import connection
from django.utils import timezone

from apps.registry.models import SyncRun, SyncState

NOBODY = "http://127.0.0.1:9"


class Answers(BaseHTTPRequestHandler):
    """Answers every read as MLflow answers for its default experiment."""

    def do_GET(self) -> None:
        body = b'{"experiment": {"experiment_id": "0", "name": "Default"}}'
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args: object) -> None:
        """Say nothing."""


@pytest.fixture
def mlflow_answers(settings):
    server = ThreadingHTTPServer(("127.0.0.1", 0), Answers)
    Thread(target=server.serve_forever, daemon=True).start()
    settings.MLFLOW_BACKEND_URL = f"http://127.0.0.1:{server.server_port}"
    yield
    server.shutdown()
    server.server_close()


@pytest.fixture
def synced(db) -> SyncRun:
    return SyncRun.objects.create(state=SyncState.DONE, finished_at=timezone.now(), requested_by="test")


def parts(response) -> dict[str, bool]:
    return {name: part["ok"] for name, part in response.json()["parts"].items()}


def test_healthz_asks_no_database(client):
    response = client.get("/healthz")
    assert (response.status_code, response.json()) == (200, {"status": "alive"})


def test_readyz_is_ready_when_every_part_is(client, synced, mlflow_answers):
    response = client.get("/readyz")
    assert response.status_code == 200
    assert parts(response) == {"database": True, "migrations": True, "sync": True, "broker": True, "mlflow": True}


def test_readyz_names_an_mlflow_that_does_not_answer(client, synced, settings):
    settings.MLFLOW_BACKEND_URL = NOBODY
    response = client.get("/readyz")
    assert response.status_code == 503
    assert parts(response) == {"database": True, "migrations": True, "sync": True, "broker": True, "mlflow": False}


def test_readyz_is_not_ready_before_the_first_sync(client, db, mlflow_answers):
    response = client.get("/readyz")
    assert (response.status_code, response.json()["parts"]["sync"]) == (503, {"ok": False, "age_seconds": None})


def test_readyz_is_not_ready_when_nobody_syncs_any_more(client, synced, mlflow_answers):
    SyncRun.objects.update(finished_at=timezone.now() - timedelta(hours=2))
    response = client.get("/readyz")
    assert response.status_code == 503
    assert response.json()["parts"]["sync"]["age_seconds"] >= 7200


def test_readyz_names_a_redis_that_does_not_answer(client, synced, mlflow_answers, settings):
    settings.REDIS_URL = "redis://127.0.0.1:9/0"
    response = client.get("/readyz")
    assert (response.status_code, parts(response)["broker"]) == (503, False)


def test_readyz_sees_a_migration_that_was_not_applied(client, synced, mlflow_answers):
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM django_migrations WHERE app = 'jobs'")
    response = client.get("/readyz")
    assert (response.status_code, parts(response)["migrations"]) == (503, False)


def test_readyz_tells_no_internals(client, db, settings):
    settings.MLFLOW_BACKEND_URL = "http://user:hush@127.0.0.1:9"
    text = client.get("/readyz").content.decode()
    assert [word for word in ("hush", "127.0.0.1", "Error", "Traceback") if word in text] == []


@pytest.mark.parametrize("path", ["/healthz", "/readyz"])
def test_probes_are_never_cached_and_change_nothing(client, db, path):
    assert "no-store" in client.get(path)["Cache-Control"]
    assert client.post(path).status_code == 405


def test_probes_keep_the_rules_about_host_names(client):
    assert client.get("/healthz", headers={"host": "evil.test"}).status_code == 400
