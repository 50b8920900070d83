"""The matrix as a page, as files and over the API: who sees what, filters, counts, moments."""

import csv
import io
import json

import pytest
from django.contrib.auth.models import Group
from django.core.cache import cache
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from apps.accounts import grants
from apps.accounts.roles import VIEWER
from apps.accounts.services import create_token
from apps.compliance.controls.configuring import configure
from apps.compliance.controls.outcomes import Outcome
from apps.compliance.controls.table import CONTROLS
from apps.compliance.matrix import queries
from apps.compliance.matrix.queries import Wanted
from apps.registry.models import RegisteredModel
from tests.builders import make_model
from tests.compliance.conftest import at, mirror


def signed_in(person) -> Client:
    client = Client()
    client.force_login(person)
    return client


def grant(person, model) -> None:
    group = Group.objects.create(name="watchers")
    grants.set_role(group, [VIEWER], model, model_class=RegisteredModel)
    person.groups.add(group)


def names(user, **wanted) -> list[str]:
    return [row.model.name for row in queries.page_of(user, Wanted(**wanted), timezone.now(), 50).rows]


def test_matrix_lists_the_models_that_the_person_may_see(churn, reader):
    make_model("secret")
    grant(reader, churn)
    assert names(reader) == ["churn"]


def test_counts_count_what_the_person_may_see(churn, reader):
    make_model("secret")
    grant(reader, churn)
    found = queries.counts(reader, Wanted(control="approval"), timezone.now())
    assert (found.models, [dict(counter) for _column, counter in found.of]) == (1, [{"met": 1}])


def test_counts_of_many_models_wait_to_be_asked_for(churn, charlie, monkeypatch):
    monkeypatch.setattr(queries, "MOST_COUNTED", 0)
    now = timezone.now()
    unasked, asked = queries.counts(charlie, Wanted(), now), queries.counts(charlie, Wanted(), now, asked=True)
    assert (unasked, asked.models, len(asked.of)) == (queries.Counts(1, None), 1, len(CONTROLS))


COUNTS = "/api/v1/compliance/counts/?control=events"


@pytest.fixture
def many(monkeypatch, settings):
    """Any number of models is many, and answers are kept."""
    monkeypatch.setattr(queries, "MOST_COUNTED", 0)
    settings.COMPLIANCE_COUNTS_SECONDS = 60
    cache.clear()
    yield
    cache.clear()


def test_counts_of_many_models_serve_a_person_for_a_minute_and_say_since_when(many, charlie):
    idle = make_model("idle")
    first = signed_in(charlie).get(COUNTS).json()
    RegisteredModel.objects.filter(pk=idle.pk).update(risk="high")
    with CaptureQueriesContext(connection) as asked:
        second = signed_in(charlie).get(COUNTS).json()
    assert (first, len([row for row in asked if "placement" in row["sql"]])) == (second, 0)


def test_counts_that_are_kept_are_nobody_elses(many, churn, charlie, reader):
    make_model("secret")
    grant(reader, churn)
    counted = [sum(signed_in(user).get(COUNTS).json()[0][name] for name in Outcome) for user in (charlie, reader)]
    assert counted == [2, 1]


def test_counts_that_are_kept_are_not_those_of_a_token_for_one_model(many, churn, charlie):
    make_model("secret")
    token = create_token("ci", by=charlie, models=["churn"]).text
    whole = signed_in(charlie).get(COUNTS).json()
    narrow = Client().get(COUNTS, headers={"Authorization": f"Bearer {token}"}).json()
    assert [sum(rows[0][name] for name in Outcome) for rows in (whole, narrow)] == [2, 1]


def test_a_model_that_is_out_of_sight_by_now_is_not_counted(many, churn, reader):
    grant(reader, churn)
    before = signed_in(reader).get(COUNTS).json()[0]
    reader.groups.clear()
    after = signed_in(reader).get(COUNTS).json()[0]
    assert [sum(row[name] for name in Outcome) for row in (before, after)] == [1, 0]


def test_a_control_that_is_set_anew_is_counted_anew(many, churn, charlie, admin):
    before = signed_in(charlie).get(COUNTS).json()
    configure("events", by=admin, enabled=True, severity="low", tiers=["high"], reason="Only those.", seen=0)
    after = signed_in(charlie).get(COUNTS).json()
    assert (before[0]["not_applicable"], after[0]["not_applicable"]) == (0, 1)


@pytest.mark.parametrize("extension", ["csv", "json"])
def test_a_file_is_sent_while_later_models_are_not_judged_yet(charlie, db, monkeypatch, extension):
    for number in range(6):
        make_model(f"m{number}")
    monkeypatch.setattr(queries, "AT_ONCE", 2)
    parts = iter(signed_in(charlie).get(f"/compliance/export.{extension}").streaming_content)
    next(parts)  # the head
    with CaptureQueriesContext(connection) as first:
        next(parts)
    with CaptureQueriesContext(connection) as rest:
        sent = list(parts)
    judged = [sum("approvals_driftfinding" in row["sql"] for row in asked) for asked in (first, rest)]
    assert (len(sent) - (extension == "json"), judged) == (2, [1, 2])


def test_a_list_of_one_outcome_holds_the_models_that_stand_so(churn, charlie):
    make_model("idle")
    met, idle = names(charlie, control="approval", outcome="met"), names(charlie, outcome="not_met")
    assert (met, idle) == (["churn"], ["idle"])


