"""Changing one's own password: who may, what it takes, and what of before still lets anybody in."""

import json
import logging
import re

import pytest
from django.apps import apps
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from apps.accounts import invitations, passes, services, session_store, signing, throttle
from apps.accounts.factors import queries
from apps.accounts.models import Session, SigningPass, User
from apps.accounts.roles import ADMIN
from apps.accounts.services import create_service_account, create_token
from apps.audit.models import AuditEvent
from apps.errors import InvalidInput
from apps.notifications import outbox, preferences
from apps.notifications.models import Notification, OutboxCursor
from apps.notifications.reading import mark_read
from apps.notifications.sending import mail
from tests.accounts.sign_in.conftest import SECOND, SECURITY, is_in, sign_in
from tests.accounts.sign_in.test_at_once import at_once
from tests.accounts.sign_in.test_second_factor import set_up, signed_in
from tests.conftest import PASSWORD, member
from tests.factors import code_of

PAGE = reverse("accounts:password")
NEW = "a heron waits in cold water"
CHANGE = {"present": PASSWORD, "new": NEW, "repeated": NEW}
OTHERS_PASSWORD = "seven lamps over the harbour"


def change(browser: Client, **said: str) -> Client:
    """Send the form; `browser.answer` is what came back."""
    browser.answer = browser.post(PAGE, CHANGE | said)
    return browser


def errors(browser: Client) -> tuple[int, list[str]]:
    return browser.answer.status_code, list(browser.answer.context["form"].errors)


def has_password(user: User, password: str) -> bool:
    return User.objects.get(pk=user.pk).check_password(password)


def last_event() -> AuditEvent:
    return AuditEvent.objects.latest("id")


@pytest.fixture
def outbox_is_read(db) -> None:
    """What is recorded from now on is told."""
    outbox.fan_out()


@pytest.fixture
def recovery(bob) -> list[str]:
    """Bob has an authenticator app now; these are his recovery codes."""
    return set_up(sign_in("bob"))


# --- the form ---


def test_the_security_page_leads_to_the_form(alice):
    browser = sign_in("alice")
    assert (f'href="{PAGE}"' in browser.get(SECURITY).content.decode(), browser.get(PAGE).status_code) == (True, 200)


def test_password_managers_are_told_which_field_is_which(alice):
    text = sign_in("alice").get(PAGE).content.decode()
    fields = re.findall(r'<input type="password" name="(\w+)"[^>]* autocomplete="([\w-]+)"', text)
    assert fields == [("present", "current-password"), ("new", "new-password"), ("repeated", "new-password")]
    assert 'autocomplete="username" value="alice"' in text


def test_the_page_says_that_tokens_stay_and_leads_to_them(alice):
    text = sign_in("alice").get(PAGE).content.decode()
    assert ("API tokens go on working" in text, f'href="{reverse("accounts:account")}"' in text) == (True, True)


def test_the_password_is_changed(alice):
    browser = change(sign_in("alice"))
    assert (browser.answer.status_code, browser.answer["Location"], is_in(browser)) == (302, SECURITY, True)
    assert (is_in(sign_in("alice")), is_in(sign_in("alice", NEW))) == (False, True)


def test_the_person_reads_that_it_is_done(alice):
    browser = change(sign_in("alice"))
    assert "Your password is changed. You are signed out everywhere else." in browser.get(SECURITY).content.decode()


def test_it_can_be_changed_again_with_the_new_one_alone(alice):
    browser = change(sign_in("alice"))
    assert errors(change(browser, new=OTHERS_PASSWORD, repeated=OTHERS_PASSWORD)) == (400, ["present"])
    change(browser, present=NEW, new=OTHERS_PASSWORD, repeated=OTHERS_PASSWORD)
    assert has_password(alice, OTHERS_PASSWORD)


# --- what is refused ---


@pytest.mark.parametrize("present", ["", "wrong", PASSWORD.upper(), f" {PASSWORD}", "000000", "pass_x", "x" * 4096])
def test_without_the_present_password_nothing_is_changed(alice, present):
    browser = change(sign_in("alice"), present=present)
    assert (errors(browser), has_password(alice, PASSWORD)) == ((400, ["present"]), True)


