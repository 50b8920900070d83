"""Two at once at the doors: of one code, link, answer or pass exactly one counts, whoever comes first."""

import threading
import time
from collections.abc import Callable
from typing import Any

import pytest
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal import auth as totp
from allauth.socialaccount.models import SocialAccount
from django.conf import settings as configured
from django.db import connections
from django.test import Client
from django.test.client import RequestFactory

from apps.accounts import invitations, passes, services, signing
from apps.accounts.factors import queries
from apps.accounts.models import User
from apps.accounts.roles import ADMIN
from apps.encryption import unseal
from tests.accounts.sign_in.conftest import SECOND, is_in, sign_in
from tests.accounts.sign_in.test_second_factor import set_up
from tests.accounts.sign_in.test_single_sign_on import START
from tests.conftest import PASSWORD, member

pytestmark = pytest.mark.django_db(transaction=True)


def at_once(*deeds: Callable[[], Any]) -> list[Any]:
    """Do all at once, each in a thread with connections of its own; return what came of each."""
    ready, found = threading.Barrier(len(deeds)), [None] * len(deeds)

    def do(place: int) -> None:
        ready.wait()
        try:
            found[place] = deeds[place]()
        finally:
            connections.close_all()

    threads = [threading.Thread(target=do, args=(place,)) for place in range(len(deeds))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return found


def send_code(code: str, browsers: list[Client]) -> list[bool]:
    """Let browsers that are half-way in send a code at once; return which of them are in."""
    at_once(*(lambda browser=browser: browser.post(SECOND, {"code": code}).status_code for browser in browsers))
    return [is_in(browser) for browser in browsers]


def test_of_two_browsers_with_one_recovery_code_one_is_let_in():
    bob = member("bob")
    code = set_up(sign_in("bob"))[0]
    assert sorted(send_code(code, [sign_in("bob"), sign_in("bob")])) == [False, True]
    assert [factor.left for factor in queries.factors_of(bob)] == [None, 9]


def test_of_two_browsers_with_one_code_of_the_app_one_is_let_in():
    bob = member("bob")
    set_up(sign_in("bob"))
    secret = unseal(Authenticator.objects.get(user=bob, type="totp").data["secret"])
    browsers = [sign_in("bob"), sign_in("bob")]
    code = totp.format_hotp_value(totp.hotp_value(secret, int(time.time()) // 30))
    assert sorted(send_code(code, browsers)) == [False, True]


def test_of_two_who_open_the_link_of_somebody_who_is_there_one_chooses_their_password():
    admin, bob = member("admin", ADMIN), member("bob")
    path = "/invitations/" + services.invite(username="bob", by=admin).text + "/"
    chosen = ["a long and quiet sentence", "another long sentence"]
    answers = at_once(
        *(lambda words=words: Client().post(path, {"password": words, "again": words}).status_code for words in chosen)
    )
    bob.refresh_from_db()
    assert (sorted(answers), bob.check_password(PASSWORD)) == ([302, 404], False)
    assert [bob.check_password(words) for words in chosen] == [answer == 302 for answer in answers]


def test_of_two_links_that_are_made_for_one_person_at_once_one_is_good():
    admin = member("admin", ADMIN)
    services.invite(username="heidi", by=admin)
    made = at_once(*(lambda: services.invite(username="heidi", by=admin) for _ in range(2)))
    usable = [invitations.Invitation.objects.get(pk=one.invitation.pk).usable for one in made]
    assert sorted(usable) == [False, True]


def test_of_two_signatures_with_one_pass_one_counts():
    bob = member("bob")
    request = RequestFactory().get("/")
    request.session = {}
    passes.give(request, bob, "passkey")
    text = passes.held(request)
    found = at_once(*(lambda: signing.confirm(bob, text).method for _ in range(2)))
    assert sorted(found) == ["", "passkey"]


def test_of_two_who_come_back_with_one_answer_of_the_provider_one_is_let_in(provider):
    browser = Client()
    back = provider.sign_in(browser.get(START)["Location"])
    name = configured.SESSION_COOKIE_NAME
    browsers = [Client(), Client()]
    for one in browsers:
        one.cookies[name] = browser.cookies[name].value
    statuses = at_once(*(lambda one=one: one.get(back).status_code for one in browsers))
    assert (sorted(statuses)[0], sorted(statuses)[1] >= 400) == (302, True)
    assert sorted(is_in(one) for one in browsers) == [False, True]


def test_somebody_new_who_comes_from_two_browsers_at_once_is_added_once(provider):
    browsers = [Client(), Client()]
    backs = [provider.sign_in(browser.get(START)["Location"]) for browser in browsers]
    deeds = [lambda one=one, back=back: one.get(back).status_code for one, back in zip(browsers, backs, strict=True)]
    statuses = at_once(*deeds)
    assert (302 in statuses, [status for status in statuses if status >= 500]) == (True, [])
    assert (User.objects.filter(username="grace").count(), SocialAccount.objects.count()) == (1, 1)
    assert [is_in(browser) for browser in browsers] == [status == 302 for status in statuses]
