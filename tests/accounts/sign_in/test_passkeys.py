"""Passkeys: made, asked for at the sign-in and for a signature; and answers that do not fit."""

import json
from urllib.parse import quote

import pytest
from django.test import Client
from django.urls import reverse

from apps.accounts import passes, signing, throttle
from apps.accounts.factors import queries
from apps.accounts.models import SigningPass, User
from apps.audit.models import AuditEvent
from tests.accounts.sign_in.conftest import SECOND, SECURITY, is_in, sign_in
from tests.accounts.sign_in.soft_key import SoftKey
from tests.conftest import PASSWORD

ADD, PROVE = reverse("accounts:passkey-add"), reverse("accounts:prove-by-passkey")


def question(browser: Client, path: str) -> str:
    return browser.get(path).context["question"]


def make(browser: Client, key: SoftKey, name: str = "Laptop"):
    return browser.post(ADD, {"name": name, "answer": key.make(question(browser, ADD))})


@pytest.fixture
def key(bob) -> SoftKey:
    """Bob's passkey."""
    made = SoftKey()
    make(sign_in("bob"), made)
    return made


def test_a_passkey_is_made_and_recovery_codes_are_shown(bob):
    answer = make(sign_in("bob"), SoftKey())
    event = AuditEvent.objects.latest("id")
    assert (answer.status_code, len(answer.context["codes"].split())) == (200, 10)
    assert (event.action, event.data["kind"], event.data["factor"]) == ("factor.added", "webauthn", "Laptop")
    assert [factor.name for factor in queries.factors_of(bob)] == ["Laptop", "Recovery codes"]


def test_a_passkey_signs_in(bob, key):
    browser = sign_in("bob")
    browser.post(SECOND, {"answer": key.prove(question(browser, SECOND))})
    event = AuditEvent.objects.latest("id")
    assert (is_in(browser), event.data["method"]) == (True, "password, passkey")


def test_an_answer_is_for_one_question(bob, key):
    browser = sign_in("bob")
    answer = key.prove(question(browser, SECOND))
    question(browser, SECOND)  # another one
    browser.post(SECOND, {"answer": answer})
    assert not is_in(browser)


def test_an_answer_that_was_given_elsewhere_opens_nothing(bob, key):
    browser, thief = sign_in("bob"), sign_in("bob")
    answer = key.prove(question(browser, SECOND))
    question(thief, SECOND)
    thief.post(SECOND, {"answer": answer})
    assert not is_in(thief)


@pytest.mark.parametrize(
    ("host", "origin"),
    [("testserver", "https://evil.example"), ("testserver", "http://testserver"), ("evil.example", "https://testserver")],
)  # fmt: skip
def test_a_page_that_only_looks_like_this_one_gets_no_answer_that_counts(bob, key, host, origin):
    browser = sign_in("bob")
    key.host, key.origin = host, origin
    browser.post(SECOND, {"answer": key.prove(question(browser, SECOND))})
    assert not is_in(browser)


def test_a_passkey_of_another_page_is_not_added(erin):
    answer = make(sign_in("erin"), SoftKey(origin="https://evil.example"))
    assert (answer.status_code, queries.has_factor(erin)) == (400, False)


def test_a_key_that_is_not_theirs_opens_nothing(bob, key):
    browser = sign_in("bob")
    browser.post(SECOND, {"answer": SoftKey().prove(question(browser, SECOND))})
    assert not is_in(browser)


HOSTILE = ["", "x", "[]", "{}", "null", '{"id": 1}', "[" * 10_000, '{"response": {}}', "x" * 30_000, "1e999",
           json.dumps({"id": "a", "rawId": "a", "type": "public-key", "response": {"clientDataJSON": "é"}}),
           json.dumps({"id": [], "rawId": {}, "type": 7, "response": []})]  # fmt: skip


@pytest.mark.parametrize("answer", HOSTILE)
def test_an_answer_that_is_none_adds_nothing_and_signs_nobody_in(bob, key, erin, answer):
    browser = sign_in("bob")
    question(browser, SECOND)
    assert (browser.post(SECOND, {"answer": answer}).status_code, is_in(browser)) == (200, False)
    other = sign_in("erin")
    question(other, ADD)
    assert (other.post(ADD, {"name": "x", "answer": answer}).status_code, queries.has_factor(erin)) == (400, False)


PROOF = ("clientDataJSON", "authenticatorData", "signature")
WRONG = ("", "AA", "_" * 80, None, 7, ["x"], {})


def spoilt(answer: str, name: str, wrong: object) -> str:
    """Return the answer with another value under a name, inside its response or outside."""
    whole = json.loads(answer)
    holder = whole["response"] if name in whole["response"] else whole
    holder[name] = holder[name][:-8] if wrong is None else wrong  # None: cut
    return json.dumps(whole)