def test_a_list_of_one_outcome_goes_on_where_it_stopped(charlie, db, monkeypatch):
    for name in "abcde":
        make_model(name)
    monkeypatch.setattr(queries, "AT_ONCE", 2)
    wanted, now = Wanted(control="events", outcome="not_met"), timezone.now()
    first = queries.page_of(charlie, wanted, now, 2)
    second = queries.page_of(charlie, wanted, now, 2, first.next)
    last = queries.page_of(charlie, wanted, now, 2, second.next)
    found = [[row.model.name for row in page.rows] for page in (first, second, last)]
    assert (found, last.next) == ([["a", "b"], ["c", "d"], ["e"]], "")


def test_a_list_of_one_outcome_stops_after_enough_models(charlie, db, monkeypatch):
    for name in "abcde":
        make_model(name)
    monkeypatch.setattr(queries, "AT_ONCE", 2)
    monkeypatch.setattr(queries, "MOST_LOOKED_AT", 4)
    page = queries.page_of(charlie, Wanted(control="events", outcome="met"), timezone.now(), 2)
    assert (page.rows, page.looked_at, bool(page.next)) == ([], 4, True)


def test_pages_go_by_name_both_ways(charlie, db):
    for name in "abc":
        make_model(name)
    first = queries.page_of(charlie, Wanted(), timezone.now(), 2)
    second = queries.page_of(charlie, Wanted(), timezone.now(), 2, first.next)
    back = queries.page_of(charlie, Wanted(), timezone.now(), 2, second.previous)
    assert [[row.model.name for row in page.rows] for page in (first, second, back)] == [["a", "b"], ["c"], ["a", "b"]]


def test_matrix_of_a_moment_holds_the_models_of_then(churn, charlie):
    make_model("older")
    RegisteredModel.objects.filter(name="older").update(deleted_at=at(30))
    then = {minute: names(charlie, at=at(minute)) for minute in (-1, 20, 31)}
    assert then == {-1: [], 20: ["churn", "older"], 31: ["churn"]}


def test_filters_narrow_by_text_and_by_tier(churn, charlie):
    RegisteredModel.objects.update(risk="high")
    make_model("other")
    assert (names(charlie, q="hur"), names(charlie, risk="high"), names(charlie, q="none")) == (
        ["churn"],
        ["churn"],
        [],
    )


def test_page_shows_each_finding_with_its_link(churn, asked, charlie):
    mirror(20, {1: "Production", 2: "None"})
    page = signed_in(charlie).get("/compliance/").content.decode()
    assert '<a href="/models/churn/v/1/">Approval</a> No applied request put v1 into Production. Ask for it.' in page


def test_csv_writes_no_formula(charlie, db):
    mirror(1, {1: "Production"})
    RegisteredModel.objects.update(name="=HYPERLINK(1)", risk="+1+1")
    content = b"".join(signed_in(charlie).get("/compliance/export.csv").streaming_content).decode()
    rows = list(csv.DictReader(io.StringIO(content)))
    assert {(row["model"], row["risk"]) for row in rows} == {("'=HYPERLINK(1)", "'+1+1")}


def test_exports_hold_what_the_filtered_list_holds(churn, charlie):
    make_model("idle")
    address = "/compliance/export.json?control=approval&outcome=met"
    found = json.loads(b"".join(signed_in(charlie).get(address).streaming_content))
    assert [(row["model"], row["controls"][0]["outcome"]) for row in found["results"]] == [("churn", "met")]


def test_api_answers_as_the_page_does(churn, asked, charlie):
    found = signed_in(charlie).get("/api/v1/compliance/?control=approval&page_size=1").json()
    assert found["results"] == [
        {
            "model": "churn",
            "risk": "",
            "production": [2],
            "held": False,
            "controls": [
                {
                    "control": "approval",
                    "severity": "high",
                    "outcome": "met",
                    "reason": f"v2 rests on request {asked.pk}, approved by erin.",
                    "link": f"/requests/{asked.pk}/",
                }
            ],
        }
    ]


def test_api_counts_per_control(churn, charlie):
    found = signed_in(charlie).get("/api/v1/compliance/counts/?control=approval").json()
    assert found[0].pop("judged_at") is not None
    assert found == [{"control": "approval", "met": 1, "not_met": 0, "unknown": 0, "not_applicable": 0}]


@pytest.mark.parametrize(
    ("query", "field"),
    [("at=tomorrow", "at"), ("outcome=good", "outcome"), ("cursor=x", "cursor"), ("contrl=x", "contrl")],
)
def test_api_names_the_parameter_at_fault(charlie, query, field):
    answer = signed_in(charlie).get(f"/api/v1/compliance/?{query}")
    assert (answer.status_code, [error["field"] for error in answer.json()["errors"]]) == (400, [field])


@pytest.mark.parametrize("query", ["date=tomorrow", "outcome=good", "control=none", "cursor=x", "date=2999-01-01"])
def test_page_refuses_what_it_cannot_read(charlie, query):
    assert signed_in(charlie).get(f"/compliance/?{query}").status_code == 400


def test_null_characters_in_a_search_find_nothing_bad(charlie, churn):
    answers = [signed_in(charlie).get(f"{path}?q=%00") for path in ("/compliance/", "/api/v1/compliance/")]
    assert [answer.status_code < 500 for answer in answers] == [True, True]
