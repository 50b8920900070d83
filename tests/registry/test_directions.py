"""Which way metrics are better: who may say it, what it changes, and what is still to be said."""

import pytest
from django.test import Client

from apps.approvals import checks
from apps.audit.models import AuditEvent
from apps.errors import InvalidInput, NotAllowed
from apps.registry import directions
from apps.registry.models import MetricDirection
from tests.builders import make_model, make_version
from tests.registry.test_views import text_of

API = "/api/v1/metric-directions/"


@pytest.fixture
def as_admin(admin) -> Client:
    client = Client()
    client.force_login(admin)
    return client


def said() -> dict[str, str]:
    return dict(MetricDirection.objects.values_list("metric", "direction"))


def events() -> list[tuple]:
    rows = AuditEvent.objects.filter(action="metric.direction_set").order_by("id")
    return [(row.outcome, row.actor, row.target, row.data.get("before"), row.data.get("after")) for row in rows]


def test_a_direction_is_set_changed_and_removed_and_the_trail_says_so(admin):
    for direction in ("higher", "lower", None):
        directions.set_direction("epochs", direction, by=admin)
    assert said() == {}
    assert events() == [
        ("done", "admin", "epochs", {"direction": None}, {"direction": "higher"}),
        ("done", "admin", "epochs", {"direction": "higher"}, {"direction": "lower"}),
        ("done", "admin", "epochs", {"direction": "lower"}, {"direction": None}),
    ]


def test_only_an_admin_may_say_it(bob):
    with pytest.raises(NotAllowed):
        directions.set_direction("epochs", "higher", by=bob)
    assert (said(), [row[:2] for row in events()]) == ({}, [("refused", "bob")])


@pytest.mark.parametrize(
    ("metric", "direction", "field"),
    [("", "higher", "metric"), (" ", "higher", "metric"), ("a\0", "higher", "metric"), ("x" * 251, "higher", "metric"),
     ("epochs", "sideways", "direction"), ("epochs", "", "direction")],
)  # fmt: skip
def test_what_cannot_be_said_is_refused_by_name(admin, metric, direction, field):
    with pytest.raises(InvalidInput) as caught:
        directions.set_direction(metric, direction, by=admin)
    assert (caught.value.field, said()) == (field, {})


def test_what_was_said_is_loaded_in_one_query(db, django_assert_num_queries):
    MetricDirection.objects.create(metric="accuracy", direction="lower", set_by="admin")
    with django_assert_num_queries(1):
        known = directions.load()
    assert [known.of(name) for name in ("accuracy", "auc", "epochs")] == ["lower", "higher", None]


def test_a_direction_decides_the_check_of_metrics(admin):
    model = make_model()
    make_version(model, 1, stage="Production", metrics={"epochs": 1})
    candidate = make_version(model, 2, metrics={"epochs": 2})
    outcomes = []
    for direction in (None, "higher", "lower"):
        directions.set_direction("epochs", direction, by=admin)
        outcomes.append({row.name: row.outcome for row in checks.run(candidate, "Production")}["metrics"])
    assert outcomes == ["not_applicable", "pass", "fail"]


def test_metrics_without_a_direction_are_listed_by_how_many_versions_have_them(charlie):
    model = make_model()
    make_version(model, 1, metrics={"epochs": 1, "accuracy": 1})
    make_version(model, 2, metrics={"epochs": 2, "rows": 5})
    assert directions.without_direction(charlie, directions.load()) == [("epochs", 2), ("rows", 1)]


def test_metrics_of_models_that_may_not_be_seen_are_not_listed(mallory):
    make_version(make_model(), 1, metrics={"epochs": 1})
    assert directions.without_direction(mallory, directions.load()) == []


def test_only_the_newest_versions_are_looked_through(charlie, monkeypatch):
    monkeypatch.setattr(directions, "NEWEST", 1)
    model = make_model()
    make_version(model, 1, metrics={"old": 1})
    make_version(model, 2, metrics={"new": 1})
    assert directions.without_direction(charlie, directions.load()) == [("new", 1)]


def test_the_page_sets_a_direction_with_one_click(as_admin):
    make_version(make_model(), 1, metrics={"epochs": 1})
    assert "epochs 1 Higher is better" in text_of(as_admin.get("/metrics/"))
    page = as_admin.post("/metrics/", {"metric": "epochs", "direction": "lower"}, follow=True)
    assert ("From now on, less of “epochs” is better." in text_of(page), said()) == (True, {"epochs": "lower"})


def test_the_page_leaves_a_metric_to_its_words_again(as_admin, admin):
    directions.set_direction("accuracy", "lower", by=admin)
    as_admin.post("/metrics/", {"metric": "accuracy", "direction": "words"})
    assert said() == {}


@pytest.mark.parametrize("payload", [{"metric": "", "direction": "lower"}, {"metric": "epochs"},
                                     {"metric": "a\0", "direction": "lower"}])  # fmt: skip
def test_the_page_says_what_is_missing(as_admin, payload):
    page = as_admin.post("/metrics/", payload)
    assert (page.status_code, "This was not saved" in text_of(page)) == (400, True)


def test_the_page_takes_the_metric_from_its_address(as_admin):
    assert 'value="val/epochs"' in as_admin.get("/metrics/?metric=val/epochs").content.decode()


def test_readers_see_the_directions_without_the_form(client, charlie, admin):
    directions.set_direction("epochs", "higher", by=admin)
    client.force_login(charlie)
    page = client.get("/metrics/")
    assert ("epochs Higher is better" in text_of(page), "<form" in page.content.decode().split("<main")[1]) == (
        True,
        False,
    )


def test_the_api_sets_lists_and_removes(as_admin):
    sent = [as_admin.post(API, {"metric": "epochs", "direction": way}, "application/json") for way in ("lower", None)]
    assert [answer.status_code for answer in sent] == [200, 204]
    as_admin.post(API, {"metric": "rows", "direction": "higher"}, "application/json")
    listed = as_admin.get(API).json()["results"]
    assert [(row["metric"], row["direction"], row["set_by"]) for row in listed] == [("rows", "higher", "admin")]


@pytest.mark.parametrize(
    ("body", "field"),
    [({"direction": "lower"}, "metric"), ({"metric": "a"}, "direction"), ({"metric": "a", "direction": "up"},
     "direction"), ({"metric": "a\0", "direction": None}, "metric"), ({"metric": "a", "direction": None, "x": 1}, "x")],
)  # fmt: skip
def test_the_api_names_the_malformed_field(as_admin, body, field):
    answer = as_admin.post(API, body, "application/json")
    assert (answer.status_code, [row["field"] for row in answer.json()["errors"]]) == (400, [field])