def test_the_password_of_somebody_else_does_not_count(alice, bob):
    bob.set_password(OTHERS_PASSWORD)
    bob.save()
    assert errors(change(sign_in("alice"), present=OTHERS_PASSWORD)) == (400, ["present"])
    assert has_password(bob, OTHERS_PASSWORD)


def test_no_field_of_the_form_names_somebody_else(alice, bob):
    change(sign_in("alice"), username="bob", user=str(bob.pk), person="bob")
    assert (has_password(alice, NEW), has_password(bob, PASSWORD)) == (True, True)


@pytest.mark.parametrize("new", ["short", "password1234", "493028571046", "alice-alice1", PASSWORD, "", "a\0b" * 9])
def test_a_new_password_that_is_weak_the_same_or_unfit_is_refused_on_its_field(alice, new):
    alice.first_name = "alice-alice12"
    alice.save()
    browser = change(sign_in("alice"), new=new, repeated=new)
    assert (browser.answer.status_code, "new" in browser.answer.context["form"].errors) == (400, True)
    assert has_password(alice, PASSWORD)


def test_a_weak_password_says_what_it_takes(alice):
    browser = change(sign_in("alice"), new="short", repeated="short")
    assert "at least 12 characters" in str(browser.answer.context["form"].errors["new"])


def test_two_new_passwords_that_differ_are_refused_on_the_second(alice):
    browser = change(sign_in("alice"), repeated=NEW + "!")
    assert (errors(browser), has_password(alice, PASSWORD)) == ((400, ["repeated"]), True)


@pytest.mark.parametrize("field", ["present", "new", "repeated"])
def test_a_field_that_is_too_long_is_not_looked_at(alice, field):
    browser = change(sign_in("alice"), **{field: "x" * 4097})
    assert (browser.answer.status_code, field in browser.answer.context["form"].errors) == (400, True)


def test_an_empty_form_names_every_field(alice):
    browser = sign_in("alice")
    browser.answer = browser.post(PAGE)
    assert errors(browser) == (400, ["present", "new", "repeated"])


@pytest.mark.parametrize(
    "new", ["Überraschung für Ödön", "🦉" * 12, "  spaces on both sides  ", "пароль из двенадцати"]
)
def test_a_password_of_any_letters_is_kept_as_it_was_typed(alice, new):
    change(sign_in("alice"), new=new, repeated=new)
    assert (has_password(alice, new), is_in(sign_in("alice", new))) == (True, True)


def test_no_typed_password_comes_back_on_the_refused_form(alice):
    browser = change(sign_in("alice"), present="a-guess-at-it", repeated="another-new-one")
    text = browser.answer.content.decode()
    assert [said for said in ("a-guess-at-it", NEW, "another-new-one") if said in text] == []


def test_twenty_wrong_guesses_are_too_many_and_the_right_one_waits_then(alice):
    browser = sign_in("alice")
    answers = [change(browser, present=f"guess {number}").answer.status_code for number in range(20)]
    assert answers == [400] * throttle.MAX_FAILURES + [403] * (20 - throttle.MAX_FAILURES)
    refused = change(browser).answer
    assert (refused.status_code, "Too many wrong passwords" in refused.content.decode()) == (403, True)
    assert has_password(alice, PASSWORD)


def test_guesses_here_and_where_one_signs_are_counted_together(alice):
    browser = sign_in("alice")
    for number in range(throttle.MAX_FAILURES):
        change(browser, present=f"guess {number}")
    assert signing.confirm(alice, PASSWORD).answer is signing.Answer.TOO_MANY


def test_a_new_password_that_is_unfit_is_no_guess_at_the_present_one(alice):
    browser = sign_in("alice")
    for _ in range(throttle.MAX_FAILURES + 1):
        change(browser, present="wrong", new="short", repeated="short")
    assert change(browser).answer.status_code == 302


def test_a_refused_change_is_recorded_without_what_was_typed(alice):
    change(sign_in("alice"), present="a-guess-at-it")
    event = last_event()
    assert (event.action, event.outcome, event.actor, event.target) == ("password.changed", "refused", "alice", "alice")
    assert [said for said in ("a-guess-at-it", NEW) if said in json.dumps([event.data, event.reason])] == []


# --- what of before is over ---


def test_every_other_session_ends_and_this_one_goes_on_under_a_new_key(alice):
    here, elsewhere = sign_in("alice"), sign_in("alice")
    before = here.cookies["sessionid"].value
    change(here)
    assert (is_in(here), is_in(elsewhere), here.cookies["sessionid"].value == before) == (True, False, False)
    assert Session.objects.filter(person=alice).count() == 1


