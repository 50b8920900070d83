"""The access log: what is noted, how floods stay small, who may read it, and when it ends."""

import base64
import json
from datetime import UTC, datetime, timedelta
from threading import Thread

import pytest
from django.db import OperationalError, connection
from django.http import HttpResponse
from django.test import Client
from django.utils import timezone

from apps.accounts.access_reviews.opening import open_review
from apps.accounts.giving import give_grant
from apps.accounts.tokens import create_token
from apps.approvals import services as approvals
from apps.audit.access import queries, services
from apps.audit.access.parts import tell_refused
from apps.audit.access.services import Asked, note
from apps.audit.actions import AccessOutcome
from apps.audit.context import Origin, came_through
from apps.audit.models import Access, AuditEvent
from apps.audit.tasks import prune_accesses
from apps.registry.models import RegisteredModel
from config.access import AccessMiddleware
from tests.audit.test_views import browser
from tests.builders import make_model, make_policy, make_version

GRANTED, DENIED = AccessOutcome.GRANTED, AccessOutcome.DENIED


def seen(user) -> list[int]:
    return [row.pk for row in queries.visible_accesses(user)]


def deny(person: str = "", what: str = "churn", address: str = "10.0.0.1", **more) -> None:
    with came_through(Origin(address=address)):
        note(DENIED, Asked("GET", "registry:model-detail", what, **more), status=404, person=person)


def owned_by(person) -> RegisteredModel:
    """A model whose tag says that it is theirs."""
    model = make_model(f"of-{person}")
    RegisteredModel.objects.filter(pk=model.pk).update(owner=person.get_username())
    return model


@pytest.fixture
def now(monkeypatch) -> datetime:
    """The middle of a minute, so that no test runs over the end of one."""
    moment = datetime(2026, 5, 1, 12, 0, 30, tzinfo=UTC)
    monkeypatch.setattr(services.timezone, "now", lambda: moment)
    return moment


def test_a_model_out_of_sight_is_noted_with_its_number(mallory):
    model = make_model("churn")
    browser(mallory).get("/models/churn/?token=secret")
    row = Access.objects.get()
    assert (row.outcome, row.status, row.person, row.object, row.model_id) == (
        DENIED,
        404,
        "mallory",
        "churn",
        model.pk,
    )
    assert (row.method, row.route, row.address) == ("GET", "registry:model-detail", "127.0.0.1")
    assert len(row.request_id) == 36
    assert "secret" not in json.dumps(list(Access.objects.values()), default=str)


def test_what_is_not_allowed_is_noted(charlie):
    browser(charlie).post("/sync/run/")
    row = Access.objects.get()
    assert (row.status, row.person, row.route, row.object) == (403, "charlie", "registry:sync-run", "")


def test_a_call_without_sign_in_is_noted_without_a_person(db):
    Client().get("/api/v1/models/")
    row = Access.objects.get()
    assert (row.status, row.person, row.route) == (401, "", "api:model-list")


def test_a_call_by_token_is_noted_with_its_prefix_and_name_and_never_more(charlie):
    made = create_token("laptop", by=charlie)
    Client().get("/api/v1/connections/", headers={"Authorization": f"Bearer {made.text}"})
    row = Access.objects.get()
    assert (row.status, row.person, row.token_prefix, row.token_name) == (403, "charlie", made.token.prefix, "laptop")
    assert made.text not in json.dumps(list(Access.objects.values()), default=str)


def test_addresses_that_there_are_not_are_not_noted(charlie):
    browser(charlie).get("/no/such/page/")
    assert not Access.objects.exists()


def test_a_call_that_is_refused_before_it_reaches_its_address_is_noted(db, rf):
    refuse = AccessMiddleware(lambda request: HttpResponse(status=429))
    refuse(rf.get("/api/v1/models/churn/"))
    refuse(rf.get("/no/such/page/"))
    assert Access.objects.values_list("status", "route", "object").get() == (429, "api:model-detail", "churn")


def test_pages_that_are_read_are_not_noted(charlie):
    make_model("churn")
    browser(charlie).get("/models/churn/")
    assert not Access.objects.exists()


def test_a_download_is_noted_as_granted_with_its_model(charlie):
    model = make_model("churn")
    make_version(model, 1)
    assert browser(charlie).get("/models/churn/v/1/signature.json").status_code == 200
    row = Access.objects.get()
    assert (row.outcome, row.object, row.model_id, row.key) == (GRANTED, "churn v1", model.pk, None)


