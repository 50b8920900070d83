"""What a policy asks signers for, and what becomes of votes that were signed with less."""

from urllib.parse import quote

import pytest
from allauth.mfa.models import Authenticator

from apps.accounts.assurance import SignWith
from apps.accounts.roles import EMERGENCY, VIEWER
from apps.approvals import bulk, services
from apps.approvals.exceptional import bypass
from apps.approvals.models import ApprovalPolicy, ApprovalRequest, Review
from apps.approvals.signing import Signing
from apps.audit.actions import Action, Outcome
from apps.audit.models import AuditEvent
from apps.errors import InvalidInput, RuleViolation
from tests.approvals.test_views import browser, text_of
from tests.approvals.votes.test_delegating import lend
from tests.builders import make_model, make_policy, make_version, publish_policy
from tests.conftest import PASSWORD, member
from tests.factors import code_of, with_app


@pytest.fixture
def policy(db) -> ApprovalPolicy:
    """A policy that takes a second factor."""
    return make_policy(sign_with="factor")


@pytest.fixture
def bob(bob):
    """Bob has an authenticator app; erin has none."""
    return with_app(bob)


def test_a_code_signs_and_the_signature_says_so(sign, bob):
    vote = sign(bob, password=code_of(bob))
    event = AuditEvent.objects.get(action=Action.REQUEST_REVIEWED, outcome=Outcome.DONE)
    assert (vote.confirmed_with, event.data["confirmed_with"]) == ("totp", "totp")


@pytest.mark.parametrize(
    ("given", "words"),
    [("", "wants your second factor"), (PASSWORD, "A password is not enough"), ("000000", "This code does not count")],
)
def test_less_than_a_factor_signs_nothing(sign, bob, given, words):
    with pytest.raises(InvalidInput, match=words) as refused:
        sign(bob, password=given)
    assert (refused.value.field, Review.objects.count()) == ("password", 0)
    assert AuditEvent.objects.get(action=Action.REQUEST_REVIEWED).outcome == "refused"


@pytest.mark.parametrize("action", ["approve", "request_changes", "reject"])
def test_who_has_no_factor_is_told_before_they_sign(sign, erin, action):
    with pytest.raises(RuleViolation, match="you have none yet"):
        sign(erin, action, "Hm.", password=PASSWORD)
    assert Review.objects.count() == 0


@pytest.mark.parametrize(("delegate", "allowed"), [("bob", True), ("erin", False)])
def test_a_delegate_signs_with_their_own_factor(asked, sign, bob, erin, frank, delegate, allowed):
    person = {"bob": bob, "erin": erin}[delegate]
    lend(frank, person)
    if allowed:
        assert sign(person, on_behalf_of="frank", password=code_of(person)).confirmed_with == "totp"
        return
    with pytest.raises(RuleViolation, match="you have none yet"):
        sign(person, on_behalf_of="frank", password=PASSWORD)


def test_who_could_sign_stays_who_could_sign(asked, bob, erin):
    answer = browser(bob).get(f"/api/v1/requests/{asked.pk}/").json()
    assert answer["who_could_approve"] == ["bob", "erin"]
    assert (answer["policy"]["sign_with"], answer["policy"]["reauthenticate"]) == ("factor", True)


def test_the_page_asks_for_the_code_or_says_where_to_add_a_factor(asked, bob, erin):
    page = browser(bob).get(f"/requests/{asked.pk}/")
    assert "Code of your app" in text_of(page)
    assert "Signing takes your second factor." in text_of(page)
    told = browser(erin).get(f"/requests/{asked.pk}/")
    assert ("you have none yet" in text_of(told), 'href="/account/security/"' in told.content.decode()) == (True, True)
    assert "Code of your app" not in text_of(told)


def test_the_page_signs_with_the_code(asked, bob):
    sent = {"action": "approve", "evidence_digest": asked.evidence_digest, "password": code_of(bob)}
    assert browser(bob).post(f"/requests/{asked.pk}/act/", sent).status_code == 302
    assert "confirmed by code of an app" in text_of(browser(bob).get(f"/requests/{asked.pk}/"))