def test_whoever_took_the_key_of_this_session_along_is_out(alice):
    here, thief = sign_in("alice"), Client()
    thief.cookies["sessionid"] = here.cookies["sessionid"].value
    assert is_in(thief)
    change(here)
    assert (is_in(here), is_in(thief)) == (True, False)


def test_the_session_that_goes_on_began_when_it_did(alice):
    browser = sign_in("alice")
    said = {name: browser.session[name] for name in (session_store.STARTED, session_store.METHOD)}
    change(browser)
    assert {name: browser.session[name] for name in said} == said


def test_sessions_of_others_go_on(alice, bob):
    browser = sign_in("bob")
    change(sign_in("alice"))
    assert is_in(browser)


def test_a_way_in_that_began_with_the_password_of_before_ends(bob, recovery):
    half_way, browser = sign_in("bob"), signed_in(bob)
    change(browser)
    half_way.post(SECOND, {"code": recovery[0]})
    assert (browser.answer.status_code, is_in(half_way)) == (302, False)


def test_passes_for_signatures_end(alice, rf):
    browser = sign_in("alice")
    request = rf.get("/")
    request.session = browser.session
    passes.give(request, alice, "passkey")
    request.session.save()
    change(browser)
    assert (SigningPass.objects.count(), passes.IN_SESSION in browser.session) == (0, False)


def test_an_open_invitation_ends(alice, admin):
    made = services.invite(by=admin, username="alice")
    browser = change(sign_in("alice"))
    assert Client().get(reverse("accounts:invitation", args=[made.text])).status_code == 404
    assert (browser.answer.status_code, last_event().data["invitations_revoked"]) == (302, 1)
    assert invitations.revoke_open(alice) == 0


def test_api_tokens_go_on(alice):
    token = create_token("ci", by=alice).text
    change(sign_in("alice"))
    assert Client().get("/api/v1/me/", headers={"authorization": f"Bearer {token}"}).status_code == 200


def test_a_browser_that_is_known_stays_known_and_lets_nobody_in(alice):
    here, elsewhere = sign_in("alice"), sign_in("alice")
    change(here)
    assert ("known_browser" in elsewhere.cookies, is_in(elsewhere)) == (True, False)


def test_the_trail_says_how_it_was_confirmed_and_how_many_sessions_ended(alice):
    here = sign_in("alice")
    sign_in("alice"), sign_in("alice")
    change(here)
    event = last_event()
    assert (event.action, event.actor, event.target, event.outcome) == ("password.changed", "alice", "alice", "done")
    assert event.data == {"method": "password", "sessions_ended": 2, "invitations_revoked": 0}


def test_the_person_is_told_though_they_did_it_themselves(alice, outbox_is_read, settings):
    settings.MAIL_ENABLED = True
    User.objects.filter(pk=alice.pk).update(email="alice@example.org")
    change(sign_in("alice"))
    outbox.fan_out()
    told = Notification.objects.get()
    assert (told.user, told.url, told.kind, told.mail_at is not None) == (alice, SECURITY, "account", True)
    assert told.sentence.startswith("Your password was changed")


def test_no_choice_and_no_look_at_the_page_keeps_the_mail_back(alice, outbox_is_read, settings):
    settings.MAIL_ENABLED = True
    User.objects.filter(pk=alice.pk).update(email="alice@example.org")
    change(sign_in("alice"))
    outbox.fan_out()
    with pytest.raises(InvalidInput, match="no such kind"):
        preferences.set_preferences(
            by=alice, mail={"account": "off"}, digest_hour=8, quiet_from=None, quiet_to=None, time_zone="UTC"
        )
    mark_read(by=alice)
    assert [row.read_at is not None for row in mail.due(timezone.now())] == [True]


def test_nobody_is_told_of_a_change_that_was_refused(alice, outbox_is_read):
    change(sign_in("alice"), present="wrong")
    outbox.fan_out()
    assert (Notification.objects.count(), OutboxCursor.objects.get().last_id) == (0, last_event().pk)


