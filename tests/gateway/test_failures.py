"""MLflow is down, silent, or talks nonsense: clients get its form of error, and a code that says whether to retry."""

import json

import pytest

from apps.accounts.models import User
from apps.audit.models import AuditEvent
from apps.gateway import upstream
from apps.registry.models import ModelVersion, RegisteredModel, TouchedModel
from tests.builders import make_model, make_version
from tests.gateway.attacks.world import API
from tests.servers.broken import Reply

QUESTION = ("GET", f"{API}runs/get?run_id=a", None)
SEARCH = ("POST", f"{API}runs/search", {"experiment_ids": ["1"]})
WRITE = ("POST", f"{API}runs/set-tag", {"run_id": "a", "key": "k", "value": "v"})
RETRY, LOOK = (503, "TEMPORARILY_UNAVAILABLE"), (409, "ABORTED")
PAGE = Reply(b"<html>Bad Gateway</html>", status=502, content_type="text/html")


@pytest.fixture
def ask(transactional_db, live_server, broken, alice: User, token_of, monkeypatch):
    """Send calls as alice to an Assent whose MLflow is `broken`; returns status and code of each."""
    import httpx

    monkeypatch.setattr(upstream, "SILENCE_SECONDS", 1.0)
    headers = {"Authorization": f"Bearer {token_of(alice)}"}

    def asked(*calls) -> list[tuple[int, str]]:
        answers = []
        for method, path, body in calls:
            with httpx.Client(trust_env=False, timeout=60) as http:
                got = http.request(method, f"{live_server.url}{path}", headers=headers, json=body)
            answers.append((got.status_code, got.json().get("error_code", "")))
        return answers

    return asked


@pytest.mark.parametrize(
    ("reply", "told"),
    [
        (Reply(says_nothing=True), [RETRY, RETRY, LOOK]),
        (Reply(b'{"run":', length=500), [RETRY, RETRY, LOOK]),
        (PAGE, [(502, "INTERNAL_ERROR"), (502, "INTERNAL_ERROR"), LOOK]),
        (Reply.json({"error_code": "INTERNAL_ERROR", "message": "x"}, 500), [(500, "INTERNAL_ERROR")] * 3),
        (Reply(b"<html>Forbidden</html>", status=403, content_type="text/html"), [(403, "BAD_REQUEST")] * 3),
        (
            Reply.json({"error_code": "RESOURCE_DOES_NOT_EXIST", "message": "x"}, 404),
            [(404, "RESOURCE_DOES_NOT_EXIST")] * 3,
        ),
    ],
    ids=["silent", "hangs up", "a page of a proxy", "its own error", "a page that refuses", "not there"],
)
def test_a_client_is_told_whether_it_may_ask_again(ask, broken, reply, told):
    broken.always(reply)
    assert ask(QUESTION, SEARCH, WRITE) == told


def test_what_was_never_sent_may_be_sent_again(ask, settings):
    settings.MLFLOW_BACKEND_URL = "http://127.0.0.1:9"
    assert ask(QUESTION, SEARCH, WRITE) == [RETRY] * 3


def test_a_restart_is_over_when_it_is_over(ask, broken, settings):
    broken.always(Reply.json({"run": {}}))
    up, settings.MLFLOW_BACKEND_URL = settings.MLFLOW_BACKEND_URL, "http://127.0.0.1:9"
    assert ask(QUESTION, WRITE) == [RETRY, RETRY]
    settings.MLFLOW_BACKEND_URL = up
    assert ask(QUESTION, WRITE) == [(200, ""), (200, "")]
    assert broken.asked == ["/api/2.0/mlflow/runs/get", "/api/2.0/mlflow/runs/set-tag"]


def test_a_write_of_unknown_fate_is_sent_once_and_records_nothing(ask, broken):
    make_version(make_model())
    broken.always(Reply(says_nothing=True))
    before = AuditEvent.objects.count()
    assert ask(("POST", f"{API}registered-models/set-tag", {"name": "churn", "key": "k", "value": "v"})) == [LOOK]
    assert (broken.asked, AuditEvent.objects.count() - before) == (["/api/2.0/mlflow/registered-models/set-tag"], 0)


@pytest.mark.parametrize(
    "reply", [Reply(says_nothing=True), PAGE, Reply(b"nonsense"), Reply.json([1]), Reply.json({"registered_model": 7})],
    ids=["silent", "a page", "no JSON", "a list", "no model"],
)  # fmt: skip
def test_a_write_that_cannot_be_read_back_is_done_and_noted(ask, broken, reply):
    """The client has its answer, nothing is recorded as somebody's, and a job reads the model later."""
    make_version(make_model())
    broken.decide = lambda path, query: Reply() if path.endswith("set-tag") else reply
    before = AuditEvent.objects.count()
    assert ask(("POST", f"{API}registered-models/set-tag", {"name": "churn", "key": "k", "value": "v"})) == [(200, "")]
    noted = list(TouchedModel.objects.values_list("name", "number"))
    assert (noted, AuditEvent.objects.count() - before) == ([("churn", 0)], 0)


@pytest.mark.parametrize("said", [b"", b"[]", b'{"model_version": 3}', b'{"model_version": {"version": "x"}}', b"\xff"])
def test_a_version_whose_number_mlflow_does_not_say_is_read_later(ask, broken, said):
    model = make_model()
    broken.decide = lambda path, query: Reply(said) if path.endswith("/create") else PAGE
    made = {"name": "churn", "source": "dummy-source"}
    got = ask_raw(ask, made)
    assert got == 200
    assert (list(TouchedModel.objects.values_list("name", "number")), model.versions.count()) == ([("churn", 0)], 0)


def ask_raw(ask, body) -> int:
    """Register a version, and return the status alone: the body is whatever MLflow said."""
    try:
        return ask(("POST", f"{API}model-versions/create", body))[0][0]
    except (json.JSONDecodeError, AttributeError, UnicodeDecodeError):
        return 200


def test_a_delete_that_mlflow_refuses_leaves_the_mirror_as_it_was(ask, broken, alice):
    version = make_version(make_model())
    alice.groups.set([])
    User.objects.filter(pk=alice.pk).update(is_superuser=True)
    broken.always(Reply.json({"error_code": "INVALID_STATE", "message": "x"}, 400))
    assert ask(("DELETE", f"{API}model-versions/delete", {"name": "churn", "version": "1"})) == [(400, "INVALID_STATE")]
    assert ModelVersion.objects.filter(pk=version.pk, deleted_at=None).exists()
    assert RegisteredModel.objects.filter(name="churn", deleted_at=None).exists()
