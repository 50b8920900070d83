"""The registry's part of the API."""

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from apps.accounts import grants
from apps.accounts.models import User
from apps.accounts.roles import VIEWER
from apps.audit.models import AuditEvent
from apps.jobs.models import Job
from apps.registry.models import RegisteredModel
from tests.registry.rows import model, version


@pytest.fixture
def as_charlie(charlie: User) -> Client:
    client = Client()
    client.force_login(charlie)
    return client


def names(answer) -> list[str]:
    return [row["name"] for row in answer.json()["results"]]


@pytest.mark.parametrize("address", ["/api/v1/models/", "/api/v1/models/churn/"])
def test_model_is_shown_with_its_summary_in_the_list_and_alone(as_charlie, address):
    churn = model(description="Who leaves", tags={"team": "growth", "risk": "high"}, open_requests=1, open_drift=2)
    version(churn, 1, "champion", stage="Production", stage_since=churn.created_at)
    version(churn, 2)
    answer = as_charlie.get(address).json()
    row = answer["results"][0] if "results" in answer else answer
    assert row == {
        "name": "churn", "connection": "default", "reference": "churn",
        "description": "Who leaves", "tags": {"team": "growth", "risk": "high"}, "aliases": {"champion": 1},
        "owner": "growth", "risk": "high", "framework": "", "version_count": 2, "newest_version": 2,
        "newest_stage": "None", "production_version": 1, "production_since": "2026-01-01T00:00:00Z",
        "candidate_version": 2, "open_requests": 1, "open_drift": 2, "sync_state": "reading",
        "created_at": "2026-01-01T00:00:00Z", "updated_at": "2026-01-01T00:00:00Z", "deleted_at": None,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ({}, ["a", "b"]),
        ({"ordering": "-name"}, ["b", "a"]),
        ({"q": "GROWTH"}, ["a"]),
        ({"stage": ["Production", "Staging"], "tag": "team"}, []),
        ({"owner": ["growth", "nobody"]}, ["a"]),
        ({"no": "owner", "ordering": "-production_since"}, ["b"]),
        ({"deleted": "only"}, ["gone"]),
        ({"stage": "Production"}, ["b"]),
        ({"alias": "champion"}, ["b"]),
        ({"tag": "team"}, ["a"]),
        ({"tag": "team=growth"}, ["a"]),
        ({"tag": "team=other"}, []),
        ({"deleted": "true"}, ["a", "b", "gone"]),
    ],
)
def test_model_list_filters(as_charlie, query, expected):
    model("a", tags={"team": "growth"})
    version(model("b"), 1, "champion", stage="Production")
    model("gone", deleted_at=timezone.now())
    model("prompt", kind="prompt")
    assert names(as_charlie.get("/api/v1/models/", query)) == expected


@pytest.mark.parametrize(
    ("path", "query", "field"),
    [
        ("models/", {"colour": "red"}, "colour"),
        ("models/", {"stage": "Prod"}, "stage"),
        ("models/", {"ordering": "size"}, "ordering"),
        ("models/", {"q": "a\0"}, "q"),
        ("models/", {"page": "x"}, "page"),
        ("models/", {"cursor": "x"}, "cursor"),
        ("models/", {"page_size": "1001"}, "page_size"),
        ("models/", {"counts": "on"}, "counts"),
        ("facets/", {"ordering": "name"}, "ordering"),
        ("facets/", {"more": "colour"}, "more"),
        ("facets/", {"owner": "a\0"}, "owner"),
        ("views/", {"x": "1"}, "x"),
        ("models/churn/", {"q": "a"}, "q"),
        ("models/churn/versions/", {"ordering": "stage"}, "ordering"),
        ("compare/", {"base": "churn@1"}, "candidate"),
        ("compare/", {"base": "churn@1", "candidate": "churn"}, "candidate"),
        ("compare/", {"base": "churn@99999999999", "candidate": "churn@1"}, "base"),
        ("sync/", {"now": "1"}, "now"),
    ],
)
def test_a_bad_parameter_is_named(as_charlie, path, query, field):
    model()
    answer = as_charlie.get(f"/api/v1/{path}", query)
    assert (answer.status_code, [row["field"] for row in answer.json()["errors"]]) == (400, [field])


@pytest.mark.parametrize("name", ["a/b", "it's", 'say "hi"', "100%", "<script>", "モデル", "..", "~2F", "x" * 250])
def test_a_model_of_any_name_has_an_address(as_charlie, name):
    version(model(name))
    address = reverse("api:version-detail", args=[name, 1])
    assert as_charlie.get(address).json()["model"] == name


