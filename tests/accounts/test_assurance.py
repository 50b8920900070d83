"""How sure a signature has to be of who gives it."""

import pytest
from allauth.socialaccount.models import SocialAccount

from apps.accounts.assurance import SignWith, asked_by, is_enough
from apps.accounts.factors.rules import why_cannot_sign, without_factor
from tests.factors import with_app

METHODS = ("", "password", "oidc", "totp", "passkey")


@pytest.mark.parametrize(
    ("chosen", "asked"),
    [
        ((), "none"),
        (("none",), "none"),
        (("none", "password"), "password"),
        (("factor", "password", "none"), "factor"),
    ],
)
def test_of_several_policies_the_strongest_choice_counts(chosen, asked):
    assert asked_by(*chosen) == asked


def test_where_the_installation_wants_a_factor_no_password_is_asked_for(settings):
    settings.SIGN_WITH_FACTOR = True
    assert [asked_by(choice) for choice in SignWith] == ["none", "factor", "factor"]


@pytest.mark.parametrize(
    ("asked", "enough"), [("none", METHODS), ("password", METHODS[1:]), ("factor", ("totp", "passkey"))]
)
def test_what_is_stronger_is_always_enough(asked, enough):
    assert tuple(method for method in METHODS if is_enough(method, SignWith(asked))) == enough


def test_single_sign_on_is_a_factor_where_the_provider_asks_for_one(settings):
    settings.OIDC_ANSWERS_FOR_FACTOR = True
    assert is_enough("oidc", SignWith.FACTOR)


def test_who_has_no_factor_is_told_where_to_add_one(bob, erin):
    with_app(bob)
    assert why_cannot_sign(bob, SignWith.FACTOR) is None
    assert why_cannot_sign(erin, SignWith.PASSWORD) is None
    assert "Second factors and sessions" in (why_cannot_sign(erin, SignWith.FACTOR) or "")


def test_who_signs_in_with_a_provider_that_asks_for_a_factor_needs_none_here(bob, erin, settings):
    settings.OIDC_ISSUER, settings.OIDC_CLIENT_ID = "https://login.example.org", "assent"
    SocialAccount.objects.create(user=bob, provider=settings.OIDC_ISSUER, uid="s-1")
    assert without_factor([bob, erin]) == [bob, erin]
    settings.OIDC_ANSWERS_FOR_FACTOR = True
    assert without_factor([bob, erin]) == [erin]
