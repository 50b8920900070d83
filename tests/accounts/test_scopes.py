"""Which token opens which address: one table, and what is not in it is open to none."""

import pytest
from django.urls import get_resolver

from apps.accounts import scopes
from apps.accounts.models import ApiToken, TokenScope
from apps.accounts.services import create_token
from config.api_scopes import NEEDED
from tests.accounts.test_authentication import bearer
from tests.test_permissions import TABLE, address, asked, persons  # noqa: F401 - the fixtures of the table of addresses

COVERED = {
    "gate": {"gate"},
    "read": {"gate", "read"},
    "register": {"gate", "read", "register"},
    "write": {"gate", "read", "register", "write"},
    "admin": {"gate", "read", "register", "write", "admin"},
}
PAGES = {"api:docs"}  # a page of the browser: a token does not open it
ROUTES = sorted((name, method) for name, method in TABLE if name.startswith("api:") and name not in PAGES)


def sent(client, name, method, request):
    row = TABLE[name, method]
    data = {} if method == "GET" else {"data": row.payload}
    kind = {} if method == "GET" else {"content_type": "application/json"}
    return getattr(client, method.lower())(address(name, request, row.query), **data, **kind)


def test_every_address_of_the_api_says_which_scope_it_needs_and_nothing_else_does():
    assert sorted((name, method) for name, methods in NEEDED.items() for method in methods) == ROUTES


def test_each_scope_covers_what_it_says():
    covered = {scope: {needed for needed in TokenScope.values if scopes.covers(scope, needed)} for scope in COVERED}
    assert covered == COVERED


def test_an_unknown_scope_covers_nothing():
    assert [needed for needed in TokenScope.values if scopes.covers("root", needed)] == []


def test_what_is_not_in_the_table_is_open_to_no_token():
    assert [
        scopes.needed_for(*route) for route in (("api:me", "POST"), ("api:unheard-of", "GET"), ("home", "GET"))
    ] == [
        None,
        None,
        None,
    ]


def test_asking_for_the_head_of_an_address_needs_what_reading_it_needs():
    assert [scopes.needed_for("api:gate", method) for method in ("GET", "HEAD", "OPTIONS")] == ["gate"] * 3


def test_a_gate_token_opens_the_gate_and_what_is_public(persons, asked):  # noqa: F811
    client = bearer(create_token("ci", by=persons["everywhere"], scope="gate").text)
    answers = {route: sent(client, *route, asked).status_code for route in ROUTES}
    assert {route for route, status in answers.items() if status != 403} == {
        ("api:gate", "GET"),
        ("api:audit-keys", "GET"),
    }  # public
    assert answers["api:gate", "GET"] == 200


def test_a_read_token_changes_nothing_and_administers_nothing(persons, asked):  # noqa: F811
    client = bearer(create_token("laptop", by=persons["everywhere"], scope="read").text)
    closed = [route for route in ROUTES if NEEDED[route[0]][route[1]] not in ("gate", "read")]
    assert {sent(client, *route, asked).status_code for route in closed} == {403}


def test_a_write_token_administers_nothing(persons, asked):  # noqa: F811
    client = bearer(create_token("laptop", by=persons["everywhere"], scope="write").text)
    closed = [route for route in ROUTES if NEEDED[route[0]][route[1]] == "admin"]
    assert {sent(client, *route, asked).status_code for route in closed} == {403}


def test_an_admin_token_of_somebody_who_is_none_lifts_nothing(bob, asked):  # noqa: F811
    client = bearer(create_token("laptop", by=bob, scope="admin").text)
    statuses = {
        sent(client, *route, asked).status_code for route in (("api:freeze-list", "POST"), ("api:webhook-list", "GET"))
    }
    assert statuses == {403}


def test_a_register_token_reports_checks_and_asks_for_nothing(alice, asked):  # noqa: F811
    client = bearer(create_token("pipeline", by=alice, scope="register").text)
    routes = (("api:check-list", "POST"), ("api:request-list", "POST"), ("api:request-withdraw", "POST"))
    assert [sent(client, *route, asked).status_code for route in routes] == [201, 403, 403]


def test_the_refusal_names_the_scopes_that_would_do(alice):
    answer = bearer(create_token("laptop", by=alice, scope="gate").text).get("/api/v1/models/")
    assert (answer.status_code, answer.json()["detail"]) == (
        403,
        "This token has the scope “gate”, and this needs another: “read”, “register”, “write”, “admin”. "
        "Use a token that has one.",
    )


@pytest.mark.parametrize("scope", TokenScope.values)
def test_no_token_opens_a_page(alice, scope):
    page = bearer(create_token("laptop", by=alice, scope=scope).text).get("/models/")
    assert page.status_code == 302


def test_without_the_admin_scope_nothing_that_only_admins_do_is_held(admin):
    held = {
        scope: bearer(create_token("x", by=admin, scope=scope).text).get("/api/v1/me/").json()["permissions"]
        for scope in ("read", "admin")
    }
    managing = {"connection:manage", "people:manage", "policy:manage", "webhook:manage"}
    assert set(held["admin"]) - set(held["read"]) == managing


def test_the_address_of_every_row_exists():
    assert set(NEEDED) <= {
        f"api:{name}" for name in get_resolver().namespace_dict["api"][1].reverse_dict if isinstance(name, str)
    }
    assert ApiToken._meta.get_field("scope").choices == TokenScope.choices
