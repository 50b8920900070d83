"""What pipelines report: who may, what is refused, and what follows from it."""

import json
from datetime import timedelta
from html import escape

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from apps.approvals import services
from apps.approvals.models import ApprovalRequest, ExternalCheck
from apps.approvals.refreshing import REFRESH_JOB
from apps.audit.actions import Action
from apps.audit.models import AuditEvent
from apps.errors import InvalidInput, NotAllowed, NotVisible, WrongState
from apps.jobs.models import Job
from tests.approvals.test_hostile import together
from tests.approvals.test_views import browser, detail_url, text_of

URL = "/api/v1/models/churn/versions/2/checks/"
SCRIPT = "<script>alert(1)</script>"


def send(user, said, url: str = URL):
    return browser(user).post(url, json.dumps(said), content_type="application/json")


def current(version) -> list[tuple[str, str]]:
    return list(version.external_checks.filter(current=True).order_by("name").values_list("name", "outcome"))


def sign(asked, by) -> ApprovalRequest:
    digest = ApprovalRequest.objects.get(pk=asked.pk).evidence_digest
    return services.act(asked.pk, "approve", by=by, evidence_digest=digest)


def state(asked) -> str:
    return ApprovalRequest.objects.get(pk=asked.pk).state


def test_the_last_report_of_a_name_is_current_and_earlier_ones_are_kept(version, report):
    report("fail")
    report("pass")
    report("pending", name="load-test")
    assert current(version) == [("lint", "pass"), ("load-test", "pending")]
    assert version.external_checks.count() == 3


def test_a_report_is_in_the_trail_with_what_it_was_before(version, report):
    report("fail")
    report("pass", link="https://ci.example.org/7", inputs="abc")
    event = AuditEvent.objects.filter(action=Action.CHECK_REPORTED).order_by("id").last()
    assert (event.actor, event.target, event.data["check"]) == ("alice", "churn v2", "lint")
    assert (event.data["before"], event.data["after"], event.data["link"], event.data["inputs"]) == (
        {"outcome": "fail"}, {"outcome": "pass"}, "https://ci.example.org/7", "abc",
    )  # fmt: skip


def test_the_report_that_was_missing_approves_what_was_signed(asked, report, bob):
    assert sign(asked, bob).state == "open"
    report("pass")
    assert state(asked) == "approved"


def test_a_worker_looks_at_the_request_should_the_process_end_after_the_report(asked, report):
    report("pass")
    assert list(Job.objects.values_list("kind", "args")) == [(REFRESH_JOB, {"request_id": asked.pk})]


def test_a_check_that_fails_brings_an_approved_request_back(asked, report, bob):
    report("pass")
    assert sign(asked, bob).state == "approved"
    report("fail")
    assert state(asked) == "open"


def test_whoever_may_only_read_reports_nothing(version, report, charlie):
    with pytest.raises(NotAllowed):
        report(by=charlie)
    assert AuditEvent.objects.get(action=Action.CHECK_REPORTED).outcome == "refused"


def test_a_stranger_finds_no_version(version, report, mallory):
    with pytest.raises(NotVisible):
        report(by=mallory)


def test_nothing_is_reported_on_a_deleted_version(version, report):
    version.deleted_at = version.created_at
    version.save()
    with pytest.raises(WrongState):
        report()


def test_a_report_holds_as_long_as_it_says(version, report):
    row = report(valid_days=30)
    assert abs(row.valid_until - row.reported_at - timedelta(days=30)) < timedelta(minutes=1)


@pytest.mark.parametrize(
    "name",
    ["", "Lint", "-lint", ".lint", "external:lint", "a b", "a/b", "läuft", "lint\n", "a" * 101, SCRIPT,
     "signature", "metrics", "card"],
)  # fmt: skip
def test_odd_names_and_those_of_our_own_checks_are_refused(version, report, name):
    with pytest.raises(InvalidInput) as refused:
        report(name=name)
    assert (refused.value.field, ExternalCheck.objects.count()) == ("name", 0)


@pytest.mark.parametrize("name", ["a", "0", "lint", "load-test.v2_x", "a" * 100])
def test_sensible_names_are_taken(version, report, name):
    assert report(name=name).name == name


@pytest.mark.parametrize(
    "link",
    ["javascript:alert(1)", "data:text/html,x", "ftp://x.example.org/", "//x.example.org/", "/7", "https://",
     "https://user:secret@ci.example.org/", "https://ci.example.org/ x", "https://ci.example.org/\n",
     "https://ci.example.org/\"onclick=x", "https://ci.example.org\\@evil.example.org/", "https://ci.example.org:x/",
     "https://[::1", "java\tscript:alert(1)", "https://ci.example.org/" + "x" * 2000],
)  # fmt: skip
def test_links_that_are_no_plain_web_address_are_refused(version, report, link):
    with pytest.raises(InvalidInput) as refused:
        report(link=link)
    assert refused.value.field == "link"


@pytest.mark.parametrize(
    ("said", "field"),
    [
        ({"outcome": "waived"}, "outcome"),
        ({"outcome": "not_applicable"}, "outcome"),
        ({"detail": "x" * 5001}, "detail"),
        ({"detail": "a\0b"}, "detail"),
        ({"inputs": "x" * 201}, "inputs"),
        ({"inputs": "two\nlines"}, "inputs"),
        ({"valid_days": 0}, "valid_days"),
        ({"valid_days": 3651}, "valid_days"),
    ],
)
def test_what_is_out_of_bounds_is_refused_by_its_name(version, report, said, field):
    with pytest.raises(InvalidInput) as refused:
        report(**said)
    assert refused.value.field == field


