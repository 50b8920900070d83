"""The pages of the sign-off, as a browser without scripts uses them."""

import re

import pytest
from django.contrib.messages import get_messages
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from apps.accounts.models import User
from apps.approvals.models import ApprovalRequest, RequestState
from tests.builders import THEN, make_model, make_policy, make_version

HOSTILE = '<script>alert("x")</script>/ü %41 "quoted" ' + "long" * 50


def browser(user: User) -> Client:
    client = Client()
    client.force_login(user, backend="apps.accounts.backends.PersonBackend")
    return client


def new_url(version) -> str:
    return reverse("approvals:request-new", args=[version.model.name, version.number])


def act_url(asked) -> str:
    return reverse("approvals:request-act", args=[asked.pk])


def detail_url(asked) -> str:
    return reverse("approvals:request-detail", args=[asked.pk])


def text_of(response) -> str:
    """What stands on the page, tags and double spaces left out."""
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", response.content.decode()))


def sign(asked, user, action, **fields):
    values = {"action": action, "evidence_digest": asked.evidence_digest, "comment": ""} | fields
    return browser(user).post(act_url(asked), values)


# --- asking ---


def test_the_form_says_what_each_stage_demands_and_who_is_there(version, policy, alice, bob):
    page = text_of(browser(alice).get(new_url(version)))
    assert "1 approval by a reviewer of the model; you may not approve your own. Now there: v1." in page
    assert "No policy says who signs off Archived" in page
    assert "Staging 1 approval" not in page  # the version is there already


def test_the_archive_box_starts_as_the_policy_proposes(version, alice):
    make_policy(archive_existing=False)
    assert browser(alice).get(new_url(version)).context["form"]["archive_existing"].initial is False


def test_another_choice_of_stage_brings_the_preview_alone(version, policy, alice):
    response = browser(alice).get(new_url(version), {"target": "Archived"}, headers={"HX-Request": "true"})
    assert response.templates[0].name == "approvals/_request_fragment.html"
    assert b"<html" not in response.content


def test_asking_opens_a_request_and_leads_to_it(version, policy, alice, bob):
    response = browser(alice).post(new_url(version), {"target": "Production", "reason": "Better."})
    asked = ApprovalRequest.objects.get()
    assert (response.status_code, response["Location"]) == (302, detail_url(asked))
    assert (asked.reason, asked.archive_existing, asked.requester) == ("Better.", False, alice)


def test_asking_twice_leads_to_the_first_request(version, policy, asked, alice):
    response = browser(alice).post(new_url(version), {"target": "Production", "reason": "Again."})
    assert (response.status_code, ApprovalRequest.objects.count()) == (409, 1)
    assert f'href="{detail_url(asked)}"'.encode() in response.content
    assert response.context["form"]["reason"].value() == "Again."


@pytest.mark.parametrize(
    ("fields", "at_fault"),
    [
        ({"target": "Production", "reason": "  "}, "reason"),
        ({"target": "Moon", "reason": "Up."}, "target"),
        ({"target": "Production", "reason": "x" * 5001}, "reason"),
    ],
)
def test_a_malformed_request_names_the_field_and_keeps_what_was_typed(version, policy, alice, fields, at_fault):
    response = browser(alice).post(new_url(version), fields)
    assert (response.status_code, list(response.context["form"].errors)) == (400, [at_fault])
    assert response.context["form"].data["reason"] == fields["reason"]


def test_a_stage_without_a_policy_is_refused_on_its_field(version, policy, alice):
    response = browser(alice).post(new_url(version), {"target": "Archived", "reason": "Old."})
    assert (response.status_code, list(response.context["form"].errors)) == (403, ["target"])


def test_a_viewer_may_not_ask(version, policy, charlie):
    assert browser(charlie).get(new_url(version)).status_code == 403


@pytest.mark.parametrize("number", [2, 99, 10**30])
def test_a_stranger_and_an_unknown_version_get_the_same(version, policy, mallory, number):
    url = reverse("approvals:request-new", args=[version.model.name, number])
    assert browser(mallory).get(url).status_code == 404


# --- one request ---


