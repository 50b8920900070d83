"""Guessing is slow, and nobody locks out somebody else: not from many addresses, nor from the same one."""

import time

import pytest
from django.contrib.auth.hashers import MD5PasswordHasher, make_password
from django.test import Client

from apps.accounts import doors, throttle
from apps.accounts.models import User
from tests.accounts.sign_in.conftest import is_in, sign_in
from tests.conftest import PASSWORD


def stranger(number: int) -> Client:
    return Client(REMOTE_ADDR=f"10.9.{number // 250}.{number % 250}")


def guess(username: str, browser: Client, times: int = 1) -> None:
    for _ in range(times):
        sign_in(username, "wrong", browser)


def test_guesses_from_many_addresses_together_are_slowed(alice, monkeypatch):
    monkeypatch.setattr(doors, "MOST_FOR_NAME", 12)
    for number in range(12):
        guess("alice", stranger(number))
    assert sign_in("alice", browser=stranger(99)).answer.status_code == 429


def test_a_known_browser_is_not_locked_out_by_strangers_wherever_they_are(alice, monkeypatch):
    monkeypatch.setattr(doors, "MOST_FOR_NAME", 12)
    monkeypatch.setattr(doors, "MOST_FROM_ADDRESS", 12)
    known = sign_in("alice")
    known.post("/sign-out/")
    guess("alice", Client(), 10)  # from her own address
    guess("bob", Client(), 10)
    for number in range(12):
        guess("alice", stranger(number))
    assert sign_in("alice", browser=Client()).answer.status_code == 429
    assert sign_in("alice", browser=known).answer.status_code == 302


def test_a_known_browser_has_its_own_count(alice):
    known = sign_in("alice")
    known.post("/sign-out/")
    guess("alice", known, throttle.MAX_FAILURES)
    assert sign_in("alice", browser=known).answer.status_code == 429
    assert sign_in("alice", browser=Client()).answer.status_code == 302


def test_a_browser_is_known_for_who_signed_in_there_alone(alice, bob, monkeypatch):
    monkeypatch.setattr(doors, "MOST_FOR_NAME", 5)
    mine = sign_in("bob")
    mine.post("/sign-out/")
    for number in range(5):
        guess("alice", stranger(number))
    assert sign_in("alice", browser=mine).answer.status_code == 429


def test_one_password_tried_on_many_names_is_slowed(alice, monkeypatch):
    monkeypatch.setattr(doors, "MOST_FROM_ADDRESS", 8)
    for number in range(8):
        guess(f"person-{number}", Client())
    assert sign_in("alice").answer.status_code == 429
    assert sign_in("alice", browser=stranger(1)).answer.status_code == 302


def test_behind_a_proxy_nobody_shuts_the_one_address_that_all_come_from(alice, monkeypatch, settings):
    settings.SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
    monkeypatch.setattr(doors, "MOST_FROM_ADDRESS", 3)
    for number in range(3):
        guess(f"person-{number}", Client())
    assert sign_in("alice").answer.status_code == 302


def test_a_success_does_not_open_the_door_for_the_next_guess_from_this_address(alice, bob, monkeypatch):
    monkeypatch.setattr(doors, "MOST_FROM_ADDRESS", 4)
    for number in range(3):
        guess(f"person-{number}", Client())
    sign_in("bob")
    guess("alice", Client())
    assert sign_in("alice").answer.status_code == 429


@pytest.mark.parametrize("cookie", ["", "x", "a:b:c", "\x00", "é" * 50])
def test_a_cookie_that_is_not_ours_makes_no_browser_known(alice, monkeypatch, cookie):
    monkeypatch.setattr(doors, "MOST_FOR_NAME", 1)
    guess("alice", stranger(1))
    browser = stranger(2)
    browser.cookies[doors.COOKIE] = cookie
    assert sign_in("alice", browser=browser).answer.status_code == 429


def test_the_count_ends_by_itself(alice, monkeypatch):
    monkeypatch.setattr(throttle, "WINDOW_SECONDS", 1)
    browser = Client()
    guess("alice", browser, throttle.MAX_FAILURES)
    assert sign_in("alice", browser=browser).answer.status_code == 429
    time.sleep(1.1)
    assert sign_in("alice", browser=browser).answer.status_code == 302


def test_the_cookie_names_nobody_and_is_out_of_reach_of_scripts(alice):
    cookie = sign_in("alice").cookies[doors.COOKIE]
    assert ("alice" in cookie.value, cookie["httponly"], cookie["samesite"]) == (False, True, "Lax")


class CountedHasher(MD5PasswordHasher):
    """Counts how often a password is hashed, which is what takes the time of a sign-in."""

    algorithm, hashed = "counted", 0

    def encode(self, password: str, salt: str) -> str:
        type(self).hashed += 1
        return super().encode(password, salt)


def test_unknown_inactive_and_invited_people_take_as_many_hashes_as_a_wrong_password(alice, bob, charlie, settings):
    settings.PASSWORD_HASHERS = [f"{__name__}.CountedHasher"]
    User.objects.update(password=make_password(PASSWORD))
    User.objects.filter(username="bob").update(is_active=False)
    charlie.set_unusable_password()
    charlie.save()
    took = {}
    for name in ("alice", "bob", "charlie", "nobody"):
        CountedHasher.hashed = 0
        sign_in(name, "wrong")
        took[name] = CountedHasher.hashed
    assert took == {"alice": 1, "bob": 1, "charlie": 1, "nobody": 1}


def test_the_answers_are_the_same_whoever_is_asked_for(alice, bob):
    User.objects.filter(username="bob").update(is_active=False)
    said = {str(sign_in(name, PASSWORD if name == "bob" else "wrong").answer.context["form"].errors)
            for name in ("alice", "bob", "nobody")}  # fmt: skip
    assert len(said) == 1


def test_a_sign_in_that_is_refused_signs_nobody_in(alice):
    assert is_in(sign_in("alice", "wrong")) is False