def test_an_exported_request_is_noted_with_its_model(charlie, alice, bob):
    model = make_model("churn")
    make_policy()
    asked = approvals.open_request(make_version(model, 1).pk, "Production", reason="Better.", by=alice)
    browser(charlie).get(f"/requests/{asked.pk}/export.json")
    row = Access.objects.get()
    assert (row.object, row.model_id) == (f"request {asked.pk}", model.pk)


def test_a_report_about_a_model_in_its_query_is_noted(charlie):
    model = make_model("churn")
    browser(charlie).get("/as-of/?model=churn&secret=x")
    assert Access.objects.values_list("object", "model_id").get() == ("churn", model.pk)


@pytest.mark.parametrize(
    ("path", "route"),
    [
        ("/models/churn/report/", "approvals:model-report"),
        ("/models/churn/report.json", "approvals:model-report-json"),
        ("/models/churn/report.csv", "approvals:model-report-csv"),
        ("/api/v1/models/churn/report/", "api:model-report"),
    ],
)
def test_the_report_of_a_model_is_noted_however_it_is_read(charlie, path, route):
    model = make_model("churn")
    assert browser(charlie).get(path).status_code == 200
    assert rows("outcome", "person", "route", "object", "model_id") == [(GRANTED, "charlie", route, "churn", model.pk)]


def test_nobody_learns_of_a_draft_from_the_log(charlie, alice):
    make_policy()
    version = make_version(make_model("churn"), 1)
    draft = approvals.open_request(version.pk, "Production", reason="", by=alice, draft=True)
    browser(charlie).get(f"/requests/{draft.pk}/")
    assert Access.objects.values_list("object", "model_id").get() == (f"request {draft.pk}", None)


def test_the_same_denial_is_counted_in_one_row_a_minute(db, now, monkeypatch):
    deny(), deny(), deny(what="other")
    assert list(Access.objects.order_by("pk").values_list("object", "count")) == [("churn", 2), ("other", 1)]
    monkeypatch.setattr(services.timezone, "now", lambda: now + timedelta(minutes=1))
    deny()
    assert Access.objects.count() == 3


def test_a_flood_of_denials_from_one_address_stays_a_bounded_number_of_rows(db, now):
    for number in range(500):
        deny(what=f"model {number}")
    assert Access.objects.count() <= services.SLOTS
    assert sum(Access.objects.values_list("count", flat=True)) == 500


def test_a_flood_from_all_addresses_of_one_ipv6_network_is_one_flood(db, now):
    for number in range(20):
        deny(address=f"2001:db8:1:2::{number:x}")
    assert Access.objects.values_list("count", "address").get() == (20, "2001:db8:1:2::0")


def test_one_persons_flood_hides_nobody_else(db, now):
    for number in range(500):
        deny("mallory", what=f"model {number}")
    deny("charlie", what="model 1")
    assert Access.objects.filter(person="charlie").values_list("object", "count").get() == ("model 1", 1)


def test_noting_is_one_statement(db, django_assert_num_queries):
    with django_assert_num_queries(1):
        deny()


@pytest.mark.parametrize("hostile", ["a\0b", "x" * 5000, "https://alice:secret@host/model", "\ud800"])
def test_hostile_names_are_kept_bounded_and_without_secrets(db, hostile):
    deny(what=hostile)
    kept = Access.objects.get().object
    assert (len(kept) <= services.MAX_TEXT, "\0" in kept, "secret" in kept) == (True, False, False)


def test_it_is_read_by_the_same_rules_as_the_trail(admin, charlie, mallory):
    model = make_model("churn")
    with came_through(Origin()):
        note(DENIED, Asked("GET", "r", "churn", model.pk), status=404, person="zoe")
        note(DENIED, Asked("GET", "r", "other", None), status=404, person="zoe")
        note(DENIED, Asked("POST", "r", "", None), status=403, person="mallory")
        note(DENIED, Asked("GET", "r", "churn", model.pk), status=404, person="mallory")
    numbers = list(Access.objects.order_by("pk").values_list("pk", flat=True))
    assert seen(admin) == numbers[::-1]
    assert seen(charlie) == [numbers[3], numbers[0]]
    assert seen(mallory) == [numbers[2]]
    mallory.is_active = False
    assert seen(mallory) == []


def test_nobody_learns_from_their_own_denials_whether_there_is_a_model(admin, mallory):
    model = make_model("secret")
    client = browser(mallory)
    statuses = [client.get(f"/people/?model={name}").status_code for name in ("secret", "nothing")]
    assert (statuses, seen(mallory)) == ([403, 403], [])
    assert list(Access.objects.order_by("pk").values_list("object", "model_id")) == [
        ("secret", model.pk),
        ("nothing", None),
    ]
    assert len(seen(admin)) == 2


