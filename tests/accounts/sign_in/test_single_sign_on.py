"""Single sign-on against a real provider process: who gets in, as whom, into which groups; and who does not."""

import time

import pytest
from allauth.socialaccount.models import SocialAccount
from django.contrib.auth.models import Group
from django.test import Client
from django.urls import reverse

from apps.accounts import grants, services, signing
from apps.accounts.models import User
from apps.accounts.roles import ADMIN
from apps.approvals import services as approvals
from apps.audit.models import AuditEvent
from apps.errors import RuleViolation
from apps.notifications import outbox
from apps.notifications.models import Notification, OutboxCursor
from apps.registry.models import RegisteredModel
from tests.accounts.sign_in.conftest import is_in, sign_in
from tests.builders import make_model, make_policy, make_version
from tests.conftest import member
from tests.servers.identity import STRANGERS_KEY

START, BACK, CONNECT, PROVE = (reverse(f"accounts:{name}") for name in
                               ("single-sign-on", "single-sign-on-return", "connect", "prove"))  # fmt: skip


def come_back(browser: Client, provider, start: str = START):
    """Go to the provider and come back; return the last answer."""
    return browser.get(provider.sign_in(browser.get(start)["Location"]))


def enter(provider, start: str = START) -> Client:
    browser = Client()
    browser.answer = come_back(browser, provider, start)
    return browser


def identity(user: User, provider, subject: str = "s-1") -> None:
    SocialAccount.objects.create(user=user, provider=provider.url, uid=subject)


def last_event() -> AuditEvent:
    return AuditEvent.objects.latest("id")


def test_somebody_new_comes_in_with_what_the_provider_says(provider, db):
    browser = enter(provider)
    grace = User.objects.get(username="grace")
    assert (is_in(browser), grace.get_full_name(), grace.email) == (True, "Grace Hopper", "")
    assert (grace.has_usable_password(), list(grace.groups.all())) == (False, [])
    assert (last_event().action, last_event().actor, last_event().data["method"]) == (
        "session.started",
        "grace",
        "oidc",
    )


def test_the_browser_is_sent_with_state_nonce_and_pkce(provider, db):
    enter(provider)
    asked, exchanged = provider.asked[0], provider.exchanged[0]
    assert (asked["response_type"], asked["code_challenge_method"]) == ("code", "S256")
    assert min(len(asked["state"]), len(asked["nonce"]), len(exchanged["code_verifier"])) >= 16


def test_people_are_found_by_issuer_and_subject(provider, alice):
    identity(alice, provider)
    browser = enter(provider)
    assert (is_in(browser), User.objects.filter(username="grace").exists()) == (True, False)


def test_the_same_subject_of_another_issuer_is_somebody_else(provider, alice):
    SocialAccount.objects.create(user=alice, provider="https://other.example", uid="s-1")
    enter(provider)
    assert last_event().actor == "grace"


@pytest.mark.parametrize("verified", [True, False, "true", None])
def test_nobody_is_found_by_their_address(provider, alice, verified):
    alice.email = "alice@example.org"
    alice.save()
    provider.claims |= {"email": "alice@example.org", "email_verified": verified}
    enter(provider)
    assert (last_event().actor, SocialAccount.objects.get().user.username) == ("grace", "grace")


def test_an_address_that_is_not_verified_is_not_kept(provider, db):
    provider.claims |= {"email": "boss@example.org", "email_verified": False}
    enter(provider)
    assert User.objects.get(username="grace").email == ""


@pytest.mark.parametrize("name", ["alice", "ALICE"])
def test_a_user_name_that_somebody_has_opens_nothing(provider, alice, name):
    provider.claims["preferred_username"] = name
    browser = enter(provider)
    assert (browser.answer.status_code, is_in(browser), SocialAccount.objects.count()) == (403, False, 0)
    assert (last_event().action, last_event().outcome) == ("user.created", "refused")


