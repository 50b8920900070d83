"""Whatever the trail is asked for, what is rare is found through an index of its own, never by reading the trail.

The planner decides as it would in service: twenty thousand events are there and analysed, nothing is forbidden to it.
"""

import re

import pytest
from django.db import connection

from apps.accounts.models import User
from apps.audit import filters, moments, queries, searching
from tests import trail
from tests.builders import make_model

EVENTS = 20_000
OWN_INDEX = re.compile(r"audit_by_\w+|audit_target_by_trigrams")
NEVER = {  # each, and each pair, fits nothing; the two halves of a pair fit thousands
    "an actor": {"actor": "nobody"},
    "an action": {"action": ["freeze.lifted"]},
    "actions": {"action": ["freeze.lifted", "waiver.revoked"]},
    "an event type": {"event_type": "model_deleted"},
    "an outcome": {"outcome": "nothing"},
    "a source": {"source": "gateway"},
    "an object type": {"target_type": "webhook"},
    "an address": {"address": "192.0.2.1"},
    "a request id": {"request_id": "none"},
    "a model": {"model_id": 77_777},
    "an actor's action": {"actor": "user0", "action": ["version.changed"]},
    "a model's action": {"model_id": 1, "action": ["session.started"]},
    "a model's actor": {"model_id": 1, "actor": "system:none"},
    "a rare person's outcome": {"actor": "user77", "outcome": "refused"},
}


@pytest.fixture
def long_trail(db) -> None:
    trail.fill(EVENTS, models=50)
    make_model("one")


def plan(part, values) -> str:
    """How the database looks for it in one look over the whole trail."""
    windows = searching.Windows(1, EVENTS + 1, seconds=1, upwards=False)
    asked: list[tuple] = []

    def note(execute, sql, params, many, context):
        asked.append((sql, params))
        return execute(sql, params, many, context)

    with connection.execute_wrapper(note):
        searching._look([part & filters.alternatives(values)[0]], 1, EVENTS + 1, 51, windows)
    explain = "EXPLAIN" if connection.vendor == "postgresql" else "EXPLAIN QUERY PLAN"
    with connection.cursor() as cursor:
        cursor.execute(f"{explain} {asked[0][0]}", asked[0][1])
        return "\n".join(str(row[-1]) for row in cursor.fetchall())


@pytest.mark.parametrize("reader", ["admin", "charlie"])
def test_what_is_rare_is_found_through_its_own_index(long_trail, reader, request):
    parts = queries.readable(User.objects.get(pk=request.getfixturevalue(reader).pk))
    plans = {(name, n): plan(part, values) for name, values in NEVER.items() for n, part in enumerate(parts)}
    assert {name: text for name, text in plans.items() if not OWN_INDEX.search(text)} == {}


def test_text_in_a_name_is_found_through_groups_of_letters(long_trail, admin):
    """SQLite has no index for a text's middle: there the window alone bounds what is read."""
    index = "audit_target_by_trigrams" if connection.vendor == "postgresql" else "(id>? AND id<?)"
    assert index in plan(queries.readable(admin)[0], {"target": "nowhere to be found"})


def test_a_time_is_found_in_one_query_by_halving(long_trail, django_assert_num_queries):
    since = moments.time_of(15_000)
    with django_assert_num_queries(1):
        first, after = moments.numbers_within(since, None)
    assert (15_000 - first, after) == (3600 // trail.SECONDS, None)


def test_a_plan_that_reads_the_trail_would_be_noticed(long_trail, admin):
    assert OWN_INDEX.search(plan(queries.readable(admin)[0], {})) is None
