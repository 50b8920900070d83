"""Reads that are sent to MLflow early: never to be seen by whoever may not, and never for long."""

import httpx
import pytest

from apps.accounts.models import ApiToken, User
from apps.gateway import early
from tests.servers.broken import Reply

EXPERIMENT = "/api/2.0/mlflow/experiments/get"
RUN = "/api/2.0/mlflow/runs/set-tag"
SECRET = "merger-2027"


@pytest.fixture
def token(transactional_db, alice: User, token_of) -> str:
    return token_of(alice)


@pytest.fixture
def ask(live_server, broken):
    """Send a call with a token; returns the status and the text of the answer."""
    broken.always(Reply.json({"experiment": {"name": SECRET}}))

    def asked(token: str, path: str = f"{EXPERIMENT}?experiment_id=1", method: str = "GET", **more) -> tuple[int, str]:
        with httpx.Client(trust_env=False, timeout=60) as http:
            got = http.request(method, live_server.url + path, headers={"Authorization": f"Bearer {token}"}, **more)
        return got.status_code, got.text

    return asked


def revoke(token: str) -> None:
    ApiToken.objects.filter(prefix=token.split("_")[1]).delete()


def test_reads_in_a_row_ask_mlflow_once_each(ask, token, broken):
    assert [ask(token)[0] for _turn in range(3)] == [200] * 3
    assert broken.asked == [EXPERIMENT] * 3


def test_a_token_revoked_meanwhile_sees_nothing_of_what_was_sent_early(ask, token, broken):
    ask(token)
    revoke(token)
    status, text = ask(token)
    assert (status, SECRET in text) == (401, False)
    assert broken.asked == [EXPERIMENT] * 2


def test_after_a_refusal_nothing_is_sent_early(ask, token, broken):
    ask(token)
    revoke(token)
    assert [ask(token)[0] for _turn in range(5)] == [401] * 5
    assert len(broken.asked) <= 2


def test_rights_lost_meanwhile_count(ask, token, alice):
    ask(token)
    alice.groups.clear()
    status, text = ask(token)
    assert (status, SECRET in text) == (404, False)


def test_a_stranger_reaches_mlflow_never(ask, token, broken):
    ask(token)
    assert [ask("assent_000000000000_nothing")[0] for _turn in range(3)] == [401] * 3
    assert broken.asked == [EXPERIMENT]


def test_a_write_is_never_sent_early(ask, token, broken):
    ask(token)
    revoke(token)
    assert ask(token, RUN, "POST", json={"run_id": "a", "key": "k", "value": "v"})[0] == 401
    assert broken.asked == [EXPERIMENT]


def test_trust_ends_by_itself(ask, token, broken, monkeypatch):
    monkeypatch.setattr(early, "TRUSTED_SECONDS", 0.0)
    ask(token)
    revoke(token)
    assert ask(token)[0] == 401
    assert broken.asked == [EXPERIMENT]


def test_what_cannot_be_understood_is_said_as_ever(ask, token, broken):
    ask(token)
    status, text = ask(token, f"{EXPERIMENT}?experiment_id=1&experiment_id=2")
    assert (status, "experiment_id" in text) == (400, True)
    assert broken.asked == [EXPERIMENT]


def test_what_a_guard_refuses_is_not_shown_to_whoever_is_trusted(ask, token, token_of, mallory):
    hers = token_of(mallory)
    assert ask(hers, "/version")[0] == 200
    status, text = ask(hers)
    assert (status, SECRET in text) == (404, False)


def test_a_read_that_mlflow_does_not_answer_may_be_sent_again(ask, token, broken):
    ask(token)
    broken.always(Reply(b"{", length=500))
    assert ask(token)[0] == 503


def test_of_many_callers_the_memory_ends(ask, token, monkeypatch):
    monkeypatch.setattr(early, "KEPT", 1)
    ask(token)
    assert ask(token)[0] == 200
    assert len(early._trusted) == 1
