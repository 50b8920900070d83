"""One person reviews for another: given for a while, on a scope, under the exclusions of both."""

from datetime import timedelta

import pytest
from django.contrib.auth.models import Group
from django.utils import timezone

from apps.accounts import grants
from apps.accounts.roles import ADMIN, DATA_SCIENTIST, REVIEWER
from apps.approvals import eligibility, queries, services
from apps.approvals.delegating import services as delegating
from apps.approvals.delegating.voices import speaks_for
from apps.approvals.models import ApprovalRequest, Delegation, Review
from apps.approvals.signing import Signing
from apps.audit.actions import Action, Outcome
from apps.audit.models import AuditEvent
from apps.errors import Conflict, InvalidInput, NotAllowed, NotVisible, RuleViolation, WrongState
from apps.registry.models import ModelVersion
from tests.approvals.lifecycle.test_races import together
from tests.builders import make_model, make_policy
from tests.conftest import member


def later(days: float = 7):
    return timezone.now() + timedelta(days=days)


def lend(delegator, delegate, **terms) -> Delegation:
    values = {"ends_at": later(), "by": delegator} | terms
    return delegating.give(delegate.username, **values)


def lapse(row: Delegation) -> None:
    """Its time is over."""
    Delegation.objects.filter(pk=row.pk).update(starts_at=later(-9), ends_at=later(-1))


def words(asked) -> list[tuple[str, str, str]]:
    rows = Review.objects.filter(request=asked, standing=True).order_by("id")
    return list(rows.values_list("reviewer__username", "counts_for__username", "verdict"))


def state(asked) -> str:
    return ApprovalRequest.objects.get(pk=asked.pk).state


def test_a_viewer_reviews_for_the_reviewer_who_delegated_to_them(asked, sign, bob, charlie):
    lend(bob, charlie)
    vote = sign(charlie, on_behalf_of="bob")
    assert (vote.counts_for, vote.statement[:35]) == (bob, "I, Charlie (charlie), for Bob (bob)")
    assert (words(asked), state(asked)) == ([("charlie", "bob", "approve")], "approved")


def test_the_trail_says_who_reviewed_for_whom(asked, sign, bob, charlie):
    lend(bob, charlie)
    sign(charlie, on_behalf_of="bob")
    event = AuditEvent.objects.get(action=Action.REQUEST_REVIEWED)
    assert (event.actor, event.data["on_behalf_of"]) == ("charlie", "bob")
    assert AuditEvent.objects.get(action=Action.REQUEST_APPROVED).data["approved_by"] == ["bob"]


def test_without_a_delegation_nobody_speaks_for_another(asked, sign, bob, charlie):
    with pytest.raises(RuleViolation, match="No delegation in force") as refused:
        sign(charlie, on_behalf_of="bob")
    assert refused.value.field == "on_behalf_of"


def test_a_refusal_says_for_whom_it_was_asked(asked, sign, bob, charlie):
    with pytest.raises(RuleViolation):
        sign(charlie, on_behalf_of="bob")
    event = AuditEvent.objects.latest("id")
    assert (event.outcome, event.actor, event.data["on_behalf_of"]) == (Outcome.REFUSED, "charlie", "bob")


def test_who_exists_is_not_told_by_the_refusal(asked, sign, bob, charlie):
    for name in ("bob", "nobody"):
        with pytest.raises(RuleViolation, match=f"for “{name}”. Review for yourself"):
            sign(charlie, on_behalf_of=name)


@pytest.mark.parametrize("how", ["over", "not begun", "revoked", "another model", "delegator gone"])
def test_a_delegation_out_of_force_lends_nothing(asked, sign, bob, erin, charlie, how):
    terms = {"starts_at": later(1)} if how == "not begun" else {}
    terms |= {"model": make_model("other")} if how == "another model" else {}
    row = lend(bob, charlie, **terms)
    if how == "over":
        lapse(row)
    if how == "revoked":
        delegating.revoke(row.pk, by=bob)
    if how == "delegator gone":
        type(bob).objects.filter(pk=bob.pk).update(is_active=False)
    with pytest.raises(RuleViolation, match="No delegation in force"):
        sign(charlie, on_behalf_of="bob")


def test_a_delegation_for_one_model_holds_there(asked, model, sign, bob, charlie):
    lend(bob, charlie, model=model)
    assert sign(charlie, on_behalf_of="bob").counts_for == bob


def test_what_was_lent_is_not_lent_on(asked, sign, bob, erin, charlie):
    lend(bob, charlie)
    dora = member("dora", REVIEWER)
    lend(dora, erin)
    assert [person.username for person in speaks_for(charlie, asked.version.model)] == ["bob"]
    with pytest.raises(RuleViolation, match="No delegation in force"):
        sign(charlie, on_behalf_of="dora")


