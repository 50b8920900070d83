"""Waivers: who may answer for a check, for how long, and what follows."""

import json
from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from apps.approvals import checks, services, waivers
from apps.approvals.models import ApprovalRequest, Waiver
from apps.audit.actions import Action
from apps.audit.models import AuditEvent
from apps.errors import Conflict, InvalidInput, NotAllowed, NotVisible, RuleViolation, WrongState
from tests.approvals.test_hostile import together
from tests.approvals.test_views import browser, detail_url, text_of

HOSTILE = '"><script>alert(1)</script>'


@pytest.fixture
def waive(blocked):
    def give(by, check: str = "signature", *, reason: str = "Scores a file.", days: int = 7) -> Waiver:
        return waivers.waive(blocked.pk, check, reason=reason, days=days, by=by)

    return give


def now(request) -> ApprovalRequest:
    return ApprovalRequest.objects.select_related("policy", "version__model").get(pk=request.pk)


def unmet(request) -> list[str]:
    return [row.name for row in checks.unmet(now(request))]


def sign(request, by) -> ApprovalRequest:
    return services.act(request.pk, "approve", by=by, evidence_digest=now(request).evidence_digest)


def test_a_reviewer_answers_for_a_check_and_the_trail_says_so(blocked, waive, erin):
    waiver = waive(erin)
    event = AuditEvent.objects.get(action=Action.CHECK_WAIVED)
    assert (event.actor, event.target, event.reason) == ("erin", f"request {blocked.pk}", "Scores a file.")
    assert (event.data["check"], event.data["before"], event.data["expires_at"]) == (
        "signature", {"outcome": "fail"}, waiver.expires_at.isoformat(),
    )  # fmt: skip
    assert abs(waiver.expires_at - timezone.now() - timedelta(days=7)) < timedelta(minutes=1)


def test_the_last_thing_missing_approves_the_request(blocked, waive, report, bob, erin):
    report("pass")
    assert sign(blocked, bob).state == "open"
    waive(erin)
    assert now(blocked).state == "approved"


def test_the_requester_waives_nothing(blocked, waive, alice):
    with pytest.raises(NotAllowed):
        waive(alice)


def test_the_requester_waives_nothing_as_a_reviewer_either(unsigned, policy, bob, erin):
    request = services.open_request(unsigned.pk, "Production", reason="Better.", by=bob)
    with pytest.raises(RuleViolation, match="somebody else"):
        waivers.waive(request.pk, "signature", reason="Fine.", days=1, by=bob)
    assert AuditEvent.objects.get(action=Action.CHECK_WAIVED).outcome == "refused"


def test_whom_the_policy_excludes_waives_nothing(blocked, unsigned, waive, erin):
    unsigned.run = {**unsigned.run, "user": "erin"}
    unsigned.save()
    with pytest.raises(RuleViolation, match="keeps whoever made this version"):
        waive(erin)


def test_who_wrote_the_evidence_last_waives_nothing(blocked, report, waive, bob):
    report("fail", by=bob)
    with pytest.raises(RuleViolation):
        waive(bob, "external:lint")


@pytest.mark.parametrize("who", ["charlie", "admin"])
def test_without_the_reviewers_duty_nobody_waives(blocked, waive, who, request):
    with pytest.raises(NotAllowed):
        waive(request.getfixturevalue(who))


def test_a_stranger_finds_no_request(blocked, waive, mallory):
    with pytest.raises(NotVisible):
        waive(mallory)


def test_a_finished_request_has_nothing_to_waive(blocked, waive, alice, erin):
    services.act(blocked.pk, "withdraw", by=alice)
    with pytest.raises(WrongState):
        waive(erin)


def test_what_is_in_nobodys_way_is_not_waived(blocked, waive, erin):
    with pytest.raises(WrongState, match="nothing to waive"):
        waive(erin, "description")


def test_a_check_that_was_never_reported_can_be_waived(blocked, waive, erin):
    waive(erin, "external:lint")
    assert unmet(blocked) == ["signature"]


def test_a_check_that_only_advises_can_be_waived(blocked, unsigned, waive, erin):
    unsigned.description = ""
    unsigned.save()
    assert waive(erin, "description").check_name == "description"


