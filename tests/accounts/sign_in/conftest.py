"""Signing in from fresh browsers, with counts of failures that begin at nothing."""

import pytest
from django.core.cache import cache
from django.test import Client

from tests.conftest import PASSWORD
from tests.servers.identity import CLIENT, CLIENT_SECRET, identity_provider

SIGN_IN, SECOND, SECURITY = "/sign-in/", "/sign-in/second-factor/", "/account/security/"


@pytest.fixture(autouse=True)
def no_failures_yet():
    cache.clear()
    yield
    cache.clear()


def sign_in(username: str, password: str = PASSWORD, browser: Client | None = None, **more: str) -> Client:
    """Send the sign-in form; `browser.answer` is what came back."""
    browser = browser or Client()
    browser.answer = browser.post(SIGN_IN, {"username": username, "password": password, **more})
    return browser


def is_in(browser: Client) -> bool:
    return browser.get("/account/").status_code == 200


@pytest.fixture
def provider(settings):
    """An OpenID provider that this installation signs in with."""
    with identity_provider() as server:
        settings.OIDC_ISSUER, settings.OIDC_CLIENT_ID, settings.OIDC_CLIENT_SECRET = server.url, CLIENT, CLIENT_SECRET
        server.claims = {"preferred_username": "grace", "given_name": "Grace", "family_name": "Hopper"}
        yield server
