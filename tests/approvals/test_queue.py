"""The review queue: what waits for whom, in pages by place, and several requests signed at once."""

import pytest
from django.contrib.auth.models import Group
from django.urls import reverse

from apps.approvals import services
from apps.approvals.models import ApprovalRequest, RequestState
from apps.approvals.queue import queries, words
from apps.registry.models import RegisteredModel
from tests.approvals.test_views import browser, queue_of, text_of
from tests.builders import make_model, make_policy, make_version

SIGN = "/reviews/sign/"


def open_for(name: str, by) -> ApprovalRequest:
    return services.open_request(make_version(make_model(name)).pk, "Production", reason="Better.", by=by)


def test_a_request_waits_for_those_whose_approval_would_bring_it_further(version, alice, bob, erin):
    risk = Group.objects.create(name="Risk")
    bob.groups.add(risk)
    make_policy(rules=[(1, risk), (1, None)])
    asked = services.open_request(version.pk, "Production", reason="Better.", by=alice)
    assert (queue_of(bob, "waiting"), queue_of(erin, "waiting")) == ([asked.pk], [asked.pk])
    services.act(asked.pk, "approve", by=erin, evidence_digest=asked.evidence_digest)
    assert (queue_of(bob, "waiting"), queue_of(erin, "waiting")) == ([asked.pk], [])


def test_a_filled_rule_waits_for_nobody_although_another_is_open(version, alice, bob, erin):
    risk, shop = Group.objects.create(name="Risk"), Group.objects.create(name="Shop")
    bob.groups.add(risk)
    erin.groups.add(risk, shop)
    make_policy(rules=[(1, risk), (1, shop)])
    asked = services.open_request(version.pk, "Production", reason="Better.", by=alice)
    services.act(asked.pk, "approve", by=bob, evidence_digest=asked.evidence_digest)
    assert [row.group.name for row in asked.open_seats.select_related("group")] == ["Shop"]
    assert (queue_of(erin, "waiting"), queue_of(bob, "team")) == ([asked.pk], [])


def test_the_team_sees_what_its_groups_could_sign_even_what_a_member_asked_for(version, policy, bob, erin):
    asked = services.open_request(version.pk, "Production", reason="Better.", by=bob)
    assert (queue_of(bob, "waiting"), queue_of(bob, "team"), queue_of(erin, "team")) == ([], [asked.pk], [asked.pk])


def test_a_draft_stands_among_what_its_writer_asked_for_alone(version, policy, alice, bob):
    draft = services.open_request(version.pk, "Production", reason="", draft=True, by=alice)
    assert (queue_of(alice, "mine"), queue_of(bob, "team")) == ([draft.pk], [])


def test_the_queue_goes_on_by_place(policy, alice, bob, monkeypatch):
    monkeypatch.setattr(queries, "ROWS", 2)
    numbers = [open_for(f"m{number}", alice).pk for number in range(5)]
    client, address, seen = browser(bob), "?tab=waiting", []
    while address:
        context = client.get(reverse("approvals:review-queue") + address).context
        seen.append([row.asked.pk for row in context["rows"]])
        address = context["next"]
    assert seen == [numbers[:2], numbers[2:4], numbers[4:]]


def test_tabs_count_to_a_hundred_and_no_further(policy, alice, bob, monkeypatch):
    monkeypatch.setattr(queries, "MOST_COUNTED", 2)
    for number in range(3):
        open_for(f"m{number}", alice)
    tabs = browser(bob).get(reverse("approvals:review-queue")).context["tabs"]
    assert [(tab.name, tab.count) for tab in tabs] == [
        ("waiting", "1+"),
        ("team", "1+"),
        ("mine", "0"),
        ("decided", ""),
    ]


@pytest.mark.parametrize("query", [{"tab": "odd"}, {"cursor": "nonsense"}, {"tab": "mine", "cursor": "e30"}])
def test_a_malformed_queue_is_a_400(bob, query):
    assert browser(bob).get(reverse("approvals:review-queue"), query).status_code == 400


def test_a_row_says_in_a_few_words_what_a_request_waits_for(asked):
    assert words.waits_for(asked) == "0 of 1 approval"
    asked.tally, asked.state = {"given": 1, "needed": 2, "checks": 2}, RequestState.CHANGES_REQUESTED
    assert words.waits_for(asked) == "changes wanted; 1 of 2 approvals; 2 checks not passed"


def test_a_headline_in_words_has_the_change_in_percent():
    told = words.headline_in_words({"metric": "auc", "before": "0.8", "after": "0.9", "verdict": "better"})
    assert (told.metric, told.values, told.change, told.verdict) == ("auc", "0.8 → 0.9", "+12.5 %", "better")


# --- several at once ---


def test_the_page_before_signing_lists_each_with_its_digest(policy, alice, bob):
    asked = [open_for(name, alice) for name in ("a", "b")]
    page = browser(bob).get(SIGN, {"request": [row.pk for row in asked]})
    assert [row.evidence_digest in page.content.decode() for row in asked] == [True, True]
    assert "Approve 2 requests" in text_of(page)


def test_each_is_signed_by_itself_and_has_its_own_result(policy, alice, bob):
    first, second = open_for("a", alice), open_for("b", alice)
    items = [f"{first.pk}:{first.evidence_digest}", f"{second.pk}:{'0' * 64}"]  # the second was read before it changed
    page = browser(bob).post(SIGN, {"request": items, "comment": "Read both."})
    assert (page.status_code, [bool(row.error) for row in page.context["results"]]) == (200, [False, True])
    assert [ApprovalRequest.objects.get(pk=row.pk).reviews.count() for row in (first, second)] == [1, 0]


def test_a_model_of_high_risk_is_signed_by_itself(policy, alice, bob):
    asked = open_for("a", alice)
    RegisteredModel.objects.update(risk="High")
    page = browser(bob).get(SIGN, {"request": asked.pk})
    assert "The model&#x27;s risk is high: open the request and sign it by itself." in text_of(page)
    answer = browser(bob).post(SIGN, {"request": f"{asked.pk}:{asked.evidence_digest}"})
    assert ([bool(row.error) for row in answer.context["results"]], asked.reviews.count()) == ([True], 0)


def test_one_password_signs_several_where_the_policy_asks_for_it(alice, bob):
    make_policy(sign_with="password")
    asked = open_for("a", alice)
    item = {"request": f"{asked.pk}:{asked.evidence_digest}"}
    assert browser(bob).post(SIGN, {**item, "password": "wrong"}).context["error"].field == "password"
    browser(bob).post(SIGN, {**item, "password": "correct horse battery staple"})
    assert asked.reviews.get().confirmed_with == "password"


@pytest.mark.parametrize("picked", [["x"], ["1" * 30], ["-1"], [str(number) for number in range(1, 120)]])
def test_malformed_choices_are_a_400(bob, picked):
    assert browser(bob).get(SIGN, {"request": picked}).status_code == 400


def test_a_request_out_of_sight_is_not_among_them(asked, mallory):
    assert browser(mallory).get(SIGN, {"request": asked.pk}).context["items"] == []