def test_version_detail_shows_what_run_and_mlmodel_say(as_charlie):
    version(
        model(), 1, "champion",
        metrics={"auc": 0.9}, params={"C": "1"}, run={"user": "ann"}, signature={"inputs": []}, requirements=["a==1"],
        datasets=[{"name": "train"}],
    )  # fmt: skip
    row = as_charlie.get("/api/v1/models/churn/versions/1/").json()
    wanted = ("metrics", "params", "run", "signature", "requirements", "datasets", "aliases")
    assert [row[name] for name in wanted] == [
        {"auc": 0.9}, {"C": "1"}, {"user": "ann"}, {"inputs": []}, ["a==1"], [{"name": "train"}], ["champion"],
    ]  # fmt: skip


def test_version_list_filters_by_stage_and_alias(as_charlie):
    churn = model()
    version(churn, 1, "champion", stage="Production")
    version(churn, 2)
    assert [row["version"] for row in as_charlie.get("/api/v1/models/churn/versions/").json()["results"]] == [2, 1]
    for query in ({"stage": "Production"}, {"alias": "champion"}):
        rows = as_charlie.get("/api/v1/models/churn/versions/", query).json()["results"]
        assert [row["version"] for row in rows] == [1]


def test_compare_tells_deltas(as_charlie):
    churn = model()
    version(churn, 1, metrics={"accuracy": 0.5})
    version(churn, 2, metrics={"accuracy": 0.6})
    answer = as_charlie.get("/api/v1/compare/", {"base": "churn@1", "candidate": "churn@2"}).json()
    assert answer["metrics"][0] == {
        "name": "accuracy", "base": 0.5, "candidate": 0.6, "delta": pytest.approx(0.1), "percent": pytest.approx(20),
        "direction": "higher", "verdict": "better", "values": [0.5, 0.6],
        "differences": [{"delta": pytest.approx(0.1), "percent": pytest.approx(20), "verdict": "better"}],
    }  # fmt: skip


@pytest.mark.parametrize("path", ["models/churn/", "models/churn/versions/", "models/churn/versions/1/"])
def test_a_stranger_finds_nothing(mallory, path):
    version(model())
    client = Client()
    client.force_login(mallory)
    assert client.get(f"/api/v1/{path}").status_code == 404
    assert names(client.get("/api/v1/models/")) == []
    query = {"base": "churn@1", "candidate": "churn@1"}
    assert client.get("/api/v1/compare/", query).status_code == 404


def test_a_grant_on_one_model_shows_that_one(mallory):
    from django.contrib.auth.models import Group

    model("other")
    group = Group.objects.create(name="readers of churn")
    grants.set_role(group, [VIEWER], model("churn"), model_class=RegisteredModel)
    mallory.groups.add(group)
    client = Client()
    client.force_login(mallory)
    assert names(client.get("/api/v1/models/")) == ["churn"]


def test_sync_is_for_admins_and_both_answers_are_audited(as_charlie, admin):
    assert as_charlie.post("/api/v1/sync/", content_type="application/json").status_code == 403
    client = Client()
    client.force_login(admin)
    first, second = (client.post("/api/v1/sync/", content_type="application/json") for _ in range(2))
    assert (first.status_code, first.json()) == (202, second.json())
    assert Job.objects.filter(kind="registry.sync").count() == 1
    assert list(AuditEvent.objects.order_by("id").values_list("action", "outcome", "actor")) == [
        ("sync.requested", "refused", "charlie"),
        ("sync.requested", "done", "admin"),
        ("sync.requested", "done", "admin"),
    ]


def test_sync_status_before_the_first_sync(as_charlie):
    assert as_charlie.get("/api/v1/sync/").json() == {
        "last_success": None, "failing_since": None, "last_error": "", "running": False, "connections": [],
    }  # fmt: skip


def queries_for(client: Client, path: str) -> int:
    with CaptureQueriesContext(connection) as captured:
        assert client.get(path, {"page_size": "200"}).status_code == 200
    return len(captured)


def test_lists_need_the_same_number_of_queries_at_1_10_and_100_rows(as_charlie):
    counts = []
    for total in (1, 10, 100):
        while RegisteredModel.objects.count() < total:
            row = model(f"model {RegisteredModel.objects.count()}")
            version(row, 1, "champion", stage="Production")
        first = RegisteredModel.objects.earliest("pk")
        for number in range(first.versions.count() + 1, total + 1):
            version(first, number, f"alias{number}")
        counts.append(
            (queries_for(as_charlie, "/api/v1/models/"), queries_for(as_charlie, "/api/v1/models/model%200/versions/"))
        )
    assert counts == [counts[0]] * 3
