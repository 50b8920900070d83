import pytest
from django.core.cache import cache
from django.test import Client

from apps.accounts import throttle
from apps.audit.models import AuditEvent
from tests.conftest import PASSWORD

SIGN_IN, SIGN_OUT = "/sign-in/", "/sign-out/"


@pytest.fixture(autouse=True)
def no_failures_yet():
    cache.clear()
    yield
    cache.clear()


def sign_in(username: str, password: str = PASSWORD, address: str = "10.0.0.1", **more: str):
    data = {"username": username, "password": password, **more}
    return Client(REMOTE_ADDR=address).post(SIGN_IN, data)


def last_event() -> AuditEvent:
    return AuditEvent.objects.latest("id")


def test_sign_in_starts_a_session_and_is_recorded(alice):
    answer = sign_in("alice")
    event = last_event()
    assert (answer.status_code, "sessionid" in answer.cookies) == (302, True)
    assert (event.action, event.outcome, event.actor, event.address) == ("session.started", "done", "alice", "10.0.0.1")


@pytest.mark.parametrize(
    ("target", "goes"),
    [
        ("/requests/", "/requests/"),
        ("https://evil.example/", "/models/"),
        ("//evil.example/", "/models/"),
        ("javascript:alert(1)", "/models/"),
        ("", "/models/"),
    ],
)
def test_sign_in_goes_on_within_this_host_alone(alice, settings, target, goes):
    settings.LOGIN_REDIRECT_URL = "/models/"
    assert sign_in("alice", next=target)["Location"] == goes


def test_wrong_password_is_refused_and_recorded(alice):
    answer = sign_in("alice", "wrong")
    event = last_event()
    assert (answer.status_code, "do not match" in answer.content.decode()) == (200, True)
    assert (event.action, event.outcome, event.actor) == ("session.started", "refused", "alice")


def test_name_that_nobody_has_is_not_kept(db):
    sign_in("my-secret-password")
    event = last_event()
    assert (event.actor, event.target) == ("unknown", "unknown")


def test_inactive_person_is_refused_like_a_wrong_password(alice):
    alice.is_active = False
    alice.save()
    assert "do not match" in sign_in("alice").content.decode()
    assert last_event().outcome == "refused"


@pytest.mark.parametrize("username", ["", "a\0b"])
def test_incomplete_form_is_no_attempt(db, username):
    assert sign_in(username).status_code == 200
    assert not AuditEvent.objects.exists()


def test_eleventh_attempt_is_refused_from_this_address_alone(alice):
    for _ in range(throttle.MAX_FAILURES):
        sign_in("alice", "wrong")
    answer = sign_in("ALICE".lower())
    assert (answer.status_code, "Wait 15 minutes" in answer.content.decode()) == (429, True)
    assert AuditEvent.objects.count() == throttle.MAX_FAILURES
    assert sign_in("alice", address="10.0.0.2").status_code == 302


def test_other_names_from_the_same_address_still_sign_in(alice, bob):
    for _ in range(throttle.MAX_FAILURES):
        sign_in("alice", "wrong")
    assert sign_in("bob").status_code == 302


def test_success_starts_the_count_afresh(alice):
    for _ in range(throttle.MAX_FAILURES - 1):
        sign_in("alice", "wrong")
    sign_in("alice")
    sign_in("alice", "wrong")
    assert sign_in("alice").status_code == 302


def test_cache_that_is_down_keeps_nobody_out(alice, settings):
    settings.CACHES = {
        "default": {"BACKEND": "django.core.cache.backends.redis.RedisCache", "LOCATION": "redis://127.0.0.1:9"}
    }
    assert sign_in("alice", "wrong").status_code == 200
    assert sign_in("alice").status_code == 302


def test_sign_out_ends_the_session_and_is_recorded(alice, client):
    client.force_login(alice)
    answer = client.post(SIGN_OUT)
    assert (answer.status_code, answer["Location"], "_auth_user_id" in client.session) == (302, SIGN_IN, False)
    assert (last_event().action, last_event().actor) == ("session.ended", "alice")


def test_sign_out_by_link_is_refused(alice, client):
    client.force_login(alice)
    assert client.get(SIGN_OUT).status_code == 405
    assert "_auth_user_id" in client.session


def test_sign_out_of_nobody_is_not_recorded(db, client):
    assert client.post(SIGN_OUT).status_code == 302
    assert not AuditEvent.objects.exists()


def test_who_is_signed_in_already_goes_on(alice, client, settings):
    settings.LOGIN_REDIRECT_URL = "/models/"
    client.force_login(alice)
    assert client.get(SIGN_IN)["Location"] == "/models/"
