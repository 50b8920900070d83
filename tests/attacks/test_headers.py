"""What every answer says to the browser, error or not: the rules by which scanners give the best mark."""

import pytest
from django.test import Client

from tests.attacks.doors import METHODS, ask, doors, text_of

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


@pytest.mark.parametrize(
    ("path", "host", "status"), [("/models/", "evil.test", 400), ("/sign-in/?" + "a=1&" * 1001, "localhost", 413)]
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