@pytest.mark.parametrize("check", ["", "nothing", "external:other", HOSTILE, "x" * 500])
def test_a_check_that_is_not_there_is_refused(blocked, waive, erin, check):
    with pytest.raises(InvalidInput) as refused:
        waive(erin, check)
    assert refused.value.field == "check"


@pytest.mark.parametrize("days", [0, -1, 91, 10**9])
def test_a_waiver_holds_from_1_to_90_days(blocked, waive, erin, days):
    with pytest.raises(InvalidInput) as refused:
        waive(erin, days=days)
    assert refused.value.field == "days"


@pytest.mark.parametrize("reason", ["", "   ", "x" * 5001, "a\0b"])
def test_a_waiver_needs_a_reason(blocked, waive, erin, reason):
    with pytest.raises(InvalidInput) as refused:
        waive(erin, reason=reason)
    assert refused.value.field == "reason"


def test_a_second_waiver_names_the_first(blocked, waive, bob, erin):
    waive(erin)
    with pytest.raises(Conflict, match="erin has waived “Signature” until"):
        waive(bob)


def test_a_waiver_whose_time_is_over_makes_way_for_another(blocked, waive, bob, erin):
    first = waive(erin)
    Waiver.objects.update(expires_at=timezone.now())
    assert unmet(blocked) == ["signature", "external:lint"]
    second = waive(bob)
    assert (list(Waiver.objects.filter(revoked_at=None)), Waiver.objects.get(pk=first.pk).revoked_by) == ([second], "")


@pytest.mark.django_db(transaction=True)
def test_of_two_waivers_at_once_one_counts(blocked, waive, bob, erin):
    assert together(lambda: waive(bob), lambda: waive(erin)) == [Conflict]
    assert Waiver.objects.count() == 1


# --- revoking ---


def test_a_revoked_waiver_counts_no_longer_and_brings_the_request_back(blocked, waive, report, bob, erin):
    report("pass")
    waiver = waive(erin)
    assert sign(blocked, bob).state == "approved"
    waivers.revoke(blocked.pk, waiver.pk, reason="The file went away.", by=bob)
    assert (now(blocked).state, unmet(blocked)) == ("open", ["signature"])
    event = AuditEvent.objects.get(action=Action.WAIVER_REVOKED)
    assert (event.actor, event.reason, event.data["check"]) == ("bob", "The file went away.", "signature")


def test_who_waived_may_revoke_without_the_duty(blocked, waive, erin):
    waiver = waive(erin)
    erin.groups.clear()
    erin = type(erin).objects.get(pk=erin.pk)
    with pytest.raises(NotVisible):  # who may not see the model any more may nothing
        waivers.revoke(blocked.pk, waiver.pk, reason="Wrong.", by=erin)


@pytest.mark.parametrize("who", ["alice", "charlie", "admin"])
def test_others_do_not_revoke(blocked, waive, erin, who, request):
    waiver = waive(erin)
    with pytest.raises(NotAllowed):
        waivers.revoke(blocked.pk, waiver.pk, reason="Wrong.", by=request.getfixturevalue(who))


def test_a_waiver_is_revoked_once_and_with_a_reason(blocked, waive, bob, erin):
    waiver = waive(erin)
    with pytest.raises(InvalidInput):
        waivers.revoke(blocked.pk, waiver.pk, reason=" ", by=bob)
    waivers.revoke(blocked.pk, waiver.pk, reason="Wrong.", by=bob)
    with pytest.raises(WrongState):
        waivers.revoke(blocked.pk, waiver.pk, reason="Wrong.", by=bob)


def test_a_waiver_of_another_request_is_not_found(blocked, waive, erin):
    with pytest.raises(NotVisible):
        waivers.revoke(blocked.pk, waive(erin).pk + 1, reason="Wrong.", by=erin)


# --- pages ---


def waive_url(request) -> str:
    return reverse("approvals:check-waive", args=[request.pk])


def test_the_request_page_offers_a_waiver_to_who_may_give_one(blocked, erin):
    page = browser(erin).get(detail_url(blocked)).content.decode()
    assert page.count(f'action="{waive_url(blocked)}"') == 3  # the signature, the card, and what nobody reported