def test_no_password_is_in_the_log_or_in_any_table(alice, caplog):
    caplog.set_level(logging.DEBUG)
    browser = change(sign_in("alice"), present="a-guess-at-it")
    change(browser)
    rows = [row for model in apps.get_models() for row in model._base_manager.values_list()]
    kept = caplog.text + json.dumps(rows, default=str)
    assert [said for said in ("a-guess-at-it", NEW, PASSWORD) if said in kept] == []


# --- who ---


def test_nobody_who_is_not_signed_in_changes_a_password(alice):
    assert change(Client()).answer["Location"].startswith("/sign-in/")
    assert has_password(alice, PASSWORD)


def test_a_form_of_another_site_changes_nothing(alice):
    browser = sign_in("alice", browser=Client())
    strict = Client(enforce_csrf_checks=True)
    strict.cookies = browser.cookies
    assert (change(strict).answer.status_code, has_password(alice, PASSWORD)) == (403, True)


@pytest.mark.parametrize("address", ["https://evil.example/", "//evil.example", "/models/"])
def test_nobody_is_led_elsewhere(alice, address):
    browser = sign_in("alice")
    answer = browser.post(f"{PAGE}?next={address}", {**CHANGE, "next": address})
    assert answer["Location"] == SECURITY


def test_a_token_changes_no_password(alice):
    token = create_token("all", scope="write", by=alice).text
    answer = Client().post(PAGE, CHANGE, headers={"authorization": f"Bearer {token}"})
    assert (answer.status_code, has_password(alice, PASSWORD)) == (302, True)
    assert answer["Location"].startswith("/sign-in/")


def test_a_service_account_has_no_session_to_change_a_password_in(admin):
    machine = create_service_account("ci-churn", by=admin)
    browser = Client()
    browser.force_login(machine)
    assert (browser.get(PAGE).status_code, change(browser).answer.status_code) == (302, 302)
    assert User.objects.get(pk=machine.pk).has_usable_password() is False


def test_who_has_no_password_reads_why_and_what_to_do(alice):
    browser = Client()
    alice.set_unusable_password()
    alice.save()
    browser.force_login(alice)
    answers = [browser.get(PAGE), browser.post(PAGE, CHANGE)]
    assert [(one.status_code, "invitation" in one.content.decode()) for one in answers] == [(404, True)] * 2
    shown = browser.get(SECURITY).content.decode()
    assert ("You have no password here" in shown, f'href="{PAGE}"' in shown) == (True, False)


def test_where_passwords_are_switched_off_only_the_account_for_emergencies_has_one_to_change(alice, admin, settings):
    settings.PASSWORD_SIGN_IN, settings.BREAK_GLASS = False, "admin"
    found = {}
    for person in (alice, admin):
        browser = Client()
        browser.force_login(person)
        found[person.username] = browser.get(PAGE).status_code, change(browser).answer.status_code
    assert found == {"alice": (404, 404), "admin": (200, 302)}


def test_somebody_deactivated_meanwhile_changes_nothing(alice, admin):
    browser = sign_in("alice")
    services.deactivate(alice, by=admin, reason="Left.")
    assert (change(browser).answer.status_code, has_password(alice, PASSWORD)) == (302, True)
    assert browser.answer["Location"].startswith("/sign-in/")


# --- two at once ---


def same_browser(browser: Client) -> Client:
    """Return a browser with the same session, as a form that is sent twice has."""
    other = Client()
    other.cookies["sessionid"] = browser.cookies["sessionid"].value
    return other


def changed(browser: Client) -> bool:
    return browser.answer.headers.get("Location") == SECURITY


@pytest.mark.django_db(transaction=True)
def test_of_two_browsers_that_change_it_at_once_one_does_and_the_other_is_out():
    alice = member("alice")
    browsers = {new: sign_in("alice") for new in (NEW, OTHERS_PASSWORD)}
    at_once(*(lambda new=new, one=one: change(one, new=new, repeated=new) for new, one in browsers.items()))
    won = {new: changed(one) for new, one in browsers.items()}
    assert sorted(won.values()) == [False, True]
    assert {new: has_password(alice, new) for new in browsers} == won
    assert {new: is_in(one) for new, one in browsers.items()} == won