def test_the_requester_reviews_for_nobody(asked, sign, alice, bob):
    lend(bob, alice)
    with pytest.raises(RuleViolation, match="You asked for this promotion"):
        sign(alice, on_behalf_of="bob")


def test_nobody_reviews_for_the_requester(version, policy, bob, erin, charlie):
    requester = member("rita", DATA_SCIENTIST, REVIEWER)
    lend(requester, charlie)
    asked = services.open_request(version.pk, "Production", reason="Better.", by=requester)
    signing = Signing(on_behalf_of="rita")
    with pytest.raises(RuleViolation, match="Rita asked for this promotion, so nobody can review it for them"):
        services.act(asked.pk, "approve", by=charlie, evidence_digest=asked.evidence_digest, signing=signing)


@pytest.mark.parametrize(
    ("fields", "whose", "sentence"),
    [
        ({"run": {"user": "charlie"}}, "delegate", "You trained this version"),
        ({"tags": {"mlflow.user": "charlie"}}, "delegate", "You registered this version"),
        ({"run": {"user": "bob"}}, "delegator", "Bob trained this version, so nobody can review it for them"),
        ({"tags": {"mlflow.user": "bob"}}, "delegator", "Bob registered this version, so nobody can review it"),
    ],
)
def test_what_excludes_one_of_the_two_excludes_the_delegate(
    version, policy, alice, bob, erin, charlie, fields, whose, sentence
):
    lend(bob, charlie)
    ModelVersion.objects.filter(pk=version.pk).update(**fields)
    asked = services.open_request(version.pk, "Production", reason="Better.", by=alice)
    signing = Signing(on_behalf_of="bob")
    with pytest.raises(RuleViolation, match=sentence):
        services.act(asked.pk, "approve", by=charlie, evidence_digest=asked.evidence_digest, signing=signing)


def test_a_delegate_fills_the_seat_of_the_delegators_group_alone(version, alice, bob, erin, charlie):
    risk = Group.objects.create(name="risk")
    risk.user_set.add(bob, charlie)
    make_policy(group=risk)
    lend(erin, charlie)
    asked = services.open_request(version.pk, "Production", reason="Better.", by=alice)
    signing = Signing(on_behalf_of="erin")
    with pytest.raises(RuleViolation, match="A review by Erin would not count here"):
        services.act(asked.pk, "approve", by=charlie, evidence_digest=asked.evidence_digest, signing=signing)


def test_a_stranger_to_the_model_reviews_for_nobody(asked, bob, mallory):
    lend(bob, mallory)
    signing = Signing(on_behalf_of="bob")
    with pytest.raises(NotVisible):
        services.act(asked.pk, "approve", by=mallory, evidence_digest=asked.evidence_digest, signing=signing)


def test_the_delegators_own_word_takes_the_place_of_the_delegates(asked, sign, bob, charlie):
    lend(bob, charlie)
    sign(charlie, "request_changes", "Explain.", on_behalf_of="bob")
    sign(bob)
    assert (words(asked), state(asked)) == ([("bob", "bob", "approve")], "approved")


def test_the_delegates_word_takes_the_place_of_the_delegators(asked, sign, bob, charlie):
    sign(bob, "request_changes", "Explain.")
    lend(bob, charlie)
    sign(charlie, on_behalf_of="bob")
    assert (words(asked), state(asked)) == ([("charlie", "bob", "approve")], "approved")


def test_one_person_fills_one_seat_for_themselves_or_for_another(version, alice, bob, erin, frank):
    make_policy(required_approvals=2)
    asked = services.open_request(version.pk, "Production", reason="Better.", by=alice)
    for lender in (bob, frank):
        lend(lender, erin)
    for name in ("", "bob", "frank"):
        signing = Signing(on_behalf_of=name)
        services.act(asked.pk, "approve", by=erin, evidence_digest=asked.evidence_digest, signing=signing)
    assert (words(asked), state(asked)) == ([("erin", "frank", "approve")], "open")


def test_the_same_is_said_for_somebody_once(asked, sign, bob, charlie):
    lend(bob, charlie)
    sign(charlie, "request_changes", "Explain.", on_behalf_of="bob")
    with pytest.raises(Conflict, match="already said this for Bob"):
        sign(charlie, "request_changes", "Explain.", on_behalf_of="bob")


