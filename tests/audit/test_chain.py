from datetime import UTC, datetime
from types import SimpleNamespace

import pytest

from apps.audit import chain


def events(count: int) -> list[SimpleNamespace]:
    made, previous = [], chain.FIRST_HASH
    for number in range(1, count + 1):
        event = SimpleNamespace(**dict.fromkeys(chain.FIELDS, ""), at=datetime(2026, 1, number, tzinfo=UTC))
        event.id, event.previous_hash = number, previous
        event.hash = previous = chain.event_hash(previous, chain.event_content(event))
        made.append(event)
    return made


def test_verify_follows_a_whole_chain():
    made = events(3)
    assert chain.verify(made) == chain.Verified(3, made[-1].hash, None)


def test_verify_of_nothing_ends_at_the_first_hash():
    assert chain.verify([], head=(0, "")) == chain.Verified(0, chain.FIRST_HASH, None)


@pytest.mark.parametrize("field", [*chain.FIELDS[1:], "at"])
def test_verify_names_the_event_whose_field_was_changed(field):
    made = events(3)
    setattr(made[1], field, datetime(2025, 1, 1, tzinfo=UTC) if field == "at" else "changed")
    assert chain.first_misfit(made).startswith("Event 2 was changed")


def test_verify_names_a_removed_event():
    made = events(3)
    assert chain.first_misfit([made[0], made[2]]) == "Event 2 is missing: event 3 stands in its place."


def test_verify_names_an_event_sealed_anew_without_its_followers():
    made = events(3)
    made[1].actor = "eve"
    made[1].hash = chain.event_hash(made[1].previous_hash, chain.event_content(made[1]))
    assert chain.first_misfit(made).startswith("Event 3 does not follow event 2")


def test_verify_notices_that_the_end_is_missing():
    made = events(3)
    assert chain.verify(made[:2], head=(3, made[2].hash)).misfit == "Event 3 is missing: the chain had reached event 3."


def test_verify_notices_an_end_that_was_written_anew():
    assert chain.verify(events(2), head=(2, "0" * 64)).misfit.startswith("Event 2 is not the one")


def test_storable_refuses_what_json_does_not_have():
    with pytest.raises(ValueError, match="not JSON compliant"):
        chain.storable({"accuracy": float("nan")})
