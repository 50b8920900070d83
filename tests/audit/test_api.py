from time import monotonic

import pytest
from django.db.models.expressions import RawSQL
from django.test import Client

from apps.audit.actions import Action
from apps.registry.models import RegisteredModel
from tests.audit.test_queries import model, write  # noqa: F401 - model is a fixture

EVENTS = "/api/v1/audit/events/"


def signed_in(user) -> Client:
    client = Client()
    client.force_login(user)
    return client


def test_events_are_listed_newest_first(admin):
    first, second = write(None), write(None)
    body = signed_in(admin).get(EVENTS).json()
    assert (body["count"], [row["id"] for row in body["results"]]) == (2, [second, first])


def test_events_out_of_sight_are_neither_listed_nor_counted(mallory, model):  # noqa: F811
    number = write(model.pk)
    client = signed_in(mallory)
    assert client.get(EVENTS).json()["count"] == 0
    assert client.get(f"{EVENTS}{number}/").status_code == 404


def test_one_event_carries_its_hashes(admin):
    number = write(None, "zoe", reason="because")
    body = signed_in(admin).get(f"{EVENTS}{number}/").json()
    assert (body["actor"], body["reason"], body["previous_hash"]) == ("zoe", "because", "0" * 64)


def test_events_need_somebody(db):
    assert Client().get(EVENTS).status_code == 401


def test_event_with_a_number_beyond_every_number_is_not_found(admin):
    assert signed_in(admin).get(f"{EVENTS}{10**30}/").status_code == 404


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("action=nonsense", "action"),
        ("outcome=maybe", "outcome"),
        ("source=fax", "source"),
        ("since=yesterday", "since"),
        ("until=2026-13-01", "until"),
        ("since=2026-02-01&until=2026-01-01", "until"),
        ("model_id=x", "model_id"),
        ("model_id=99999999999999999999", "model_id"),
        ("actor=%00", "actor"),
        ("target=%00", "target"),
        ("colour=red", "colour"),
        ("model=nowhere", "model"),
        ("before=0", "before"),
        ("after=-1", "after"),
        ("page=x", "page"),
        ("page=9", "page"),
        ("page_size=0", "page_size"),
    ],
)
def test_malformed_filter_is_refused_by_name(admin, query, field):
    answer = signed_in(admin).get(f"{EVENTS}?{query}")
    assert (answer.status_code, [row["field"] for row in answer.json()["errors"]]) == (400, [field])


def test_filters_reach_the_query(admin):
    write(None, "zoe")
    alices = write(None, "alice")
    body = signed_in(admin).get(f"{EVENTS}?actor=alice&target=model&since=2020-01-01").json()
    assert [row["id"] for row in body["results"]] == [alices]


def test_listing_costs_the_same_for_one_event_and_for_many(admin, django_assert_num_queries):
    client, counts = signed_in(admin), []
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    for more in (1, 9, 40):
        for _ in range(more):
            write(None)
        with CaptureQueriesContext(connection) as queries:
            client.get(EVENTS)
        counts.append(len(queries))
    assert len(set(counts)) == 1


def test_pages_are_followed_by_place_in_both_directions(admin):
    numbers = [write(None) for _ in range(5)]
    client = signed_in(admin)
    first = client.get(f"{EVENTS}?page_size=2").json()
    second = client.get(first["next"]).json()
    assert [row["id"] for body in (first, second) for row in body["results"]] == numbers[:0:-1]
    assert (first["count"], first["previous"], first["looked_to"]) == (None, None, None)
    assert client.get(second["previous"]).json()["results"] == first["results"]


def test_a_page_can_still_be_asked_for_by_its_number(admin):
    numbers = [write(None) for _ in range(3)]
    body = signed_in(admin).get(f"{EVENTS}?page=2&page_size=2").json()
    assert (body["count"], [row["id"] for row in body["results"]], body["next"]) == (3, numbers[:1], None)


def endless(_user):
    """Return the numbers of visible models, after minutes."""
    count = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 100000000) SELECT max(i) FROM n"
    return RegisteredModel.objects.filter(pk__gt=RawSQL(count, [])).values("pk")


def test_a_page_by_its_number_is_refused_where_counting_takes_too_long(mallory, settings, model):  # noqa: F811
    write(model.pk)
    settings.AUDIT_VISIBLE_MODEL_IDS = "tests.audit.test_api.endless"
    began = monotonic()
    answer = signed_in(mallory).get(f"{EVENTS}?page=1")
    assert (answer.status_code, [row["field"] for row in answer.json()["errors"]]) == (400, ["page"])
    assert ("follow next" in answer.json()["errors"][0]["message"], monotonic() - began < 5) == (True, True)


def test_the_names_of_the_page_are_those_of_the_api(admin, model):  # noqa: F811
    about, other = write(model.pk), write(None, "bob", Action.VIEW_SAVED)
    client = signed_in(admin)
    for query in ("model=churn", f"model_id={model.pk}", "action=model.changed&action=view.removed&actor=zoe"):
        assert [row["id"] for row in client.get(f"{EVENTS}?{query}").json()["results"]] == [about], query
    for query in ("action=view.saved", "since=1h&actor=bob", "before=9&actor=bob"):
        assert [row["id"] for row in client.get(f"{EVENTS}?{query}").json()["results"]] == [other], query