@pytest.mark.parametrize(
    ("name", "status"),
    [("аlice", 400), ("ａlice", 400), ("аӏісе", 403), ("вера", 302)],
    ids=["mixed", "wide", "reads as alice", "reads as nobody"],
)
def test_a_user_name_that_looks_like_another_one_opens_nothing(provider, alice, name, status):
    provider.claims["preferred_username"] = name
    browser = enter(provider)
    assert (browser.answer.status_code, is_in(browser)) == (status, status == 302)


def test_strangers_stay_out_where_no_people_are_added(provider, db, settings):
    settings.OIDC_NEW_PEOPLE = False
    browser = enter(provider)
    assert (browser.answer.status_code, User.objects.count()) == (403, 0)


def test_deactivated_people_stay_out(provider, alice):
    identity(alice, provider)
    User.objects.update(is_active=False)
    browser = enter(provider)
    assert (browser.answer.status_code, is_in(browser)) == (403, False)
    assert (last_event().action, last_event().outcome, last_event().actor) == ("session.started", "refused", "alice")


FORGED = {
    "another issuer": {"iss": "https://evil.example"},
    "another audience": {"aud": "another-client"},
    "several audiences, made for another": {"aud": ["assent", "another"], "azp": "another"},
    "expired": {"exp": int(time.time()) - 3600},
    "without an end": {"exp": None},
    "made in the future": {"iat": int(time.time()) + 3600},
    "another nonce": {"nonce": "of another sign-in"},
    "without a nonce": {"nonce": None},
    "without a subject": {"sub": None},
    "an empty subject": {"sub": ""},
    "a subject that is a list": {"sub": ["s-1"]},
}


@pytest.mark.parametrize("claims", FORGED.values(), ids=FORGED)
def test_a_token_that_does_not_fit_opens_nothing(provider, alice, claims):
    identity(alice, provider)
    provider.claims |= claims
    browser = enter(provider)
    assert (browser.answer.status_code, is_in(browser)) == (403, False)


@pytest.mark.parametrize(
    ("key", "algorithm", "kid"),
    [(STRANGERS_KEY, "RS256", "one"), (STRANGERS_KEY, "RS256", "two"), (None, "HS256", "one"), (None, "none", "one")],
)
def test_a_token_that_the_provider_did_not_sign_opens_nothing(provider, alice, key, algorithm, kid):
    identity(alice, provider)
    provider.key, provider.algorithm, provider.kid = key, algorithm, kid
    browser = enter(provider)
    assert (browser.answer.status_code, is_in(browser)) == (403, False)


def test_a_provider_with_another_name_is_not_believed(provider, db):
    provider.config["issuer"] = provider.claims["iss"] = "https://evil.example"
    assert enter(provider).answer.status_code == 403


def test_a_token_of_an_earlier_sign_in_is_not_taken_again(provider, alice):
    identity(alice, provider)
    browser = Client()
    first = provider.sign_in(browser.get(START)["Location"])
    provider.claims["nonce"] = provider.asked[0]["nonce"]
    assert browser.get(first).status_code == 302
    assert enter(provider).answer.status_code == 403


def test_an_answer_is_taken_once(provider, db):
    browser = Client()
    back = provider.sign_in(browser.get(START)["Location"])
    assert [browser.get(back).status_code, browser.get(back).status_code] == [302, 403]


def test_an_answer_is_taken_by_the_browser_that_asked_alone(provider, db):
    back = provider.sign_in(Client().get(START)["Location"])
    victim = Client()
    assert (victim.get(back).status_code, is_in(victim)) == (403, False)


def test_a_refusal_at_the_provider_signs_nobody_in(provider, db):
    browser = Client()
    browser.get(START)
    state = browser.session["socialaccount_states"]
    answer = browser.get(BACK, {"error": "access_denied", "state": next(iter(state))})
    assert answer.status_code == 403


def test_a_provider_that_does_not_answer_is_said_so(provider, db):
    provider.server_close()
    answer = Client().get(START)
    assert (answer.status_code, "does not answer" in answer.content.decode()) == (503, True)


def test_the_key_of_the_session_is_a_new_one(provider, db):
    browser = Client()
    location = browser.get(START)["Location"]
    before = browser.cookies["sessionid"].value
    browser.get(provider.sign_in(location))
    assert browser.cookies["sessionid"].value != before