def test_a_model_that_only_the_query_names_is_read_by_nobody_who_may_not_see_it(charlie, mallory):
    model = make_model("secret")
    for person in (mallory, charlie):
        assert browser(person).get("/compliance/export.json?model=secret").status_code == 200
    assert list(Access.objects.order_by("pk").values_list("person", "object", "model_id")) == [
        ("mallory", "secret", None),
        ("charlie", "secret", model.pk),
    ]


@pytest.mark.parametrize("place", ["p=abc", "p=1e9", "p=" + "9" * 40, "p=-1", "o=x", "r=1", "p=1\0", "\0"])
def test_a_cursor_of_nobodys_making_is_a_400_that_names_it_or_an_empty_page(admin, place):
    deny("zoe")
    cursor = base64.b64encode(place.encode()).decode()
    answer = browser(admin).get("/api/v1/audit/accesses/", {"cursor": cursor})
    faults = [row["field"] for row in answer.json().get("errors", [])]
    assert (answer.status_code, faults) in [(200, []), (400, ["cursor"])]


def test_the_page_and_the_api_filter_by_person_and_model(admin):
    deny("zoe", model_id=8), deny("yan", model_id=9)
    client = browser(admin)
    deny("xan", model_id=make_model("churn").pk)
    for query, people in (
        ("person=zoe", ["zoe"]), ("model_id=9", ["yan"]), ("outcome=denied", ["xan", "yan", "zoe"]),
        ("model=churn", ["xan"]),
    ):  # fmt: skip
        assert [row.person for row in client.get(f"/audit/access/?{query}").context["rows"]] == people
        body = client.get(f"/api/v1/audit/accesses/?{query}").json()
        assert [row["person"] for row in body["results"]] == people


@pytest.mark.parametrize(
    "query", ["model=none", "outcome=maybe", "since=2026-13-01", "since=2026-02-01&until=2026-01-01"]
)
def test_a_malformed_filter_is_a_400_that_names_it(admin, query):
    field = query.rpartition("&")[2].partition("=")[0]
    client = browser(admin)
    for path in ("/audit/access/", "/audit/access/export.json"):
        page = client.get(f"{path}?{query}")
        assert (page.status_code, list(page.context["form"].errors)) == (400, [field])
    answer = client.get(f"/api/v1/audit/accesses/?{query}")
    assert (answer.status_code, [row["field"] for row in answer.json()["errors"]]) == (400, [field])


def test_the_export_is_json_with_the_rows_that_the_page_shows(charlie):
    model = make_model("churn")
    deny("zoe", model_id=model.pk), deny("zoe", what="hidden")
    client = browser(charlie)
    answer = client.get("/audit/access/export.json?person=zoe")
    rows = json.loads(b"".join(answer.streaming_content))
    assert [(row["object"], row["model_id"]) for row in rows] == [("churn", model.pk)]
    assert list(rows[0]) == list(queries.FIELDS)
    assert Access.objects.filter(route="audit:access-export", outcome=GRANTED).count() == 1


def test_the_page_goes_on_from_where_it_ended(admin):
    for number in range(51):
        deny(f"person {number}")
    client = browser(admin)
    first = client.get("/audit/access/").context
    second = client.get(f"/audit/access/?before={first['older']}").context
    assert (len(first["rows"]), len(second["rows"]), second["older"]) == (50, 1, None)


def test_the_api_goes_on_by_its_cursor(admin):
    for number in range(3):
        deny(f"person {number}")
    client = browser(admin)
    first = client.get("/api/v1/audit/accesses/?outcome=denied&page_size=2").json()
    second = client.get(first["next"]).json()
    people = [row["person"] for row in first["results"] + second["results"]]
    assert (people, second["next"]) == (["person 2", "person 1", "person 0"], None)
    for wrong in ("cursor=x", "page_size=0", "page_size=999", "colour=red"):
        answer = client.get(f"/api/v1/audit/accesses/?{wrong}")
        assert (answer.status_code, answer.json()["errors"][0]["field"]) == (400, wrong.partition("=")[0])


def test_rows_end_after_their_days_and_events_never(db, settings, monkeypatch):
    deny(), deny("zoe")
    Access.objects.filter(person="zoe").update(at=timezone.now() - timedelta(days=31))
    settings.ACCESS_LOG_DAYS = 0
    assert services.prune() == 0
    settings.ACCESS_LOG_DAYS = 30
    prune_accesses()
    assert list(Access.objects.values_list("person", flat=True)) == [""]
    assert not AuditEvent.objects.exists()


