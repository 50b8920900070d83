"""What every answer says to the browser, error or not: the rules by which scanners give the best mark."""

import json

import pytest
from django.test import Client

from tests.attacks.conftest import undone
from tests.attacks.doors import METHODS, ask, doors, text_of
from tests.config.test_safety import SAFE, start
from tests.conftest import PASSWORD

pytestmark = [pytest.mark.django_db, pytest.mark.once]
ANYWHERE = {
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}
POLICY = {
    "default-src": "'none'", "script-src": "'self'", "style-src": "'self'", "img-src": "'self'", "font-src": "'self'",
    "connect-src": "'self'", "form-action": "'self'", "frame-ancestors": "'none'", "base-uri": "'none'",
    "object-src": "'none'",
}  # fmt: skip
PICTURE = {"default-src": "'none'", "sandbox": ""}  # stricter: an image that somebody logged


def policy(response) -> dict[str, str]:
    """Return the directives of the Content-Security-Policy."""
    parts = (part.strip().partition(" ") for part in response.headers.get("Content-Security-Policy", "").split(";"))
    return {name: value for name, _, value in parts if name}


def faults(response) -> dict[str, str | None]:
    """Return the headers that are not as they should be."""
    said = {name: response.headers.get(name) for name in ANYWHERE}
    wrong = {name: value for name, value in said.items() if value != ANYWHERE[name]}
    if policy(response) not in (POLICY, PICTURE):
        wrong["Content-Security-Policy"] = response.headers.get("Content-Security-Policy")
    if "camera=()" not in response.headers.get("Permissions-Policy", ""):
        wrong["Permissions-Policy"] = response.headers.get("Permissions-Policy")
    if not response.headers.get("Content-Type") and response.content:
        wrong["Content-Type"] = None
    return wrong


@pytest.mark.parametrize("who", ["everybody", "nobody"])
def test_every_address_sends_the_headers_whatever_it_answers(who, house):
    client = Client()
    if who == "everybody":
        client.force_login(house.everybody)
    paths = [path for door in doors() for path in door.paths(house.ids)[:1]]
    found = {
        (method, path): faults(ask(client, method, path)) for path in [*paths, "/nothing/"] for method in METHODS[:2]
    }
    assert {door: wrong for door, wrong in found.items() if wrong} == {}


PRODUCTION = ("SECURE_COOKIES", "SESSION_COOKIE_SECURE", "CSRF_COOKIE_SECURE", "SESSION_COOKIE_NAME",
              "CSRF_COOKIE_NAME", "SECURE_HSTS_SECONDS", "SECURE_CONTENT_TYPE_NOSNIFF", "X_FRAME_OPTIONS",
              "SESSION_COOKIE_HTTPONLY", "CSRF_COOKIE_HTTPONLY", "SESSION_COOKIE_SAMESITE")  # fmt: skip
SECRETS = {  # pages that show, or take, what nobody who comes to this browser later may find in its cache
    "accounts:account", "accounts:app-add", "accounts:invitation", "accounts:passkey-add", "accounts:password",
    "accounts:prove-by-passkey", "accounts:second-factor", "accounts:security", "accounts:service-account",
    "accounts:sign-in",
}  # fmt: skip


@pytest.fixture
def production(settings, tmp_path) -> None:
    """The settings about cookies and headers as a process in production mode has them."""
    code = f"import json; from config import settings; print(json.dumps([getattr(settings, n) for n in {PRODUCTION}]))"
    for name, value in zip(PRODUCTION, json.loads(start(tmp_path, code, **SAFE).stdout), strict=True):
        setattr(settings, name, value)


def test_in_production_every_cookie_is_for_this_host_over_tls_alone_and_browsers_never_go_without(house, production):
    client = Client()
    with undone():
        client.get("/sign-in/", secure=True)
        client.post("/theme/", {"theme": "dark"}, secure=True)
        answer = client.post("/sign-in/", {"username": "alice", "password": PASSWORD}, secure=True)
    flags = {name: tuple(cookie[flag] for flag in ("secure", "httponly", "samesite", "path", "domain"))
             for name, cookie in client.cookies.items()}  # fmt: skip
    assert flags == dict.fromkeys(
        ("__Host-csrftoken", "__Host-sessionid", "known_browser", "theme"), (True, True, "Lax", "/", "")
    )
    assert (answer.status_code, answer.headers["Strict-Transport-Security"]) == (302, "max-age=31536000")


@pytest.mark.parametrize("who", ["everybody", "nobody"])
def test_no_cache_that_others_use_keeps_an_answer_and_none_keeps_a_secret(who, house):
    client = Client()
    if who == "everybody":
        client.force_login(house.everybody)
    found = {}
    for door in doors():
        for method in METHODS[:2]:
            with undone():
                answer = ask(client, method, door.paths(house.ids)[0])
            said = {word.strip() for word in answer.headers.get("Cache-Control", "").split(",")}
            private = said & {"private", "no-store"} and not any(
                "public" in word or "s-maxage" in word for word in said
            )
            shown = answer.status_code == 200 and door.name in SECRETS
            if not private or (shown and "no-store" not in said):
                found[door.name, method] = sorted(said)
            if who == "everybody" and answer.status_code == 200 and not door.is_api and answer.get("Vary") is None:
                found[door.name, method] = ["says not that it depends on the cookie"]
    assert {door: said for door, said in found.items() if door[0] not in ("healthz", "readyz")} == {}


@pytest.mark.parametrize(
    ("path", "host", "status"), [("/models/", "evil.test", 400), ("/sign-in/?" + "a=1&" * 12_001, "localhost", 413)]
)
def test_a_refusal_before_any_view_sends_them_too(path, host, status):
    response = Client().get(path, headers={"host": host})
    assert (response.status_code, faults(response)) == (status, {})


def test_a_defect_sends_them_too(monkeypatch):
    monkeypatch.setattr("config.health.JsonResponse", None)
    response = Client(raise_request_exception=False).get("/healthz")
    assert (response.status_code, faults(response)) == (500, {})


def test_files_of_ours_are_for_our_pages_alone():
    response = Client().get("/static/js/assent.js")
    assert "use strict" in text_of(response)
    headers = {name: response.headers.get(name) for name in (*ANYWHERE, "Access-Control-Allow-Origin")}
    assert headers == {**ANYWHERE, "Access-Control-Allow-Origin": None}