def test_the_page_carries_what_it_takes_to_decide(asked, bob, erin):
    page = text_of(browser(bob).get(detail_url(asked)))
    assert "Promote churn v2 → Production" in page
    assert "Could sign: Bob and Erin." in page
    assert "Alice asked for it and may not approve it." in page
    assert "Reviewers 0 of 1" in page
    assert "One more approval moves churn v2 to Production and archives v1." in page
    assert "alice (Data scientist) asked to move v2 to Production" in page


def test_approving_by_the_plain_form_is_recorded_and_said(asked, bob):
    page = browser(bob).get(detail_url(asked)).content.decode()
    assert '<button class="button button-primary" type="submit" name="action" value="approve">Approve</button>' in page
    response = sign(asked, bob, "approve", comment="Good.")
    asked.refresh_from_db()
    assert (response.status_code, response["Location"]) == (302, detail_url(asked))
    assert (asked.state, asked.reviews.get().comment) == (RequestState.APPROVED, "Good.")
    assert "the last approval needed" in str(next(iter(get_messages(response.wsgi_request))))


def test_the_requester_is_told_why_they_may_not_approve(asked, alice):
    page = text_of(browser(alice).get(detail_url(asked)))
    assert "Approve Request changes Reject Reviewing needs the reviewer&#x27;s duty" in page
    assert sign(asked, alice, "approve").status_code == 403


def test_ones_own_request_cannot_be_approved_even_with_the_duty(version, policy, bob, erin):
    browser(bob).post(new_url(version), {"target": "Production", "reason": "Mine."})
    asked = ApprovalRequest.objects.get()
    response = sign(asked, bob, "approve", comment="I like it")
    assert (response.status_code, asked.reviews.count()) == (403, 0)
    assert "You asked for this promotion, so somebody else has to review it." in text_of(response)
    assert response.context["comment"] == "I like it"


def test_a_review_of_earlier_evidence_comes_back_with_its_comment(asked, bob):
    response = sign(asked, bob, "approve", evidence_digest="0" * 64, comment="Looks right")
    assert (response.status_code, asked.reviews.count()) == (409, 0)
    assert "has changed since you read it" in text_of(response)
    assert ">Looks right</textarea>" in response.content.decode()


def test_a_second_click_on_approve_writes_one_review(asked, bob):
    answers = [sign(asked, bob, "approve").status_code for _ in range(2)]
    assert (answers, asked.reviews.count()) == ([302, 409], 1)


@pytest.mark.parametrize(
    ("action", "comment", "field"), [("request_changes", "", "comment"), ("dance", "", "action"), ("", "", "action")]
)
def test_a_malformed_act_names_the_field(asked, bob, action, comment, field):
    response = sign(asked, bob, action, comment=comment)
    assert (response.status_code, response.context["error"].field) == (400, field)


def test_changes_and_withdrawal_stand_in_the_timeline(asked, review, bob, alice):
    review("request_changes", bob, "Log the <b>data set</b>.")
    sign(asked, alice, "withdraw", comment="Later.")
    page = browser(bob).get(detail_url(asked)).content.decode()
    order = [
        "asked to move v2",
        "asked for changes",
        "Log the &lt;b&gt;data set&lt;/b&gt;.",
        "withdrew the request",
        "Later.",
    ]
    places = [page.index(text) for text in order]
    assert places == sorted(places)
    assert 'id="decide"' not in page


@pytest.mark.parametrize("number", [1, 77, 10**30])
def test_a_request_out_of_sight_does_not_exist(asked, mallory, number):
    assert browser(mallory).get(reverse("approvals:request-detail", args=[number])).status_code == 404
    assert browser(mallory).post(reverse("approvals:request-act", args=[number])).status_code == 404


def test_nobody_signed_in_is_led_to_the_sign_in_page(asked):
    response = Client().get(detail_url(asked))
    assert response["Location"] == f"{reverse('accounts:sign-in')}?next={detail_url(asked)}"


def test_the_poll_goes_on_while_it_applies_and_reloads_at_the_end(asked, review, bob):
    review("approve", bob)
    client = browser(bob)
    poll = {"path": detail_url(asked), "data": {"shown": "approved"}, "headers": {"HX-Request": "true"}}
    moving = client.get(**poll)
    assert (b'hx-trigger="every 1s"' in moving.content, "HX-Refresh" in moving) == (True, False)
    ApprovalRequest.objects.filter(pk=asked.pk).update(state="apply_failed", apply_error="MLflow said 500.")
    ended = client.get(**poll)
    assert (b"hx-trigger" in ended.content, ended["HX-Refresh"]) == (False, "true")
    page = text_of(client.get(detail_url(asked)))
    assert "Assent could not move the version to Production in MLflow. MLflow said 500." in page
    assert "Try again" in page


