import os
import subprocess
import sys
from threading import Thread

import pytest
from django.conf import settings
from django.db import connection, transaction

from apps.audit import chain
from apps.audit.actions import Action, Outcome, Source
from apps.audit.context import Origin, came_through
from apps.audit.models import AuditEvent, ChainHead
from apps.audit.services import Actor, Target, attempt, record
from apps.errors import RuleViolation, UpstreamUnavailable
from tests.approvals.worker import database_url

ALICE = Actor("alice", "data_scientist")
CHURN = Target("model", "churn", 7)


def write(**data) -> AuditEvent:
    with transaction.atomic():
        return record(Action.MODEL_CHANGED, by=ALICE, target=CHURN, **data)


def misfit() -> str | None:
    return chain.first_misfit(AuditEvent.objects.order_by("id"))


def test_record_seals_each_event_behind_the_one_before(db):
    first, second = write(), write()
    assert (first.id, first.previous_hash) == (1, chain.FIRST_HASH)
    assert (second.id, second.previous_hash) == (2, first.hash)
    assert misfit() is None


def test_record_refuses_without_a_transaction(transactional_db):
    with pytest.raises(RuntimeError, match="open transaction"):
        record(Action.MODEL_CHANGED, by=ALICE, target=CHURN)


def test_record_takes_door_and_address_from_the_origin(db):
    with came_through(Origin(Source.API, "0" * 36, "10.1.2.3")):
        event = write()
    assert (event.source, event.request_id, event.address) == ("api", "0" * 36, "10.1.2.3")


@pytest.mark.parametrize(
    "value",
    [
        1.0,
        -0.0,
        1e15,
        1e16,
        -1e22,
        1e300,
        5e-324,
        0.1,
        1e-7,
        2**70,
        "é\0\ud800😀",
        [None, True],
        {"b": 1, "a": {"2": 0}},
    ],
)
def test_record_hashes_what_the_database_gives_back(db, value):
    write(value=value)
    assert misfit() is None


def test_record_keeps_text_that_a_database_cannot_hold(db):
    event = write(reason="a\0b")
    event.refresh_from_db()
    assert event.reason == "a\ufffdb"


def test_attempt_commits_write_and_event_together(db):
    with attempt(Action.GRANT_CHANGED, by=ALICE, target=CHURN, before=[]) as trial:
        trial.done(after=["viewer"])
    event = AuditEvent.objects.get()
    assert (event.outcome, event.data) == ("done", {"before": [], "after": ["viewer"]})


@pytest.mark.parametrize(
    ("error", "outcome"), [(RuleViolation("no"), Outcome.REFUSED), (UpstreamUnavailable("down"), Outcome.FAILED)]
)
def test_attempt_records_a_refusal_and_undoes_the_write(db, error, outcome):
    def write_and_fail() -> None:
        with attempt(Action.GRANT_CHANGED, by=ALICE, target=CHURN, code="mine") as trial:
            trial.done()
            raise error

    with pytest.raises(type(error)):
        write_and_fail()
    event = AuditEvent.objects.get()
    assert (event.id, event.outcome, event.reason, event.data) == (1, outcome, error.message, {"code": error.code})


def test_attempt_without_an_event_writes_nothing(db):
    with pytest.raises(RuntimeError), attempt(Action.GRANT_CHANGED, by=ALICE, target=CHURN):
        ChainHead.objects.create(id=1, last_id=5)
    assert not ChainHead.objects.exists()


def test_fifty_writers_at_once_leave_no_gap_and_no_fork(transactional_db):
    failures = []

    def write_three() -> None:
        try:
            for _ in range(3):
                write()
        except Exception as error:  # noqa: BLE001 - a thread's error must reach the test
            failures.append(error)
        finally:
            connection.close()

    threads = [Thread(target=write_three) for _ in range(50)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    assert list(AuditEvent.objects.order_by("id").values_list("id", flat=True)) == list(range(1, 151))
    assert misfit() is None


def test_the_trail_starts_again_after_a_test_with_real_transactions(transactional_db):
    assert write().id == 1


KILLED = """
import time, django
django.setup()
from django.db import transaction
from tests.audit.test_services import write
from apps.audit.actions import Action
from apps.audit.services import Actor, Target, record
write(), write()
with transaction.atomic():
    for _ in range(3):
        record(Action.MODEL_CHANGED, by=Actor("zoe"), target=Target("model", "churn", 7))
    print("in the middle", flush=True)
    time.sleep(300)
"""


def test_a_writer_killed_in_the_middle_leaves_no_gap_and_holds_up_nobody(transactional_db, tmp_path):
    environment = os.environ | {
        "DATABASE_URL": database_url(),
        "ASSENT_DATA_DIR": str(tmp_path),
        "DJANGO_SETTINGS_MODULE": "config.settings",
    }
    with subprocess.Popen(
        [sys.executable, "-c", KILLED], cwd=settings.BASE_DIR, env=environment, stdout=subprocess.PIPE, text=True
    ) as process:
        try:
            assert process.stdout.readline() == "in the middle\n"
            waiting = Thread(target=lambda: (write(), connection.close()))
            waiting.start()
        finally:
            process.kill()
    waiting.join()
    assert (write().id, misfit()) == (4, None)
