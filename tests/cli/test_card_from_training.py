"""The function of notebooks as a script runs it: a process of its own, against a server that really listens."""

import json
import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from django.conf import settings
from django.template import Context, Template
from django.test import RequestFactory

from apps.accounts.tokens import create_token
from apps.modelcards.models import Card, CardRevision
from apps.registry.models import ModelVersion
from tests.builders import make_model, make_version
from tests.modelcards.conftest import fill
from tests.servers.broken import Reply, broken_server

TOOL = Path(settings.BASE_DIR) / "static" / "cli"
USE = "Supports the retention team in choosing whom to call first."
pytestmark = pytest.mark.django_db(transaction=True)


def run(url: str, token: str, script: str) -> subprocess.CompletedProcess[str]:
    """Run lines of a training script. Nothing of this process's environment reaches it but the path."""
    environment = {"PATH": os.environ["PATH"], "ASSENT_URL": url, "ASSENT_TOKEN": token, "PYTHONPATH": str(TOOL)}
    command = [sys.executable, "-c", f"from card_from_training import *\n{script}"]
    return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60, check=False)


@pytest.fixture
def version(db) -> ModelVersion:
    return make_version(make_model(), 1, artifact_digest="f" * 64)


@pytest.fixture
def token(version, alice) -> str:
    return create_token("training", by=alice, scope="write").text


def test_the_card_is_started_and_filled(token, live_server):
    script = f"print(fill_card('churn', 1, {{'intended_use': {USE!r}, 'performance': {{'auc': 0.97}}}})['revision'])"
    done = run(live_server.url, token, script.replace("'performance'", "'performance_metrics'"))
    assert (done.stdout, done.stderr) == ("2\n", "")
    said = CardRevision.objects.latest("pk").values
    assert said["intended_use"] == USE
    assert {row["name"]: row["value"] for row in said["performance_metrics"]} == {"accuracy": "0.9", "auc": "0.97"}


def test_filling_twice_writes_once(token, live_server):
    script = f"fill_card('churn', 1, {{'intended_use': {USE!r}}})\n" * 2
    assert run(live_server.url, token, script).stderr == ""
    assert Card.objects.get().number == 2


def test_what_people_wrote_and_confirmed_stays(token, live_server, alice, bob):
    run(live_server.url, token, "fill_card('churn', 1, {})")
    fill(bob)
    assert run(live_server.url, token, "fill_card('churn', 1, {'references': ['RFC 9110']})").stderr == ""
    newest = CardRevision.objects.latest("pk")
    assert (newest.values["references"], newest.states["users"]["by"]) == (["RFC 9110"], "bob")


def test_a_save_in_between_is_read_and_built_upon(token, live_server, bob):
    """Somebody saves after the script has read: the first PUT is refused, the second one stands."""
    script = f"""
import card_from_training as tool
once, ask = [], tool.ask
def slow(method, *rest):
    if method == "PUT" and not once:
        once.append(1)
        print("read", flush=True)
        input()
    return ask(method, *rest)
tool.ask = slow
fill_card("churn", 1, {{"references": ["RFC 9110"]}}, url={live_server.url!r}, token={token!r})
"""
    command = [sys.executable, "-c", f"from card_from_training import *\n{script}"]
    environment = {"PATH": os.environ["PATH"], "PYTHONPATH": str(TOOL)}
    with subprocess.Popen(
        command, env=environment, text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as running:
        assert running.stdout.readline() == "read\n"
        fill(bob)
        _out, errors = running.communicate("\n", timeout=60)
    newest = CardRevision.objects.latest("pk")
    assert (running.returncode, errors, newest.number) == (0, "", 3)
    assert (newest.values["users"], newest.values["references"]) == (["Retention team"], ["RFC 9110"])


def test_two_scripts_at_once_start_one_card(token, live_server):
    script = "fill_card('churn', 1, {'references': [REFERENCE]})"
    done: list[subprocess.CompletedProcess[str]] = []

    def start(name: str) -> None:
        done.append(run(live_server.url, token, script.replace("REFERENCE", repr(name))))

    both = [threading.Thread(target=start, args=(name,)) for name in ("a", "b")]
    for one in both:
        one.start()
    for one in both:
        one.join()
    assert [row.stderr for row in done] == ["", ""]
    assert (Card.objects.count(), Card.objects.get().number) == (1, 3)


def test_a_field_at_fault_is_told_with_its_name(token, live_server):
    script = (
        "try: fill_card('churn', 1, {'task': 'juggling'})\nexcept CardError as e: print(e.status, sorted(e.errors))"
    )
    assert run(live_server.url, token, script).stdout == "400 ['task']\n"


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("http://assent.example.org", "only sent over https"),
        ("ftp://assent.example.org", "Name the server"),
        ("https://alice:x@assent.example.org", "Name the server"),
        ("http://127.0.0.1:9", "cannot be reached"),
    ],
)
def test_a_server_to_which_no_token_goes_is_refused(url, said):
    done = run(url, "t", "fill_card('churn', 1, {})")
    assert (done.returncode, said in done.stderr) == (1, True)


def test_no_redirect_is_followed():
    elsewhere = Reply(status=302, headers={"Location": "http://127.0.0.1:9/"})
    with broken_server() as server:
        server.decide = lambda path, query: elsewhere
        done = run(server.url, "t", "fill_card('churn', 1, {})")
    assert "302" in done.stderr


def test_nan_is_refused_before_it_is_sent(token, live_server):
    done = run(live_server.url, token, "fill_card('churn', 1, {'extra': {'a': float('nan')}})")
    assert "Write NaN as text" in done.stderr


def test_the_lines_on_the_page_are_python_and_name_this_server(version):
    template = Template("{% load card_snippets %}{% card_from_training version %}")
    shown = template.render(Context({"request": RequestFactory().get("/"), "version": version}))
    assert "http://testserver" in shown
    assert json.dumps("fill_card").strip('"') in shown