def test_a_hostile_name_is_shown_and_linked_as_it_is(policy, alice, bob):
    version = make_version(make_model(HOSTILE))
    browser(alice).post(new_url(version), {"target": "Production", "reason": HOSTILE})
    asked = ApprovalRequest.objects.get()
    for path in (detail_url(asked), reverse("approvals:request-list"), reverse("approvals:review-queue")):
        page = browser(bob).get(path)
        assert (page.status_code, b"<script>alert" in page.content, b"&lt;script&gt;alert" in page.content) == (
            200,
            False,
            True,
        )
    assert browser(alice).get(new_url(version)).status_code == 200


# --- lists ---


def queue_of(user: User, tab: str) -> list[int]:
    response = browser(user).get(reverse("approvals:review-queue"), {"tab": tab})
    return [row.asked.pk for row in response.context["rows"]]


def test_the_list_filters_by_state_model_and_requester(asked, alice, bob):
    def found(user, **query):
        return [row.asked.pk for row in browser(user).get(reverse("approvals:request-list"), query).context["rows"]]

    assert found(bob) == found(bob, state="unfinished", model="HUR") == found(alice, mine="on") == [asked.pk]
    assert found(bob, state="applied") == found(bob, model="x") == found(bob, mine="on") == []


@pytest.mark.parametrize(
    ("query", "field"), [({"state": "odd"}, "state"), ({"page": "x"}, "page"), ({"page": "0"}, "page")]
)
def test_a_malformed_filter_is_a_400_that_names_it(bob, query, field):
    response = browser(bob).get(reverse("approvals:request-list"), query)
    assert (response.status_code, list(response.context["form"].errors)) == (400, [field])


def test_no_requests_and_no_match_are_told_apart(asked, bob, mallory):
    url = reverse("approvals:request-list")
    assert "No requests yet" in text_of(browser(mallory).get(url))
    assert "No request matches" in text_of(browser(bob).get(url, {"state": "applied"}))


def test_the_queue_sorts_what_waits_what_was_asked_and_what_was_decided(asked, alice, bob):
    def rows(user):
        return [queue_of(user, tab) for tab in ("waiting", "mine", "decided")]

    assert (rows(bob), rows(alice)) == ([[asked.pk], [], []], [[], [asked.pk], []])
    sign(asked, bob, "reject", comment="No.")
    assert rows(bob) == [[], [], [asked.pk]]


@pytest.mark.parametrize("route", ["approvals:request-list", "approvals:review-queue"])
def test_lists_ask_the_same_number_of_queries_whatever_their_length(model, policy, alice, bob, route):
    client, counts, made = browser(bob), [], 0
    for length in (1, 10, 100):
        for _ in range(length - made):
            made += 1
            version = make_version(model, made)
            ApprovalRequest.objects.create(
                version=version, from_stage="None", to_stage="Production", archive_existing=False, requester=alice,
                reason="r", policy=policy, evidence={}, evidence_digest="0" * 64, submitted_at=THEN,
            )  # fmt: skip
        with CaptureQueriesContext(connection) as queries:
            assert client.get(reverse(route)).status_code == 200
        counts.append(len(queries))
    assert counts == [counts[0]] * 3


def test_a_decided_request_says_what_changed_since(asked, bob):
    sign(asked, bob, "reject", comment="No.")
    asked.version.metrics = {"accuracy": 0.5}
    asked.version.save()
    page = text_of(browser(bob).get(detail_url(asked)))
    assert "changed in MLflow since this was decided: metrics.accuracy." in page


def test_asking_for_the_stage_where_the_version_is_says_so_on_the_field(client, alice, policy, champion):
    client.force_login(alice)
    answer = client.post("/models/churn/v/1/request/", {"target": "Production", "reason": "Again."})
    assert (answer.status_code, answer.context["form"].errors) == (
        403,
        {"target": ["churn v1 is already in Production."]},
    )