def told(*parts: tuple[str, int, int]):
    """A view that goes on after it refused some of several things."""

    def answer(request) -> HttpResponse:
        for part in parts:
            tell_refused(*part)
        return HttpResponse()

    return AccessMiddleware(answer)


def rows(*fields: str) -> list[tuple]:
    return list(Access.objects.order_by("pk").values_list(*fields))


def test_what_is_refused_of_several_requests_is_noted_each_with_its_model(mallory, alice, bob):
    make_policy()
    model = make_model("churn")
    asked = approvals.open_request(make_version(model, 1).pk, "Production", reason="Better.", by=alice)
    items = [{"request": number, "evidence_digest": "0" * 64} for number in (asked.pk, 2**62)]
    body = {"items": items, "verdict": "approve"}
    answer = browser(mallory).post("/api/v1/requests/bulk-review/", body, content_type="application/json")
    assert [result["code"] for result in answer.json()["results"]] == ["not_found"] * 2
    assert rows("outcome", "status", "person", "route", "object", "model_id") == [
        (DENIED, 404, "mallory", "api:request-bulk-review", f"request {asked.pk}", model.pk),
        (DENIED, 404, "mallory", "api:request-bulk-review", f"request {2**62}", None),
    ]


def test_what_is_refused_of_several_versions_is_noted_each_with_its_model(mallory, charlie):
    make_policy()
    version = make_version(make_model("churn"), 1)
    body = {"requests": [{"model": "churn", "version": 1, "to_stage": "Production", "reason": "Better."}]}
    for person in (mallory, charlie):
        browser(person).post("/api/v1/requests/bulk/", body, content_type="application/json")
    assert rows("person", "status", "object", "model_id") == [
        ("mallory", 404, f"version {version.pk}", version.model_id),
        ("charlie", 403, f"version {version.pk}", version.model_id),
    ]


def test_what_others_answer_for_in_an_access_review_is_noted_each(admin, alice, bob, mallory):
    for person in (alice, bob):
        give_grant(mallory, "viewer", "model", model=owned_by(person), by=admin, reason="They look.")
    review = open_review("May", timezone.now().date() + timedelta(days=9), by=admin, roles=["viewer"])
    mine, others = [review.items.get(owner=person).pk for person in (alice, bob)]
    body = {"ids": [mine, others], "decision": "confirm"}
    answer = browser(alice).post(f"/api/v1/access-reviews/{review.pk}/decide/", body, content_type="application/json")
    assert (answer.status_code, answer.json()[1]["code"]) == (200, "not_found")
    assert rows("person", "status", "route", "object") == [("alice", 404, "api:access-review-decide", f"item {others}")]


def test_parts_are_a_row_each_and_one_question_for_their_models(db, rf, django_assert_num_queries):
    with django_assert_num_queries(1 + 3):
        told(("request", 1, 404), ("request", 2, 403), ("request", 2**70, 404))(rf.get("/api/v1/models/"))
    assert rows("object", "status") == [("request 1", 404), ("request 2", 403), (f"request {2**70}", 404)]


def test_only_denials_of_parts_are_noted_and_none_of_another_call(db, rf):
    tell_refused("request", 1, 404)
    told(("request", 2, 409))(rf.get("/api/v1/models/"))
    told()(rf.get("/api/v1/models/"))
    assert not Access.objects.exists()


def full(execute, sql, *arguments):
    """A database that takes no row of the access log."""
    if "INTO audit_access" in sql:
        raise OperationalError("the disk is full")
    return execute(sql, *arguments)


def test_a_denial_that_cannot_be_noted_stays_a_denial_and_is_logged(charlie, caplog):
    client = browser(charlie)
    with connection.execute_wrapper(full):
        assert client.post("/sync/run/").status_code == 403
    assert "a denial could not be noted: 403 registry:sync-run" in caplog.text


def test_a_download_that_cannot_be_noted_is_not_handed_out(charlie):
    make_version(make_model("churn"), 1)
    client = browser(charlie)
    with connection.execute_wrapper(full), pytest.raises(OperationalError):
        client.get("/models/churn/v/1/signature.json")


def test_many_denials_at_once_are_all_counted(transactional_db, now):
    failures = []

    def twice() -> None:
        try:
            deny(), deny()
        except Exception as error:  # noqa: BLE001 - a thread's error must reach the test
            failures.append(error)
        finally:
            connection.close()

    threads = [Thread(target=twice) for _ in range(10)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (failures, list(Access.objects.values_list("count", flat=True))) == ([], [20])
