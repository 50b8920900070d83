"""Searching the trail: the same rows whatever the windows, in bounded time, within what a person may read."""

from itertools import combinations

import pytest
from django.db import connection, transaction

from apps.audit import context, queries, searching
from apps.audit.actions import Action, Outcome, Source
from apps.audit.bounded import TookTooLongError, at_most
from apps.audit.explaining import excluding
from apps.audit.filters import Chip
from apps.audit.models import AuditEvent
from apps.audit.searching import any_fits, search
from apps.audit.services import Actor, Entry, Target, record_all
from tests.builders import make_model

ACTORS, ACTIONS = ("alice", "bob", "system:sync"), (Action.MODEL_CHANGED, Action.REQUEST_OPENED, Action.VIEW_SAVED)
FILTERS = {
    "actor": "bob",
    "action": ["request.opened", "view.saved"],
    "outcome": "refused",
    "source": "api",
    "target_type": "model",
    "target": "CHURN-3",
    "address": "10.0.0.2",
    "request_id": "r-7",
}


@pytest.fixture
def trail(db) -> list[AuditEvent]:
    """Sixty events of every kind, on two models and on none."""
    models = [make_model("churn").pk, make_model("fraud").pk, None]
    with transaction.atomic():
        for number in range(60):
            with context.came_through(context.Origin(Source.API, f"r-{number % 20}", f"10.0.0.{number % 5}")):
                record_all([_entry(number, models)])
    return list(AuditEvent.objects.order_by("-id"))


def _entry(number: int, models: list[int | None]) -> Entry:
    kind = ("model", "request", "view")[number % 7 % 3]
    return Entry(
        ACTIONS[number % 3], Actor(ACTORS[number % 4 % 3]), Target(kind, f"churn-{number % 11}", models[number % 3]),
        outcome=Outcome.REFUSED if number % 9 == 0 else Outcome.DONE, source=None if number % 2 else Source.PAGE,
    )  # fmt: skip


def test_windows_grow_until_one_takes_too_long_and_then_stay_smaller():
    windows, seen = searching.Windows(1, 3_000_000, 60, upwards=False), []
    while window := windows.next():
        seen.append(window[1] - window[0])
        if seen[-1] > 100_000:
            windows.shrink()
        else:
            windows.grow()
    assert seen[:5] == [4096, 65_536, 1_048_576, 65_536, 65_536]
    assert sum(seen) - 1_048_576 == 2_999_999


def test_windows_end_with_the_time():
    windows = searching.Windows(1, 3_000_000, 0, upwards=True)
    assert (windows.next(), windows.next()) == ((1, 4097), None)


def test_the_database_gives_up_on_what_takes_too_long(db):
    endless = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 100000000) SELECT MAX(i) FROM n"
    with pytest.raises(TookTooLongError), at_most(0.05), connection.cursor() as cursor:
        cursor.execute(endless)
    with at_most(30), connection.cursor() as cursor:
        cursor.execute("SELECT 1")
        assert cursor.fetchone() == (1,)


@pytest.fixture
def small_windows(monkeypatch) -> None:
    monkeypatch.setattr(searching, "FIRST_WINDOW", 7)
    monkeypatch.setattr(searching, "GROWTH", 1)


def numbers(events) -> list[int]:
    return [event.pk for event in events]


def test_every_pair_of_filters_finds_what_a_plain_query_finds(trail, admin, small_windows):
    wrong = {}
    for pair in [(name,) for name in FILTERS] + list(combinations(FILTERS, 2)):
        values = {name: FILTERS[name] for name in pair}
        plain = numbers(queries.filtered(queries.visible_events(admin), values)[:50])
        if (found := numbers(search(admin, values, seconds=60).events)) != plain:
            wrong[pair] = (found, plain)
    assert wrong == {}


@pytest.mark.parametrize("reader", ["admin", "charlie", "alice"])
def test_pages_go_through_everything_that_a_person_may_read_and_back(trail, reader, request, small_windows):
    person = request.getfixturevalue(reader)
    plain, seen, back, before, after = numbers(queries.visible_events(person)), [], [], None, 0
    while before is not None or not seen:
        found = search(person, {}, before=before, rows=7, seconds=60)
        seen, before = seen + numbers(found.events), found.older
    while after is not None:
        found = search(person, {}, after=after, rows=7, seconds=60)
        back, after = numbers(found.events) + back, found.newer
    assert (seen, back) == (plain, plain)


def test_events_that_arrive_meanwhile_move_no_page(trail, admin):
    first = search(admin, {}, rows=10)
    with transaction.atomic():
        record_all([_entry(number, [None] * 3) for number in range(5)])
    second = search(admin, {}, rows=10, before=first.older)
    assert numbers(first.events) + numbers(second.events) == list(range(60, 40, -1))


def test_a_search_whose_time_is_used_up_says_how_far_it_looked_and_goes_on_from_there(trail, admin, small_windows):
    found, steps = [], 0
    before: int | None = None
    while before is not None or steps == 0:
        page = search(admin, {"request_id": "r-7"}, before=before, seconds=0)
        found, before, steps = found + numbers(page.events), page.older, steps + 1
    assert found == [48, 28, 8]
    assert steps == 9  # one window of seven numbers each


def test_looking_upwards_goes_on_likewise(trail, admin, small_windows):
    page = search(admin, {"request_id": "r-7"}, after=0, seconds=0)
    assert (page.events, page.looked_to, page.newer) == ([], 7, 7)


def test_nothing_is_known_of_what_was_not_looked_at(trail, admin, small_windows):
    assert any_fits(admin, {"actor": "nobody"}, seconds=0) is None
    assert any_fits(admin, {"actor": "nobody"}, seconds=60) is False
    assert any_fits(admin, {"actor": "bob"}, seconds=60) is True


def test_a_stranger_finds_nothing_but_what_they_did(trail, mallory):
    assert search(mallory, {}).events == []


def test_a_filter_that_nothing_fits_is_named_alone(trail, admin):
    assert _excluding(admin, actor="nobody", outcome="refused") == [("actor", True)]


def test_filters_that_exclude_each_other_are_named_together(trail, admin):
    found = _excluding(admin, request_id="r-7", actor="bob", target="churn")
    assert found == [("request_id", False), ("actor", False)]


def _excluding(person, **values) -> list[tuple[str, bool]]:
    from time import monotonic

    chips = [Chip(name, str(value), name, str(value), "") for name, value in values.items()]
    return [(fault.chip.name, fault.alone) for fault in excluding(person, values, chips, began=monotonic())]