def test_a_vote_stands_when_the_time_of_its_delegation_is_over(version, alice, bob, erin, charlie):
    make_policy(required_approvals=2)
    asked = services.open_request(version.pk, "Production", reason="Better.", by=alice)
    row = lend(bob, charlie)
    signing = Signing(on_behalf_of="bob")
    services.act(asked.pk, "approve", by=charlie, evidence_digest=asked.evidence_digest, signing=signing)
    lapse(row)
    services.act(asked.pk, "approve", by=erin, evidence_digest=asked.evidence_digest)
    assert state(asked) == "approved"


@pytest.mark.parametrize("who", ["delegator", "delegate"])
def test_a_vote_lapses_when_one_of_the_two_may_no_longer_give_it(version, alice, bob, erin, charlie, who):
    make_policy(required_approvals=2)
    asked = services.open_request(version.pk, "Production", reason="Better.", by=alice)
    lend(bob, charlie)
    signing = Signing(on_behalf_of="bob")
    services.act(asked.pk, "approve", by=charlie, evidence_digest=asked.evidence_digest, signing=signing)
    gone = bob if who == "delegator" else charlie
    type(gone).objects.filter(pk=gone.pk).update(is_active=False)
    assert [row.reviewer for row in eligibility.lapsed_reviews(asked)] == [charlie]
    assert eligibility.counted(asked) == []


def test_a_delegate_is_offered_what_they_may_do_for_another(asked, bob, charlie):
    assert {offer.action: bool(offer.refusal) for offer in queries.allowed_actions(asked, charlie)}["approve"]
    lend(bob, charlie)
    assert not {offer.action: bool(offer.refusal) for offer in queries.allowed_actions(asked, charlie)}["approve"]


# Giving and revoking


def test_a_delegation_is_recorded_with_its_terms(model, bob, charlie):
    row = lend(bob, charlie, model=model, reason="Holidays")
    event = AuditEvent.objects.get(action=Action.DELEGATION_GIVEN)
    assert (event.actor, event.target, event.model_id, event.reason) == (
        "bob",
        f"delegation {row.pk}",
        model.pk,
        "Holidays",
    )
    assert (event.data["after"]["delegator"], event.data["after"]["delegate"]) == ("bob", "charlie")


def test_an_admin_delegates_for_somebody_who_is_away(admin, bob, charlie):
    row = delegating.give("charlie", by=admin, delegator="bob", ends_at=later(), reason="Bob is ill.")
    assert (row.delegator, row.delegate) == (bob, charlie)


def test_an_admin_takes_over_nobodys_reviews(admin, bob):
    with pytest.raises(RuleViolation, match="You cannot take over somebody's reviews yourself"):
        delegating.give("admin", by=admin, delegator="bob", ends_at=later(), reason="Bob is ill.")


@pytest.mark.parametrize(
    ("terms", "error", "field"),
    [
        ({"delegate": "bob"}, RuleViolation, "delegate"),
        ({"delegate": "nobody"}, InvalidInput, "delegate"),
        ({"ends_at": later(-1)}, InvalidInput, "ends_at"),
        ({"starts_at": later(3), "ends_at": later(2)}, InvalidInput, "ends_at"),
        ({"ends_at": later(181)}, InvalidInput, "ends_at"),
        ({"delegator": "erin"}, NotAllowed, None),
        ({"reason": "x" * 5001}, InvalidInput, "reason"),
    ],
)
def test_a_delegation_that_makes_no_sense_is_refused(bob, erin, charlie, terms, error, field):
    with pytest.raises(error) as refused:
        delegating.give(**{"delegate": "charlie", "by": bob, "ends_at": later()} | terms)
    assert (refused.value.field, Delegation.objects.count()) == (field, 0)
    assert AuditEvent.objects.get(action=Action.DELEGATION_GIVEN).outcome == "refused"


def test_who_reviews_nothing_has_nothing_to_lend(alice, charlie):
    with pytest.raises(RuleViolation, match="Alice reviews nothing there"):
        lend(alice, charlie)


def test_who_may_not_read_the_model_cannot_be_its_delegate(model, bob, mallory):
    with pytest.raises(InvalidInput, match="who may read what they are to review"):
        lend(bob, mallory, model=model)


def test_a_model_out_of_sight_cannot_be_delegated(model, mallory, bob):
    with pytest.raises(NotVisible):
        delegating.give("bob", by=mallory, model=model, ends_at=later())


def test_the_same_is_not_lent_twice_at_a_time(bob, charlie):
    row = lend(bob, charlie)
    with pytest.raises(Conflict, match=f"Delegation {row.pk} lends the same"):
        lend(bob, charlie, ends_at=later(2))


