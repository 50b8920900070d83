"""A passkey as a person uses it: made, asked for after the password, with a real browser and its own key store."""

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import listen, sign_in
from tests.conftest import member

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


def with_key_store(page: Page) -> Page:
    """Give the browser a key store that answers by itself."""
    driver = page.context.new_cdp_session(page)
    driver.send("WebAuthn.enable")
    driver.send("WebAuthn.addVirtualAuthenticator", {"options": {
        "protocol": "ctap2", "transport": "internal", "hasUserVerification": True, "isUserVerified": True,
        "automaticPresenceSimulation": True,
    }})  # fmt: skip
    return page


def test_a_passkey_is_made_and_signs_in(open_browser, live_server):
    member("bob")
    page = with_key_store(open_browser().new_page())
    heard = listen(page)
    sign_in(page, "bob")
    page.goto("/account/security/passkey/")
    page.get_by_label("Name", exact=True).fill("Laptop")
    page.get_by_role("button", name="Make the passkey").click()
    page.get_by_role("link", name="I have kept them").click()
    expect(page.get_by_role("rowheader", name="Laptop")).to_be_visible()
    page.context.clear_cookies()
    sign_in(page, "bob")
    page.get_by_role("button", name="Use your passkey").click()
    page.wait_for_url(lambda url: "/sign-in/" not in url)
    page.goto("/account/prove/passkey/?next=/account/")
    page.get_by_role("button", name="Use your passkey").click()
    expect(page.get_by_text("counts for one signature")).to_be_visible()
    assert heard == []
