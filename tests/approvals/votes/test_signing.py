"""A signature: printed name, meaning, statement, and the password where the policy wants it."""

import json
import logging

import pytest

from apps.accounts import throttle
from apps.accounts.tokens import create_token
from apps.approvals import services
from apps.approvals.models import ApprovalPolicy, Review
from apps.approvals.signing import Signing, printed_name
from apps.audit.actions import Action
from apps.audit.models import AuditEvent
from apps.errors import InvalidInput, NotAllowed
from tests.builders import make_policy
from tests.conftest import PASSWORD


@pytest.fixture
def strict(db) -> ApprovalPolicy:
    """A policy that wants the password at each signature."""
    return make_policy(sign_with="password")


@pytest.fixture
def policy(request) -> ApprovalPolicy:
    """The strict policy where a test takes it, an ordinary one elsewhere."""
    return request.getfixturevalue("strict") if "strict" in request.fixturenames else make_policy()


def test_a_signature_keeps_name_meaning_and_statement(sign, bob):
    bob.last_name = "Miller"
    bob.save()
    vote = sign(bob, meaning="responsibility")
    assert (vote.signed_name, vote.meaning, vote.confirmed_with, vote.statement) == (
        "Bob Miller (bob)",
        "responsibility",
        "",
        "I, Bob Miller (bob), approve moving churn v2 to Production. My signature means: Responsibility.",
    )


def test_the_name_stays_as_it_was_signed(sign, bob):
    vote = sign(bob)
    bob.first_name = "Robert"
    bob.save()
    vote.refresh_from_db()
    assert (vote.signed_name, printed_name(bob)) == ("Bob (bob)", "Robert (bob)")


@pytest.mark.parametrize(("action", "meaning"), [("request_changes", "review"), ("approve", "approval")])
def test_what_a_signature_means_unless_it_says_so(sign, bob, action, meaning):
    assert sign(bob, action, "Hm.").meaning == meaning


def test_a_signature_means_one_of_the_list(sign, bob):
    with pytest.raises(InvalidInput, match="approval, review, responsibility, authorship") as refused:
        sign(bob, meaning="fun")
    assert refused.value.field == "meaning"


def test_the_event_tells_what_was_signed(asked, sign, bob):
    vote = sign(bob)
    data = AuditEvent.objects.get(action=Action.REQUEST_REVIEWED, outcome="done").data
    assert (data["review"], data["meaning"], data["signed_name"], data["signed_digest"]) == (
        vote.pk,
        "approval",
        "Bob (bob)",
        asked.evidence_digest,
    )


def test_the_password_confirms_a_signature(strict, sign, bob):
    vote = sign(bob, password=PASSWORD)
    data = AuditEvent.objects.get(action=Action.REQUEST_REVIEWED).data
    assert (vote.confirmed_with, data["confirmed_with"]) == ("password", "password")


@pytest.mark.parametrize(
    ("password", "words"), [("", "wants your password"), ("wrong", "not your password"), (PASSWORD + " ", "not your")]
)
def test_without_the_right_password_nothing_is_signed(strict, asked, sign, bob, password, words):
    with pytest.raises(InvalidInput, match=words) as refused:
        sign(bob, password=password)
    assert (refused.value.field, Review.objects.count()) == ("password", 0)
    assert AuditEvent.objects.get(action=Action.REQUEST_REVIEWED).outcome == "refused"


@pytest.mark.parametrize("action", ["request_changes", "reject"])
def test_every_verdict_is_confirmed(strict, sign, bob, action):
    with pytest.raises(InvalidInput, match="wants your password"):
        sign(bob, action, "No.")


def test_a_wrong_password_is_refused_where_none_is_needed(sign, bob):
    with pytest.raises(InvalidInput, match="not your password"):
        sign(bob, password="wrong")


def test_another_persons_password_does_not_sign(strict, sign, bob, erin):
    erin.set_password("erin's own words to sign in")
    erin.save()
    with pytest.raises(InvalidInput, match="not your password"):
        sign(bob, password="erin's own words to sign in")


def test_after_too_many_wrong_passwords_the_right_one_has_to_wait(strict, sign, bob):
    for _attempt in range(throttle.MAX_FAILURES):
        with pytest.raises(InvalidInput):
            sign(bob, password="wrong")
    with pytest.raises(NotAllowed, match="Too many wrong passwords"):
        sign(bob, password=PASSWORD)
    assert Review.objects.count() == 0


def test_the_right_password_forgets_the_wrong_ones(strict, asked, sign, bob, erin):
    for _attempt in range(throttle.MAX_FAILURES - 1):
        with pytest.raises(InvalidInput):
            sign(bob, password="wrong")
    sign(bob, "request_changes", "Hm.", password=PASSWORD)
    with pytest.raises(InvalidInput):
        sign(bob, password="wrong")
    assert sign(bob, password=PASSWORD).verdict == "approve"


def test_one_password_signs_many_when_it_was_compared_once(strict, asked, bob, django_assert_num_queries):
    signing = Signing(password=PASSWORD).confirmed(bob)
    assert signing.password == ""
    with django_assert_num_queries(0):
        assert signing.confirmed(bob) is signing
    request = services.act(asked.pk, "approve", by=bob, evidence_digest=asked.evidence_digest, signing=signing)
    assert request.state == "approved"


def test_a_confirmation_is_good_for_the_person_who_gave_it_alone(strict, asked, bob, erin):
    signing = Signing(password=PASSWORD).confirmed(bob)
    with pytest.raises(InvalidInput, match="wants your password"):
        services.act(asked.pk, "approve", by=erin, evidence_digest=asked.evidence_digest, signing=signing)


def test_the_password_is_nowhere_afterwards(strict, sign, bob, caplog):
    caplog.set_level(logging.DEBUG)
    with pytest.raises(InvalidInput) as refused:
        sign(bob, password="a secret nobody may read")
    sign(bob, password=PASSWORD)
    written = [*map(str, AuditEvent.objects.values_list("data", "reason")), caplog.text, refused.value.message]
    written += [repr(Signing(password="a secret nobody may read")), *map(str, Review.objects.values())]
    assert [text for text in written if "a secret nobody may read" in text or PASSWORD in text] == []


def test_a_token_alone_does_not_sign_where_the_password_is_wanted(strict, asked, bob, client):
    token = create_token("ci", by=bob, scope="write", days=1).text
    url, said = (
        f"/api/v1/requests/{asked.pk}/reviews/",
        {"verdict": "approve", "evidence_digest": asked.evidence_digest},
    )

    def post(**more):
        headers = {"authorization": f"Bearer {token}"}
        return client.post(url, json.dumps(said | more), content_type="application/json", headers=headers)

    refused, signed = post(), post(password=PASSWORD, meaning="review")
    assert (refused.status_code, [error["field"] for error in refused.json()["errors"]]) == (400, ["password"])
    assert signed.status_code == 201
    (vote,) = signed.json()["reviews"]
    assert (vote["meaning"], vote["confirmed_with"], vote["signed_name"]) == ("review", "password", "Bob (bob)")
    assert PASSWORD not in signed.content.decode()