@pytest.mark.parametrize("who", ["bob", "charlie"])
def test_both_of_the_two_can_end_it(bob, charlie, who):
    row = delegating.revoke(lend(bob, charlie).pk, by={"bob": bob, "charlie": charlie}[who])
    assert row.revoked_at is not None
    assert AuditEvent.objects.get(action=Action.DELEGATION_REVOKED).actor == who


def test_an_admin_ends_it_with_a_reason(admin, bob, charlie):
    row = lend(bob, charlie)
    with pytest.raises(InvalidInput):
        delegating.revoke(row.pk, by=admin)
    assert delegating.revoke(row.pk, by=admin, reason="Left the team.").revoked_at is not None


def test_others_see_no_delegation_of_two_others(bob, charlie, erin):
    row = lend(bob, charlie)
    with pytest.raises(NotVisible):
        delegating.revoke(row.pk, by=erin)


def test_what_is_over_cannot_be_revoked(bob, charlie):
    row = lend(bob, charlie)
    delegating.revoke(row.pk, by=bob)
    with pytest.raises(WrongState):
        delegating.revoke(row.pk, by=bob)


# Whoever asked lends nobody's voice: see also tests/approvals/test_signers.py


@pytest.fixture
def grace(db):
    """An admin who asks for promotions."""
    return member("grace", ADMIN)


@pytest.fixture
def hers(version, policy, bob, grace) -> ApprovalRequest:
    return services.open_request(version.pk, "Production", reason="Better.", by=grace)


@pytest.mark.parametrize("scope", ["model", "all"])
def test_the_requester_lends_nobody_the_voice_of_a_reviewer_who_is_away(hers, model, bob, charlie, grace, scope):
    on = model if scope == "model" else None
    with pytest.raises(RuleViolation, match=f"You asked for request {hers.pk}, which is not finished") as error:
        delegating.give("charlie", by=grace, delegator="bob", model=on, ends_at=later(), reason="He is away.")
    event = AuditEvent.objects.latest("id")
    assert (event.action, event.outcome, event.reason) == ("delegation.given", "refused", error.value.message)
    assert Delegation.objects.count() == 0


def test_another_admin_lends_it_meanwhile(hers, bob, charlie, admin):
    row = delegating.give("charlie", by=admin, delegator="bob", ends_at=later(), reason="He is away.")
    assert (row.delegator, row.delegate) == (bob, charlie)


def test_the_requester_lends_a_voice_that_says_nothing_there(hers, bob, charlie, erin, grace):
    other = make_model("other")
    row = delegating.give("charlie", by=grace, delegator="bob", model=other, ends_at=later(), reason="He is away.")
    assert row.model == other


def test_the_requester_revokes_nobody_elses_delegation_there(hers, bob, charlie, grace, admin):
    row = lend(bob, charlie)
    with pytest.raises(RuleViolation, match="Whoever asks does not choose that"):
        delegating.revoke(row.pk, by=grace, reason="He objects.")
    assert delegating.revoke(row.pk, by=admin, reason="Left the team.").revoked_at is not None


def test_the_requester_takes_back_what_they_lent_themselves(hers, charlie, grace):
    grace.groups.add(Group.objects.get(name="reviewers"))
    row = lend(type(grace).objects.get(pk=grace.pk), charlie)
    assert delegating.revoke(row.pk, by=grace).revoked_at is not None


def test_the_page_and_the_api_refuse_the_requester_alike(client, hers, bob, charlie, grace):
    client.force_login(grace)
    ends = later(3)
    form = {"delegate": "charlie", "delegator": "bob", "ends": ends.date().isoformat(), "reason": "He is away."}
    page = client.post("/delegations/", form)
    assert (page.status_code, list(page.context["form"].errors)) == (403, ["delegator"])
    body = {"delegate": "charlie", "delegator": "bob", "ends_at": ends.isoformat(), "reason": "He is away."}
    answer = client.post("/api/v1/delegations/", body, content_type="application/json")
    assert (answer.status_code, answer.json()["code"]) == (403, "rule_violation")
    url = f"delegations/{lend(bob, charlie).pk}/revoke/"
    refused = client.post(f"/api/v1/{url}", {"reason": "He objects."}, content_type="application/json")
    shown = client.post(f"/{url}", {"reason": "He objects."})
    assert (refused.status_code, shown.status_code) == (403, 403)
    assert f"You asked for request {hers.pk}" in shown.content.decode()


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("attempt", range(3))
def test_asking_while_a_voice_is_lent_ends_with_the_voice_lent_before_or_not_at_all(
    version, policy, bob, charlie, grace, attempt
):
    together(
        lambda: services.open_request(version.pk, "Production", reason="Better.", by=grace),
        lambda: delegating.give("charlie", by=grace, delegator="bob", ends_at=later(), reason="He is away."),
    )
    asked = AuditEvent.objects.get(action="request.opened", outcome="done")
    given = AuditEvent.objects.filter(action="delegation.given", outcome="done").first()
    assert given is None or given.pk < asked.pk
    assert Delegation.objects.exists() is (given is not None)


