"""The demo from the outside, on one data directory: a first start, refusals, signals, a second start, a kill."""

import json
import signal
import socket
import sqlite3
import stat
import urllib.request
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from tests.demo.running import Demo, free_port, wait_until

pytestmark = [pytest.mark.demo, pytest.mark.xdist_group("demo")]
PEOPLE = ["alice", "bob", "erin", "charlie", "admin"]


@pytest.fixture(scope="module")
def data(tmp_path_factory) -> Path:
    return tmp_path_factory.mktemp("demo") / "data with space"


@pytest.fixture(scope="module")
def first(data) -> Iterator[Demo]:
    """The first, cold start; the tests below follow it through its life in this file's order."""
    data.mkdir()
    demo = Demo.start(data)
    yield demo
    if demo.process.poll() is None:
        demo.end()


def passwords(data: Path) -> dict[str, str]:
    return json.loads((data / "demo_passwords.json").read_text())


def models(demo: Demo) -> list[str]:
    url = f"http://127.0.0.1:{demo.mlflow_port}/api/2.0/mlflow/registered-models/search?max_results=100"
    with urllib.request.urlopen(url, timeout=30) as response:
        return sorted(model["name"] for model in json.load(response)["registered_models"])


def test_the_first_start_ends_with_pages_people_and_models(first):
    first.wait_for("Ctrl-C stops everything")
    assert (first.get("/sign-in/"), first.get("/readyz")) == (200, 200)
    assert [person for person in PEOPLE if passwords(first.data)[person] in first.said] == PEOPLE
    assert models(first) == [
        "churn-classifier", "credit-risk", "demand-forecast", "house-price", "iris-species", "ticket-topic",
    ]  # fmt: skip


def test_mlflow_tells_the_demo_of_changes(first):
    url = f"http://127.0.0.1:{first.mlflow_port}/api/2.0/mlflow/webhooks"
    with urllib.request.urlopen(url, timeout=30) as response:
        addresses = [webhook["url"] for webhook in json.load(response)["webhooks"]]
    assert addresses == [f"http://127.0.0.1:{first.port}/webhooks/mlflow/default/"]
    assert stat.S_IMODE((first.data / "mlflow" / "webhook_key").stat().st_mode) == 0o600


def test_the_inbox_shows_a_version_that_was_moved_behind_assents_back(first):
    def found() -> list[tuple[str, str, str]]:
        with closing(sqlite3.connect(first.data / "assent.sqlite3")) as database:
            return database.execute("SELECT kind, expected, found FROM approvals_driftfinding").fetchall()

    wait_until(lambda: found() == [("stage", "None", "Staging")])


def test_the_passwords_are_for_their_owner_alone(first):
    assert stat.S_IMODE((first.data / "demo_passwords.json").stat().st_mode) == 0o600


def test_a_second_demo_on_the_same_data_is_refused(first):
    second = Demo.start(first.data)
    assert second.process.wait() == 1
    assert f"Another demo is running on {first.data}" in second.said


def test_a_port_in_use_is_named_with_what_to_do(first, tmp_path):
    other = Demo.start(tmp_path / "other", port=first.port)
    assert other.process.wait() == 1
    assert f"Port {first.port} is in use" in other.said
    assert f"PORT={first.port + 1} make demo" in other.said


def test_an_mlflow_port_in_use_is_named_with_what_to_do(first, tmp_path):
    other = Demo.start(tmp_path / "other", mlflow_port=first.mlflow_port)
    assert other.process.wait() == 1
    assert f"Port {first.mlflow_port} for MLflow is in use" in other.said


def test_sigterm_leaves_nothing_running(first):
    assert first.end(signal.SIGTERM) == 0
    assert first.left_running() == []


def test_a_second_start_keeps_people_and_models_and_a_killed_one_leaves_nothing(first):
    before = passwords(first.data)
    second = Demo.start(first.data)
    second.wait_for("ready:")
    assert passwords(first.data) == before
    assert "training" not in second.said
    assert [person for person in PEOPLE if before[person] in second.said] == PEOPLE
    assert len(models(second)) == 6
    second.end(signal.SIGKILL)
    wait_until(lambda: second.left_running() == [])


def test_ctrl_c_before_it_is_up_leaves_nothing_running(tmp_path):
    demo = Demo.start(tmp_path / "data")
    demo.wait_for("preparing the database")
    assert demo.end(signal.SIGINT) == 130
    assert demo.left_running() == []


def test_a_foreign_listener_is_left_alone(tmp_path):
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        demo = Demo.start(tmp_path / "data", port=listener.getsockname()[1])
        assert demo.process.wait() == 1
        assert demo.left_running() == []


def test_an_mlflow_of_ones_own_is_mirrored_not_filled(tmp_path):
    demo = Demo.start(tmp_path / "data", MLFLOW_BACKEND_URL=f"http://127.0.0.1:{free_port()}")
    demo.wait_for("mirroring the MLflow at")
    demo.end(signal.SIGTERM)
    assert "training" not in demo.said