def test_one_code_signs_many_and_each_with_what_its_policy_takes(asked, alice, bob):
    make_policy("Archived", sign_with="password")
    other = services.open_request(make_version(make_model("late")).pk, "Archived", reason="Old.", by=alice)
    items = [(asked.pk, asked.evidence_digest), (other.pk, other.evidence_digest)]
    results = bulk.bulk_act(items, "approve", by=bob, signing=Signing(password=PASSWORD))
    assert [(row.ok, row.field) for row in results] == [(False, "password"), (True, "")]
    results = bulk.bulk_act(items[:1], "approve", by=bob, signing=Signing(password=code_of(bob)))
    assert [row.ok for row in results] == [True]


def test_the_page_for_several_leaves_out_what_somebody_cannot_sign(asked, alice, bob, erin):
    page = browser(bob).get("/reviews/sign/", {"request": asked.pk})
    assert (page.context["asks"], len(page.context["ready"])) == (SignWith.FACTOR, 1)
    page = browser(erin).get("/reviews/sign/", {"request": asked.pk})
    assert (page.context["ready"], "you have none yet" in text_of(page)) == ([], True)


def with_passkey(person):
    Authenticator.objects.create(user=person, type="webauthn", data={"name": "Laptop", "credential": {}})
    return person


def test_whoever_proves_by_passkey_comes_back_to_the_requests_they_chose(asked, bob):
    sent = {"request": f"{asked.pk}:{asked.evidence_digest}", "comment": "", "password": "000000"}
    page = browser(with_passkey(bob)).get("/reviews/sign/", {"request": asked.pk})
    refused = browser(bob).post("/reviews/sign/", sent | {"meaning": "fun"})
    where = f'?next={quote(f"/reviews/sign/?request={asked.pk}", safe="")}"'
    assert [where in one.content.decode() for one in (page, refused)] == [True, True]


def test_whoever_was_refused_comes_back_from_their_passkey_to_the_request(asked, bob):
    sent = {"action": "approve", "evidence_digest": asked.evidence_digest, "password": "000000"}
    refused = browser(with_passkey(bob)).post(f"/requests/{asked.pk}/act/", sent)
    assert refused.status_code == 400
    assert f'?next={quote(f"/requests/{asked.pk}/", safe="")}"' in refused.content.decode()


def asked_under(version, alice, sign_with: str) -> ApprovalRequest:
    make_policy(sign_with=sign_with)
    return services.open_request(version.pk, "Production", reason="Better.", by=alice)


def approve(asked: ApprovalRequest, by, password: str) -> None:
    signing = Signing(password=password)
    services.act(asked.pk, "approve", by=by, evidence_digest=asked.evidence_digest, signing=signing)


def test_the_installation_may_want_more_than_the_policy(version, alice, bob, settings):
    asked = asked_under(version, alice, "password")
    settings.SIGN_WITH_FACTOR = True
    with pytest.raises(InvalidInput, match="A password is not enough"):
        approve(asked, bob, PASSWORD)


def test_going_past_the_policy_takes_no_less(asked):
    rescuer = member("rosa", VIEWER, EMERGENCY)
    with pytest.raises(RuleViolation, match="you have none yet"):
        bypass.ask(
            asked.pk, reason="Fraud is not scored at all until this is there.", ticket="OPS-1",
            evidence_digest=asked.evidence_digest, password=PASSWORD, by=rescuer,
        )  # fmt: skip


@pytest.mark.parametrize(("sign_with", "state", "left"), [("password", "approved", 1), ("factor", "open", 0)])
def test_under_a_policy_that_asks_for_more_weaker_approvals_fall(version, alice, bob, admin, sign_with, state, left):
    asked = asked_under(version, alice, "password")
    approve(asked, bob, PASSWORD)
    present = publish_policy(required_approvals=1, staleness="none", sign_with=sign_with)
    services.act(asked.pk, "repin", by=admin, comment="The present one.")
    request = ApprovalRequest.objects.get()
    assert (request.policy, request.state, request.reviews.filter(standing=True).count()) == (present, state, left)


def test_an_approval_that_falls_says_why_and_the_trail_names_whose_it_was(version, alice, bob, admin):
    asked = asked_under(version, alice, "none")
    approve(asked, bob, "")
    publish_policy(required_approvals=1, staleness="none", sign_with="factor")
    services.act(asked.pk, "repin", by=admin, comment="The present one.")
    assert "signed with less than the present policy asks for" in Review.objects.get().dismissed_because
    event = AuditEvent.objects.get(action=Action.REQUEST_REPINNED, outcome=Outcome.DONE)
    assert event.data["dismissed"] == ["bob"]