def test_the_request_page_says_why_somebody_may_not(blocked, alice):
    page = text_of(browser(alice).get(detail_url(blocked)))
    assert "Waive a check: Waiving a check needs the reviewer&#x27;s duty on this model." in page


def test_a_waiver_is_given_on_the_page_and_shown_there(blocked, erin):
    values = {"check": "signature", "reason": f"Scores a file. {HOSTILE}", "days": "7"}
    answer = browser(erin).post(waive_url(blocked), values)
    assert (answer.status_code, answer.url) == (302, f"{detail_url(blocked)}#checks")
    page = browser(erin).get(detail_url(blocked)).content.decode()
    assert ("Waived by erin until" in page, HOSTILE in page, "Revoke the waiver" in page) == (True, False, True)


def test_the_page_of_one_check_says_what_it_says_and_keeps_what_was_typed(blocked, erin):
    client = browser(erin)
    assert "No signature: nobody can tell" in text_of(client.get(f"{waive_url(blocked)}?check=signature"))
    answer = client.post(waive_url(blocked), {"check": "signature", "reason": "Because of that.", "days": "500"})
    assert (answer.status_code, "Because of that." in answer.content.decode()) == (400, True)


def test_the_page_is_for_those_who_may_waive(blocked, alice, charlie, mallory):
    codes = [browser(who).get(f"{waive_url(blocked)}?check=signature").status_code for who in (alice, charlie, mallory)]
    assert codes == [403, 403, 404]


def test_without_naming_a_check_the_page_leads_to_all_of_them(blocked, erin):
    assert browser(erin).get(waive_url(blocked)).url == f"{detail_url(blocked)}#checks"


@pytest.mark.parametrize("check", ["nothing", "%00", "x" * 500])
def test_a_page_of_no_check_is_refused(blocked, erin, check):
    assert browser(erin).get(f"{waive_url(blocked)}?check={check}").status_code == 400
    assert browser(erin).post(waive_url(blocked), {"check": check}).status_code == 400


def test_a_waiver_is_revoked_on_the_page(blocked, waive, erin):
    url = reverse("approvals:waiver-revoke", args=[blocked.pk, waive(erin).pk])
    assert browser(erin).post(url, {"reason": ""}).status_code == 400
    assert browser(erin).post(url, {"reason": "Wrong."}).status_code == 302
    assert unmet(blocked) == ["signature", "external:lint"]


# --- over the API ---


def send(user, url: str, said):
    return browser(user).post(url, json.dumps(said), content_type="application/json")


def test_a_waiver_is_given_listed_and_revoked_over_the_api(blocked, erin, charlie):
    url = f"/api/v1/requests/{blocked.pk}/waivers/"
    given = send(erin, url, {"check": "signature", "reason": "Scores a file.", "days": 7})
    assert (given.status_code, given.json()["waived_by"], given.json()["revoked_at"]) == (201, "erin", None)
    revoked = send(erin, f"{url}{given.json()['id']}/revoke/", {"reason": "Wrong."})
    assert (revoked.status_code, revoked.json()["revoked_by"]) == (200, "erin")
    listed = browser(charlie).get(url).json()["results"]
    assert [(row["check"], row["reason"], row["revoked_by"]) for row in listed] == [
        ("signature", "Scores a file.", "erin")
    ]


@pytest.mark.parametrize(
    ("said", "field"),
    [
        ({"reason": "x", "days": 7}, "check"),
        ({"check": "nothing", "reason": "x", "days": 7}, "check"),
        ({"check": "signature", "days": 7}, "reason"),
        ({"check": "signature", "reason": "x"}, "days"),
        ({"check": "signature", "reason": "x", "days": 91}, "days"),
        ({"check": "signature", "reason": "x", "days": 7, "by": "erin"}, "by"),
    ],
)
def test_the_api_names_the_field_at_fault(blocked, erin, said, field):
    answer = send(erin, f"/api/v1/requests/{blocked.pk}/waivers/", said)
    assert (answer.status_code, {row["field"] for row in answer.json()["errors"]}) == (400, {field})