@pytest.mark.django_db(transaction=True)
def test_a_form_that_is_sent_twice_at_once_changes_it_once():
    alice = member("alice")
    first = sign_in("alice")
    both = [first, same_browser(first)]
    at_once(*(lambda one=one: change(one) for one in both))
    done = AuditEvent.objects.filter(action="password.changed", outcome="done").count()
    assert (sorted(map(changed, both)), done, has_password(alice, NEW)) == ([False, True], 1, True)
    assert [is_in(one) for one in both] == [changed(one) for one in both]


@pytest.mark.django_db(transaction=True)
def test_beside_a_deactivation_nobody_is_left_in():
    alice, admin = member("alice"), member("admin", ADMIN)
    browser = sign_in("alice")
    at_once(lambda: change(browser), lambda: services.deactivate(alice, by=admin, reason="Left."))
    assert (is_in(browser), Session.objects.filter(person=alice).count()) == (False, 0)


@pytest.mark.django_db(transaction=True)
def test_of_one_code_in_two_browsers_at_once_one_changes_it():
    bob = member("bob")
    recovery = set_up(sign_in("bob"))
    browsers = [signed_in(bob, minutes_ago=11), sign_in("bob")]
    browsers[1].post(SECOND, {"code": recovery[1]})
    session = browsers[1].session
    session["started"] -= 11 * 60
    session.save()
    at_once(*(lambda one=one: change(one, again=recovery[0]) for one in browsers))
    assert (sorted(map(changed, browsers)), has_password(bob, NEW)) == ([False, True], True)


# --- beside a second factor ---


def test_whoever_has_a_factor_gives_that_too(bob, recovery):
    browser = signed_in(bob, minutes_ago=11)
    given = ("", "000000", PASSWORD, NEW)
    assert [errors(change(browser, again=again)) for again in given] == [(400, ["again"])] * 4
    assert has_password(bob, PASSWORD)


@pytest.mark.parametrize("how", ["totp", "recovery_code"])
def test_a_code_counts_beside_the_password_and_is_used_up(bob, recovery, how):
    browser = signed_in(bob, minutes_ago=11)
    code = code_of(bob, 1) if how == "totp" else recovery[0]
    change(browser, again=code)
    assert (has_password(bob, NEW), last_event().data["method"]) == (True, f"password, {how}")
    assert errors(change(browser, present=NEW, new=PASSWORD, repeated=PASSWORD, again=code)) == (400, ["again"])


def test_a_pass_by_passkey_counts_beside_the_password(bob, recovery, rf):
    browser = signed_in(bob, minutes_ago=11)
    request = rf.get("/")
    request.session = browser.session
    passes.give(request, bob, "passkey")
    request.session.save()
    assert 'name="again"' not in browser.get(PAGE).content.decode()
    change(browser)
    assert (browser.answer.status_code, last_event().data["method"]) == (302, "password, passkey")


def test_a_wrong_password_uses_up_no_code(bob, recovery):
    browser = signed_in(bob, minutes_ago=11)
    assert errors(change(browser, present="wrong", again=recovery[0])) == (400, ["present"])
    assert errors(change(browser, new="short", repeated="short", again=recovery[0])) == (400, ["new"])
    assert queries.factors_of(bob)[-1].left == 10
    assert change(browser, again=recovery[0]).answer.status_code == 302


def test_a_code_stands_in_for_no_password(bob, recovery):
    browser = signed_in(bob, minutes_ago=11)
    assert [errors(change(browser, present=one)) for one in (code_of(bob, 1), recovery[0])] == [(400, ["present"])] * 2
    assert queries.factors_of(bob)[-1].left == 10


def test_a_sign_in_with_the_factor_a_moment_ago_spares_it_and_never_the_password(bob, recovery):
    browser = signed_in(bob)
    assert errors(change(browser, present="")) == (400, ["present"])
    assert change(browser).answer.status_code == 302


def test_a_fresh_session_that_began_without_a_factor_does_not_spare_it(bob):
    browser, other = sign_in("bob"), sign_in("bob")
    set_up(other)
    assert errors(change(browser)) == (400, ["again"])


def test_the_password_between_them_buys_no_more_guesses_at_the_code(bob, recovery):
    browser = signed_in(bob, minutes_ago=11)
    answers = [change(browser, again="000000").answer.status_code for _ in range(throttle.MAX_FAILURES + 1)]
    assert answers == [400] * throttle.MAX_FAILURES + [403]
    assert (change(browser, again=code_of(bob, 1)).answer.status_code, has_password(bob, PASSWORD)) == (403, True)
