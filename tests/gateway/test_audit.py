"""What passed the door and what it refused, in the trail and the access log, with the token; nothing for metrics."""

import httpx
import pytest

from apps.audit.models import Access, AuditEvent
from apps.registry import services as mirror
from apps.registry.models import DEFAULT_CONNECTION
from tests.gateway.attacks.world import API, FILES
from tests.servers.broken import Reply

RUN = "a" * 32
TRAIL = ("action", "outcome", "actor", "source", "target", "token_prefix", "token_name")
LOG = ("outcome", "status", "person", "token_prefix", "method", "route", "object", "count")


@pytest.fixture
def call(live_server):
    """Send a call with a token to an Assent; returns its status and the id that its answer has."""

    def called(token: str, method: str, path: str, **more) -> tuple[int, str]:
        with httpx.Client(trust_env=False, timeout=60) as http:
            got = http.request(method, f"{live_server.url}{path}", headers={"Authorization": f"Bearer {token}"}, **more)
        return got.status_code, got.headers["X-Request-ID"]

    return called


@pytest.fixture
def small(broken):
    """An MLflow that knows one run, and takes every write."""
    info = {"run_id": RUN, "experiment_id": "1", "artifact_uri": f"mlflow-artifacts:/1/{RUN}/artifacts"}
    broken.always(Reply.json({"run": {"info": info}}))
    return broken


@pytest.mark.mlflow
def test_a_write_is_an_event_of_the_caller_with_the_token_and_the_request(
    transactional_db, mlflow_registry, call, token_of, alice
):
    mlflow_registry.model("churn")
    mirror.mirror_now(DEFAULT_CONNECTION, ["churn"])
    token = token_of(alice)
    before = AuditEvent.objects.count()
    described = {"name": "churn", "description": "Trained on May data."}
    status, request_id = call(token, "PATCH", f"{API}registered-models/update", json=described)
    event = AuditEvent.objects.order_by("-id").first()
    assert (status, AuditEvent.objects.count() - before) == (200, 1)
    assert {name: getattr(event, name) for name in TRAIL} == {
        "action": "model.changed", "outcome": "done", "actor": "alice", "source": "gateway", "target": "churn",
        "token_prefix": token.split("_")[1], "token_name": "training",
    }  # fmt: skip
    assert (event.request_id, event.address) == (request_id, "127.0.0.1")


def test_what_is_refused_is_in_the_access_log_and_a_flood_of_it_is_counted(
    transactional_db, small, call, token_of, mallory
):
    token = token_of(mallory)
    for _ in range(3):
        assert call(token, "GET", f"{API}registered-models/get", params={"name": "fraud"})[0] == 404
    assert call(token, "POST", f"{API}runs/create", json={"experiment_id": "1"})[0] == 403
    assert call(token, "GET", f"{API}webhooks")[0] == 404
    assert call("assent_a_b", "GET", f"{API}webhooks")[0] == 401
    prefix = token.split("_")[1]
    counted: dict[tuple[object, ...], int] = {}
    for *denial, count in Access.objects.order_by("pk").values_list(*LOG):  # a new minute begins a new row
        counted[tuple(denial)] = counted.get(tuple(denial), 0) + count
    assert counted == {
        ("denied", 404, "mallory", prefix, "GET", "mlflow:model.read", "fraud"): 3,
        ("denied", 403, "mallory", prefix, "POST", "mlflow:run.create", ""): 1,
        ("denied", 404, "mallory", prefix, "GET", "mlflow:closed", ""): 1,
        ("denied", 401, "", "", "GET", "mlflow:closed", ""): 1,
    }


def test_a_file_that_is_read_is_in_the_access_log(transactional_db, small, call, token_of, alice):
    token = token_of(alice)
    assert call(token, "GET", f"{FILES}1/{RUN}/artifacts/model/MLmodel")[0] == 200
    assert list(Access.objects.values_list(*LOG)) == [
        ("granted", 200, "alice", token.split("_")[1], "GET", "mlflow:artifact.read", f"run {RUN}", 1)
    ]


def test_a_thousand_metrics_write_no_event_and_no_row(transactional_db, small, call, token_of, alice):
    token = token_of(alice)
    before = AuditEvent.objects.count()
    metric = {"run_id": RUN, "key": "loss", "value": 0.1, "timestamp": 1}
    rows = [{"key": "loss", "value": 0.1, "timestamp": 1, "step": step} for step in range(300)]
    sent = [("log-metric", metric)] * 100 + [("log-batch", {"run_id": RUN, "metrics": rows})] * 3
    assert {call(token, "POST", f"{API}runs/{path}", json=body)[0] for path, body in sent} == {200}
    written = [path for path in small.asked if path.endswith(("log-metric", "log-batch"))]
    assert (len(written), AuditEvent.objects.count() - before, Access.objects.count()) == (103, 0, 0)