@pytest.mark.parametrize(("target", "goes"), [("/requests/", "/requests/"), ("https://evil.example/", "/models/"),
                                              ("//evil.example", "/models/")])  # fmt: skip
def test_single_sign_on_goes_on_within_this_host_alone(provider, db, settings, target, goes):
    settings.LOGIN_REDIRECT_URL = "/models/"
    assert enter(provider, f"{START}?next={target}").answer["Location"] == goes


def test_without_a_provider_there_is_no_such_page(alice, client):
    client.force_login(alice)
    assert [client.get(path).status_code for path in (START, BACK, CONNECT, PROVE)] == [404] * 4


# --- groups ---


@pytest.fixture
def mapped(db, settings) -> dict[str, Group]:
    """Two groups that the provider decides on, and two that it does not."""
    settings.OIDC_GROUPS = {"ml-reviewers": "signers", "ml-readers": "readers"}
    groups = {name: Group.objects.create(name=name) for name in ("signers", "readers", "ours")}
    groups["admins"] = Group.objects.create(name="admins")
    grants.set_role(groups["admins"], [ADMIN], None, model_class=RegisteredModel)
    return groups


def groups_of(username: str = "grace") -> list[str]:
    return sorted(User.objects.get(username=username).groups.values_list("name", flat=True))


def test_claims_put_people_into_the_groups_that_are_mapped(provider, db, mapped):
    provider.claims["groups"] = ["ml-reviewers", "something else"]
    enter(provider)
    event = AuditEvent.objects.get(action="membership.changed")
    assert (groups_of(), event.actor, event.data["person"]) == (["signers"], "system:single-sign-on", "grace")


@pytest.mark.parametrize(
    "claim",
    [["admins", "ours"], "admins", ["ML-REVIEWERS"], ["ml-reviewers "], {"ml-reviewers": True}, [["ml-reviewers"]], 7,
     None, "ml-reviewers,ml-readers", ["signers"]],
)  # fmt: skip
def test_a_claim_that_is_not_mapped_gives_nothing(provider, db, mapped, claim):
    provider.claims["groups"] = claim
    enter(provider)
    assert groups_of() == []


def test_the_next_sign_in_takes_what_the_provider_no_longer_says(provider, alice, mapped):
    identity(alice, provider)
    for name in ("signers", "ours"):
        alice.groups.add(mapped[name])
    provider.claims["groups"] = ["ml-readers"]
    enter(provider)
    assert groups_of("alice") == ["data_scientists", "ours", "readers"]


def test_a_second_sign_in_with_the_same_groups_records_no_change(provider, db, mapped):
    provider.claims["groups"] = ["ml-reviewers"]
    enter(provider)
    enter(provider)
    assert AuditEvent.objects.filter(action="membership.changed").count() == 1


def test_groups_may_stand_in_the_user_info(provider, db, mapped):
    provider.userinfo["groups"] = ["ml-reviewers"]
    enter(provider)
    assert groups_of() == ["signers"]


def test_user_info_of_somebody_else_is_not_believed(provider, db, mapped):
    provider.userinfo |= {"sub": "s-2", "groups": ["ml-reviewers"]}
    assert enter(provider).answer.status_code == 403


def test_the_last_admin_stays_whatever_the_provider_says(provider, mapped, settings):
    settings.OIDC_GROUPS = {"bosses": "admins"}
    ada = member("ada")
    ada.groups.add(mapped["admins"])
    identity(ada, provider)
    browser = enter(provider)
    refused = AuditEvent.objects.get(action="membership.changed")
    assert (is_in(browser), groups_of("ada"), refused.outcome) == (True, ["admins"], "refused")


def test_the_provider_moves_reviewers_whatever_they_asked_for(provider, bob, erin, settings):
    settings.OIDC_GROUPS = {"ml-reviewers": "reviewers"}
    identity(bob, provider)
    make_policy("Staging")
    approvals.open_request(make_version(make_model("churn"), 1).pk, "Staging", reason="Better.", by=bob)
    enter(provider)
    assert groups_of("bob") == ["ml_engineers"]