# --- over the API ---


def test_a_pipeline_reports_and_reads_back_what_it_said(version, alice):
    said = {"name": "lint", "outcome": "fail", "detail": "3 rows.", "link": "https://ci.example.org/7", "inputs": "abc"}
    answer = send(alice, said)
    body = answer.json()
    assert (answer.status_code, {name: body[name] for name in said}) == (201, said)
    assert (body["reporter"], body["current"], body["valid_until"]) == ("alice", True, None)


def test_the_list_shows_all_reports_newest_first_or_only_the_current(version, report, charlie):
    report("fail")
    report("pass")
    report("pass", name="load-test")

    def listed(query: str = "") -> list[tuple[str, str]]:
        return [(row["name"], row["outcome"]) for row in browser(charlie).get(URL + query).json()["results"]]

    assert listed() == [("load-test", "pass"), ("lint", "pass"), ("lint", "fail")]
    assert listed("?current=true") == [("load-test", "pass"), ("lint", "pass")]
    assert listed("?current=false&name=lint") == [("lint", "fail")]


def test_the_list_costs_the_same_whatever_its_length(version, report, charlie):
    client, counts = browser(charlie), []
    for _ in range(2):
        with CaptureQueriesContext(connection) as queries:
            client.get(URL)
        counts.append(len(queries))
        for number in range(5):
            report(name=f"check-{number}")
    assert counts[0] >= counts[1] - 1  # an empty page reads no rows


@pytest.mark.parametrize(
    ("said", "field"),
    [
        ({"name": "Lint", "outcome": "pass"}, "name"),
        ({"name": "signature", "outcome": "pass"}, "name"),
        ({"outcome": "pass"}, "name"),
        ({"name": "lint"}, "outcome"),
        ({"name": "lint", "outcome": "ok"}, "outcome"),
        ({"name": "lint", "outcome": "pass", "link": "javascript:alert(1)"}, "link"),
        ({"name": "lint", "outcome": "pass", "valid_days": 1.5}, "valid_days"),
        ({"name": "lint", "outcome": "pass", "valid_days": -1}, "valid_days"),
        ({"name": "lint", "outcome": "pass", "inputs": "\ud800"}, "inputs"),
        ({"name": "lint", "outcome": "pass", "result": "x"}, "result"),
        ({"name": "lint", "outcome": "pass", "detail": "x" * 100_000}, "detail"),
    ],
)
def test_the_api_names_the_field_at_fault(version, alice, said, field):
    answer = send(alice, said)
    assert (answer.status_code, {row["field"] for row in answer.json()["errors"]}) == (400, {field})


def test_a_report_of_more_than_two_megabytes_is_refused_unread(version, alice):
    answer = send(alice, {"name": "lint", "outcome": "pass", "detail": "x" * 2_500_000})
    assert (answer.status_code, ExternalCheck.objects.count()) == (413, 0)


def test_a_version_that_is_not_there_is_not_found(version, alice):
    assert send(alice, {"name": "lint", "outcome": "pass"}, URL.replace("/2/", "/99999999999/")).status_code == 404


# --- on pages ---


def test_what_is_reported_is_shown_as_text_and_its_link_as_a_link(asked, report, bob):
    report("fail", detail=SCRIPT, inputs=SCRIPT, link="https://ci.example.org/7?a=1&b=2")
    for url in (detail_url(asked), "/models/churn/v/2/"):
        page = browser(bob).get(url).content.decode()
        assert SCRIPT not in page
        assert f'<span class="sub check-detail">{escape(SCRIPT)}</span>' in page
        assert 'href="https://ci.example.org/7?a=1&amp;b=2"' in page


def test_the_version_page_says_who_reported_what(version, report, charlie):
    report("pass", inputs="commit abc")
    assert "Checks by pipelines 1 Passes lint Reported by alice now looked at commit abc" in text_of(
        browser(charlie).get("/models/churn/v/2/")
    ).replace("just now", "now")


def test_a_version_page_without_reports_does_not_mention_them(version, charlie):
    assert "Checks by pipelines" not in text_of(browser(charlie).get("/models/churn/v/2/"))


# --- at once ---


@pytest.mark.django_db(transaction=True)
def test_of_two_reports_at_once_one_is_current(version, report, alice, bob):
    errors = together(lambda: report("pass"), lambda: report("fail", by=bob), lambda: report("error"))
    assert (errors, ExternalCheck.objects.count(), ExternalCheck.objects.filter(current=True).count()) == ([], 3, 1)


@pytest.mark.django_db(transaction=True)
def test_a_report_and_a_vote_at_once_leave_no_approved_request_with_a_failed_check(asked, report, bob):
    report("pass")
    together(lambda: sign(asked, bob), lambda: report("fail"))
    services.reconsider(asked.pk)
    assert state(asked) == "open"


def test_a_token_without_a_person_reports_nothing(version):
    assert Client().post(URL, "{}", content_type="application/json").status_code == 401