# The page and the API


def test_a_delegate_finds_what_waits_for_them(client, asked, bob, erin, charlie):
    client.force_login(charlie)
    assert client.get("/delegations/").context["waiting"] == []
    lend(bob, charlie)
    lend(erin, charlie, model=make_model("other"))
    assert client.get("/delegations/").context["waiting"] == [(bob, [asked])]
    assert "churn v2 to Production" in client.get("/delegations/").content.decode()


def test_what_the_delegate_asked_for_does_not_wait_for_them(client, asked, alice, bob):
    lend(bob, alice)
    client.force_login(alice)
    assert client.get("/delegations/").context["waiting"] == []


def test_bob_delegates_on_the_page_and_revokes_it(client, bob, charlie):
    client.force_login(bob)
    ends = later(3).date()
    sent = client.post("/delegations/", {"delegate": "charlie", "ends": ends.isoformat()})
    row = Delegation.objects.get()
    assert (sent.status_code, row.delegate, row.ends_at.isoformat()) == (302, charlie, f"{ends}T23:59:59+00:00")
    assert "Charlie for Bob" in client.get("/delegations/").content.decode()
    assert client.post(f"/delegations/{row.pk}/revoke/", {}).status_code == 302
    assert "Charlie for Bob" not in client.get("/delegations/").content.decode().split("<main")[1]
    assert "Charlie for Bob" in client.get("/delegations/?show=ended").content.decode()


def test_a_refusal_comes_back_on_its_field(client, bob):
    client.force_login(bob)
    page = client.post("/delegations/", {"delegate": "nobody", "ends": later(3).date().isoformat()})
    assert (page.status_code, list(page.context["form"].errors)) == (400, ["delegate"])


def test_only_who_manages_people_is_asked_for_whom(client, admin, bob):
    asked = {}
    for person in (admin, bob):
        client.force_login(person)
        asked[person.username] = "delegator" in client.get("/delegations/").context["form"].fields
    assert asked == {"admin": True, "bob": False}


def test_delegations_over_the_api(client, bob, charlie, erin):
    client.force_login(bob)
    body = {"delegate": "charlie", "ends_at": later().isoformat()}
    given = client.post("/api/v1/delegations/", body, content_type="application/json")
    assert (given.status_code, given.json()["delegator"], given.json()["model"]) == (201, "bob", None)
    url = f"/api/v1/delegations/{given.json()['id']}/revoke/"
    assert [row["delegate"] for row in client.get("/api/v1/delegations/?current=true").json()["results"]] == ["charlie"]
    client.force_login(erin)
    assert client.get("/api/v1/delegations/").json()["results"] == []
    assert client.post(url, {}, content_type="application/json").status_code == 404
    client.force_login(bob)
    assert client.post(url, {}, content_type="application/json").json()["revoked_at"] is not None
    assert client.get("/api/v1/delegations/?current=true").json()["results"] == []


def test_a_delegation_on_a_model_that_is_out_of_sight_is_not_listed(client, model, bob, charlie):
    lend(bob, charlie, model=model)
    charlie.groups.clear()
    client.force_login(charlie)
    assert client.get("/api/v1/delegations/").json()["results"] == []


def test_a_duty_on_one_model_is_lent_for_every_model_that_is_reviewed(model, charlie, mallory):
    group = Group.objects.create(name="reviewers of churn")
    grants.set_role(group, [REVIEWER], model)
    mallory.groups.add(group)
    assert lend(mallory, charlie).delegator == mallory


def test_a_word_that_was_lent_falls_when_it_is_taken_back(asked, sign, bob, charlie):
    row = lend(bob, charlie)
    sign(charlie, on_behalf_of="bob")
    assert eligibility.enough_approvals(asked)
    delegating.revoke(row.pk, by=bob)
    assert not eligibility.enough_approvals(ApprovalRequest.objects.get(pk=asked.pk))


def test_a_word_that_was_lent_stays_when_its_time_runs_out(asked, sign, bob, charlie):
    row = lend(bob, charlie)
    sign(charlie, on_behalf_of="bob")
    lapse(row)
    assert eligibility.enough_approvals(ApprovalRequest.objects.get(pk=asked.pk))