# --- connecting ---


def test_somebody_connects_their_account_and_signs_in_with_it(provider, alice):
    browser = sign_in("alice")
    assert come_back(browser, provider, CONNECT)["Location"] == reverse("accounts:security")
    assert last_event().action == "identity.connected"
    enter(provider)
    assert (last_event().action, last_event().actor) == ("session.started", "alice")


def test_an_identity_of_somebody_else_is_not_taken_over(provider, alice, bob):
    identity(bob, provider)
    assert come_back(sign_in("alice"), provider, CONNECT).status_code == 409
    assert SocialAccount.objects.get().user == bob


def test_one_person_has_one_identity(provider, alice):
    identity(alice, provider, "s-0")
    assert come_back(sign_in("alice"), provider, CONNECT).status_code == 409


def test_whoever_connects_their_account_is_told(provider, alice, settings):
    settings.MAIL_ENABLED = True
    User.objects.filter(pk=alice.pk).update(email="alice@example.org")
    OutboxCursor.objects.create(last_id=AuditEvent.objects.count())
    come_back(sign_in("alice"), provider, CONNECT)
    outbox.fan_out()
    told = Notification.objects.get(user=alice, kind="account")
    assert told.sentence.startswith("Single sign-on was connected with your account")
    assert (told.url, told.mail_at is not None) == ("/account/security/", True)


def test_an_answer_to_connect_is_not_taken_by_who_signed_in_meanwhile(provider, alice, bob):
    browser = sign_in("alice")
    back = provider.sign_in(browser.get(CONNECT)["Location"])
    browser.post("/sign-out/")
    sign_in("bob", browser=browser)
    assert (browser.get(back).status_code, SocialAccount.objects.count()) == (403, 0)


# --- passwords switched off ---


@pytest.fixture
def no_passwords(provider, settings):
    settings.PASSWORD_SIGN_IN, settings.BREAK_GLASS = False, "admin"


def test_passwords_that_are_switched_off_let_in_the_named_admin_alone(no_passwords, alice, admin):
    assert (is_in(sign_in("alice")), is_in(sign_in("admin"))) == (False, True)


def test_a_guess_learns_nothing_of_who_may_still_use_a_password(no_passwords, alice, admin):
    pages = [sign_in(name, "wrong").answer.context["form"].non_field_errors() for name in ("alice", "admin", "nobody")]
    assert pages[0] == pages[1] == pages[2]


def test_nobody_is_invited_where_passwords_are_switched_off(no_passwords, admin):
    with pytest.raises(RuleViolation, match="single sign-on"):
        services.invite(username="heidi", by=admin)


# --- the second factor, and signing ---


def test_single_sign_on_stops_for_the_second_factor_unless_the_provider_answers_for_it(provider, bob, settings):
    identity(bob, provider)
    settings.SECOND_FACTOR = "duties"
    assert enter(provider).answer["Location"] == reverse("accounts:app-add")
    settings.OIDC_ANSWERS_FOR_FACTOR = True
    assert is_in(enter(provider))


def test_who_came_by_single_sign_on_signs_after_a_fresh_one(provider, bob):
    identity(bob, provider)
    browser = enter(provider)
    come_back(browser, provider, f"{PROVE}?next=/reviews/")
    asked = provider.asked[-1]
    text = browser.session["signing_pass"][0]
    assert (asked["prompt"], asked["max_age"]) == ("login", "0")
    assert [signing.confirm(bob, text).method for _ in range(2)] == ["oidc", ""]


@pytest.mark.parametrize("claims", [{"auth_time": None}, {"auth_time": int(time.time()) - 3600}, {"sub": "s-2"}])
def test_an_old_or_foreign_sign_in_at_the_provider_signs_nothing(provider, bob, claims):
    identity(bob, provider)
    browser = enter(provider)
    provider.claims |= claims
    assert come_back(browser, provider, PROVE).status_code == 403
    assert "signing_pass" not in browser.session