@pytest.mark.parametrize("wrong", WRONG)
def test_no_part_of_an_answer_that_was_spoilt_breaks_a_page_and_without_proof_nobody_is_in(bob, key, erin, wrong):
    browser, other = sign_in("bob"), sign_in("erin")
    for name in PROOF:
        browser.post(SECOND, {"answer": spoilt(key.prove(question(browser, SECOND)), name, wrong)})
        assert (name, is_in(browser)) == (name, False)
    for name in ("id", "rawId", "response"):  # of what is said besides, some does not matter: it only breaks nothing
        sign_in("bob").post(SECOND, {"answer": spoilt(key.prove(question(browser, SECOND)), name, wrong or {})})
    for name in ("clientDataJSON", "attestationObject"):
        answer = other.post(ADD, {"name": "x", "answer": spoilt(SoftKey().make(question(other, ADD)), name, wrong)})
        assert answer.status_code in (200, 400)  # an answer that was cut may still be read: then it adds what it says


@pytest.mark.parametrize("name", ["", " ", "x" * 61])
def test_a_passkey_has_a_name(bob, name):
    answer = make(sign_in("bob"), SoftKey(), name)
    assert (answer.status_code, list(answer.context["form"].errors)) == (400, ["name"])


# --- signing ---


def prove(browser: Client, key: SoftKey, following: str = "/reviews/"):
    asked = question(browser, PROVE)
    return browser.post(PROVE, {"answer": key.prove(asked), "next": following})


@pytest.fixture
def browser(bob, key) -> Client:
    """Bob's, signed in with his passkey."""
    made = sign_in("bob")
    made.post(SECOND, {"answer": key.prove(question(made, SECOND))})
    return made


def test_a_passkey_counts_for_one_signature(browser, bob, key):
    assert prove(browser, key)["Location"] == "/reviews/"
    text = browser.session[passes.IN_SESSION][0]
    assert [signing.confirm(bob, text).method for _ in range(2)] == ["passkey", ""]


def test_a_pass_is_its_persons_own_and_kept_as_a_hash(browser, bob, erin, key):
    prove(browser, key)
    text = browser.session[passes.IN_SESSION][0]
    assert text not in str(list(SigningPass.objects.values()))
    assert (signing.confirm(erin, text).method, signing.confirm(bob, text).method) == ("", "passkey")


def test_a_pass_ends(browser, bob, key):
    prove(browser, key)
    text = browser.session[passes.IN_SESSION][0]
    SigningPass.objects.update(expires_at="2026-01-01T00:00Z")
    assert signing.confirm(bob, text).answer is signing.Answer.WRONG


def test_proving_goes_back_within_this_host_alone(browser, key):
    assert prove(browser, key, "https://evil.example/")["Location"] == "/"


def test_proving_ends_after_ten_wrong_answers(browser, bob, key):
    for _ in range(throttle.MAX_FAILURES):
        assert browser.post(PROVE, {"answer": "{}"}).status_code == 400
    assert prove(browser, key).status_code == 400
    assert passes.IN_SESSION not in browser.session


def test_who_has_no_passkey_finds_no_such_page(erin):
    assert User.objects.get() == erin
    assert sign_in("erin").get(PROVE).status_code == 404


# --- changing factors ---


@pytest.fixture
def late(browser) -> Client:
    """Bob's browser, a while after he signed in."""
    session = browser.session
    session["started"] -= 11 * 60
    session.save()
    return browser


def test_a_passkey_that_was_proved_adds_another_once(late, bob, key):
    refused = make(late, SoftKey(), "Phone")
    assert (refused.status_code, list(refused.context["form"].errors)) == (400, ["again"])
    prove(late, key, ADD)
    assert [make(late, SoftKey(), name).status_code for name in ("Phone", "Tablet")] == [302, 400]
    assert [factor.name for factor in queries.factors_of(bob)] == ["Laptop", "Phone", "Recovery codes"]


def test_the_pages_say_where_the_passkey_is_proved_and_that_it_was(late, key):
    for path in (SECURITY, ADD, reverse("accounts:app-add")):
        page = late.get(path)
        assert f'href="{PROVE}?next={quote(path, safe="")}"' in page.content.decode()
        assert "again" in page.context["form"].fields
    prove(late, key, SECURITY)
    page = late.get(SECURITY)
    assert ("You said anew who you are" in page.content.decode(), page.context["form"].fields) == (True, {})


def test_a_passkey_is_removed_with_a_passkey(late, bob, key):
    number = queries.factors_of(bob)[0].number
    assert late.post(SECURITY, {"remove": number, "again": PASSWORD}).status_code == 400
    prove(late, key, SECURITY)
    assert (late.post(SECURITY, {"remove": number}).status_code, queries.has_factor(bob)) == (302, False)


def test_a_pass_of_somebody_else_changes_nothing(late, bob, erin, key):
    other = sign_in("erin")
    erins = SoftKey()
    make(other, erins)
    prove(other, erins)
    text = other.session[passes.IN_SESSION][0]
    number = queries.factors_of(bob)[0].number
    assert late.post(SECURITY, {"remove": number, "again": text}).status_code == 400
    assert queries.has_factor(bob)
