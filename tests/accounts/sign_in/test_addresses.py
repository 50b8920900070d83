"""What is reachable, and with what: nothing of allauth's own, and no form without its token."""

import pytest
from django.core.management import CommandError, call_command
from django.test import Client
from django.urls import URLResolver, get_resolver, reverse

from apps.accounts.factors import queries
from apps.accounts.models import User
from apps.audit.models import AuditEvent
from tests.accounts.sign_in.conftest import is_in, sign_in
from tests.accounts.sign_in.test_second_factor import set_up

FORMS = ["second-factor", "security", "app-add", "passkey-add", "prove-by-passkey", "people", "sign-in", "sign-out"]


def views(resolver: URLResolver):
    for entry in resolver.url_patterns:
        yield from views(entry) if isinstance(entry, URLResolver) else [entry.callback.__module__]


def test_no_page_of_allauths_own_is_reachable():
    assert [module for module in views(get_resolver()) if module.startswith("allauth")] == []


@pytest.mark.parametrize("path", ["login/", "signup/", "email/", "2fa/", "3rdparty/", "oidc/oidc/login/", ""])
def test_addresses_that_allauth_is_known_for_are_not_there(alice, client, path):
    client.force_login(alice)
    assert client.get(f"/accounts/{path}").status_code == 404


@pytest.mark.parametrize("name", FORMS)
def test_a_form_without_its_token_is_refused(alice, name):
    browser = Client(enforce_csrf_checks=True)
    browser.force_login(alice, backend="apps.accounts.backends.PersonBackend")
    assert browser.post(reverse(f"accounts:{name}"), {"do": "end_others"}).status_code == 403


def test_the_operator_resets_a_factor_with_a_reason(bob, capsys):
    browser = sign_in("bob")
    set_up(browser)
    call_command("reset_factors", "bob", reason="The only admin lost the phone.")
    event = AuditEvent.objects.latest("id")
    assert (queries.has_factor(bob), is_in(browser), event.actor) == (False, False, "system:operator")
    assert "Authenticator app" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("user", "reason", "words"), [("nobody", "x", "Nobody"), ("bob", " ", "why"), ("bob", "x", "no")]
)
def test_the_operator_is_told_what_cannot_be_reset(bob, user, reason, words):
    with pytest.raises(CommandError, match=words):
        call_command("reset_factors", user, reason=reason)
    assert User.objects.get() == bob
