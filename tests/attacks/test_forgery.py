"""Requests that others made up: forged forms, tokens used for more, planted sessions.

Addresses come from the URL table, forms from the pages.
"""

from urllib.parse import urlsplit

import pytest
from django.conf import settings as configured
from django.test import Client

from apps.accounts.models import Session
from apps.accounts.scopes import READ, needed_for
from apps.accounts.services import create_token
from apps.accounts.session_store import row_key
from apps.audit.actions import Outcome
from apps.audit.models import AuditEvent
from tests.attacks.doors import METHODS, ask, doors
from tests.attacks.forms import TOKEN
from tests.conftest import PASSWORD
from tests.test_permissions import TABLE, Row
from tests.undoing import undone

pytestmark = [pytest.mark.django_db, pytest.mark.once]
WRITING = METHODS[1:]
SIGNED = {"registry:webhook-receive"}  # MLflow's deliveries: an HMAC proves who sends
EVIL = (
    "https://evil.test/",
    "//evil.test/",
    "/\\evil.test/",
    "https:evil.test",
    "javascript:alert(1)",
    "/x\r\nSet-Cookie: a=1",
)
WAYS = ("next", "url", "return", "return_to", "redirect", "redirect_to", "to", "back", "continue", "goto", "target")


def done_since(last: int) -> list[str]:
    return list(AuditEvent.objects.filter(pk__gt=last, outcome=Outcome.DONE).values_list("action", flat=True))


def test_no_address_takes_a_write_without_the_forgery_token_but_one_that_is_signed(house):
    client = Client(enforce_csrf_checks=True)
    client.force_login(house.everybody)
    last, taken = AuditEvent.objects.latest("pk").pk, {}
    for door in doors():
        for method in WRITING:
            taken[door.name, method] = ask(client, method, door.paths(house.ids)[0]).status_code
    open_doors = {name for (name, _), status in taken.items() if status not in (403, 405)}
    assert (open_doors, done_since(last)) == (SIGNED, [])


def test_every_form_that_writes_carries_the_forgery_token_and_stays_here(forms):
    wrong = {
        form.kind: (form.page, form.action)
        for form in forms
        if (TOKEN in form.fields) != (form.method == "post") or urlsplit(form.action).netloc
    }
    assert (wrong, len([form for form in forms if form.method == "post"]) > 25) == ({}, True)


def test_a_form_of_another_site_is_refused_though_it_knows_the_token(house):
    client = Client(enforce_csrf_checks=True)
    client.force_login(house.everybody)
    client.get("/account/")
    token = client.cookies[configured.CSRF_COOKIE_NAME].value
    data = {TOKEN: token, "name": "laptop", "scope": "read", "days": 30}
    answers = [
        client.post("/account/", data, headers={"origin": origin}).status_code
        for origin in ("https://evil.test", "null", "http://testserver")
    ]
    assert answers == [403, 403, 200]


def test_a_token_that_reads_writes_nowhere(house):
    token = create_token("reader", by=house.everybody, scope="read").text
    client = Client(headers={"authorization": f"Bearer {token}"})
    last, taken = AuditEvent.objects.latest("pk").pk, {}
    for door in doors():
        if door.is_api and door.name != "api:docs":
            for method in WRITING:
                if needed_for(door.name, method) != READ:  # a question, however much is sent with it
                    taken[door.name, method] = ask(client, method, door.paths(house.ids)[0]).status_code
    assert ({door: status for door, status in taken.items() if status not in (403, 405)}, done_since(last)) == ({}, [])


def test_a_token_opens_no_page(house):
    client = Client(headers={"authorization": f"Bearer {house.tokens['everybody']}"})
    pages = [
        door for door in doors() if not door.is_api and TABLE.get((door.name, "GET"), Row(0, 0, 0, 0)).nobody == 302
    ]
    found = {door.name: client.get(door.paths(house.ids)[0]).status_code for door in pages}
    assert (len(pages) > 30, {name: status for name, status in found.items() if status != 302}) == (True, {})


def test_a_planted_session_is_not_the_one_that_is_signed_in(house):
    client, planted = Client(), "a" * 32
    client.cookies[configured.SESSION_COOKIE_NAME] = planted
    client.post("/sign-in/", {"username": "alice", "password": PASSWORD})
    key = client.cookies[configured.SESSION_COOKIE_NAME].value
    assert (key != planted, Session.objects.filter(session_key=row_key(planted)).exists()) == (True, False)


def test_a_session_gets_another_key_at_sign_in_and_none_outlives_the_sign_out(house):
    Session.objects.all().delete()
    client = Client()
    client.force_login(house.world.people["bob"])
    before = client.cookies[configured.SESSION_COOKIE_NAME].value
    client.post("/sign-out/")
    client.post("/sign-in/", {"username": "alice", "password": PASSWORD})
    after = client.cookies[configured.SESSION_COOKIE_NAME].value
    assert (before != after, list(Session.objects.values_list("session_key", flat=True))) == (True, [row_key(after)])


def test_cookies_stay_with_this_site_and_out_of_reach_of_scripts(house):
    client = Client()
    client.get("/sign-in/")
    client.post("/theme/", {"theme": "dark"})
    client.post("/sign-in/", {"username": "alice", "password": PASSWORD})
    assert len(client.cookies) == 4
    assert {(cookie["httponly"], cookie["samesite"], cookie["domain"]) for cookie in client.cookies.values()} == {
        (True, "Lax", "")
    }


@pytest.mark.parametrize("signed_in", [True, False])
def test_no_parameter_leads_to_another_site(house, signed_in):
    found = {}
    for door in doors():
        path = door.paths(house.ids)[0]
        for method in ("GET", "POST"):
            client = Client()
            if signed_in:
                client.force_login(house.everybody)
            with undone():
                first = ask(client, method, path, dict.fromkeys(WAYS, EVIL[0]), headers={"referer": EVIL[0]})
                answers = [first]
                if 300 <= first.status_code < 400:  # only then there is a way that could lead elsewhere
                    answers += [ask(client, method, path, dict.fromkeys(WAYS, evil)) for evil in EVIL[1:]]
            for answer in answers:
                ways = [answer.headers.get(name, "") for name in ("Location", "HX-Redirect", "HX-Location", "Refresh")]
                if wrong := [way for way in ways if urlsplit(way).netloc not in ("", "testserver") or ":" in way[:12]]:
                    found[method, path] = wrong
    assert found == {}
