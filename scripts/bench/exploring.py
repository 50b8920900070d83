"""What filters of the trail cost, one by one and in pairs, for somebody who reads everything and for readers of models.

Needs Django set up for the bench's database.
"""

import os
from itertools import combinations
from urllib.parse import urlencode

from django.db import connection
from django.utils import timezone

from apps.demo import commands
from apps.registry.models import RegisteredModel
from scripts.bench import visitors
from scripts.bench.asking import Caller
from scripts.bench.measuring import Times, head, in_turns, say, verdict
from scripts.bench.servers import Processes, wait_for
from tests import trail

MODELS, FEW = 10_000, 20
MOST_MS, TURNS = 200, 20
ONE = {
    "nothing": {},
    "a busy person": {"actor": "user0"},
    "a quiet person": {"actor": "zoe"},
    "nobody": {"actor": "nobody"},
    "a busy action": {"action": "version.changed"},
    "a rare action": {"action": "policy.published"},
    "two actions": {"action": ["request.applied", "freeze.set"]},
    "refused": {"outcome": "refused"},
    "from a command": {"source": "command"},
    "deployments": {"event_type": "model_deployed"},
    "archived versions": {"event_type": "model_archived"},
    "stage transitions": {"event_type": "stage_transition"},
    "changed permissions": {"event_type": "permission_changed"},
    "an object type": {"target_type": "policy"},
    "an object's name": {"target": "request 123"},
    "text of no object": {"target": "nowhere to be found"},
    "a busy model": {"model": "model-00001"},
    "a quiet model": {"model": "model-00501"},
    "a week of last year": {"since": "400d", "until": "393d"},
    "an address": {"address": "10.0.0.77"},
    "a request id": {"request_id": "r-1234"},
}
PAIRED = ("a busy person", "a quiet person", "a busy action", "a rare action", "deployments", "archived versions",
          "changed permissions", "refused", "from a command", "an object type", "a busy model", "a quiet model",
          "a week of last year", "an address")  # fmt: skip


def measure(processes: Processes, events: int) -> None:
    """Fill the trail, and ask for each filter and pair, as three people."""
    _register()
    _fill(events)
    few = visitors.reader_of_a_part("newcomer", step=MODELS // FEW)
    readers = {"audit:read": visitors.admin(), "every fifth model": visitors.reader_of_a_part(), "20 models": few}
    port = int(os.environ["PORT"])
    processes.start("web", commands.web(port))
    wait_for(port)
    head(f"explorer, {events:,} events, PostgreSQL", "median / p95, ms", "target")
    for name, person in readers.items():
        caller = visitors.with_session(f"http://127.0.0.1:{port}", person)
        _tell(f"{name}: slowest filter", [_times(caller, word, ONE[word]) for word in ONE])
        pairs = [(one, other) for one, other in combinations(PAIRED, 2) if not ONE[one].keys() & ONE[other].keys()]
        _tell(f"{name}: slowest pair", [_times(caller, f"{a}, {b}", ONE[a] | ONE[b]) for a, b in pairs])


def _times(caller: Caller, name: str, filters: dict) -> tuple[str, Times]:
    path = f"/audit/?{urlencode(filters, doseq=True)}"
    return name, in_turns(lambda: caller.get(path), turns=TURNS)[0]


def _tell(title: str, measured: list[tuple[str, Times]]) -> None:
    """Say the slowest of all, and which ones missed."""
    name, slowest = max(measured, key=lambda one: one[1].p95)
    say(f"{title} of {len(measured)} ({name})", str(slowest), verdict(slowest.p95 <= MOST_MS, f"p95 ≤ {MOST_MS} ms"))
    for other, times in measured:
        if times.p95 > MOST_MS and other != name:
            say(f"— also {other}", str(times), "")


def _register() -> None:
    """Models of the mirror with the numbers that the events name."""
    now = timezone.now()
    RegisteredModel.objects.bulk_create(
        RegisteredModel(id=number, name=f"model-{number:05}", created_at=now, updated_at=now)
        for number in range(1, MODELS + 1)
    )


def _fill(events: int) -> None:
    """Write the events without indexes, which are then made at once."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT indexname, indexdef FROM pg_indexes WHERE tablename = 'audit_auditevent'")
        indexes = [row for row in cursor.fetchall() if not row[0].endswith("_pkey")]
        for name, _definition in indexes:
            cursor.execute(f'DROP INDEX "{name}"')
    trail.fill(events, models=MODELS)
    with connection.cursor() as cursor:
        cursor.execute("SET maintenance_work_mem = '1GB'")
        for _name, definition in indexes:
            cursor.execute(definition)
        cursor.execute("VACUUM ANALYZE audit_auditevent")
