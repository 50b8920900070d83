"""Assent without a mouse, and the search that answers while somebody types."""

import re

import pytest
from playwright.sync_api import Page, expect

from apps.approvals.models import ApprovalRequest, RequestState
from tests.browser.conftest import become, listen
from tests.browser.world import World, build

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
MOST_STEPS = 120  # of the Tab key, to anything on a page
FOCUSED = "document.activeElement.innerText.trim() || document.activeElement.id"
OUTLINE = "getComputedStyle(document.activeElement).outlineStyle"


@pytest.fixture
def world() -> World:
    return build()


@pytest.fixture
def bob(world, open_browser, live_server) -> Page:
    """A page of Bob, who reviews."""
    context = open_browser()
    become(context, world.people["bob"], live_server.url)
    return context.new_page()


def tab_to(page: Page, wanted: str) -> None:
    """Press Tab until the focus is on `wanted`: its text or its id. Each stop on the way shows its focus."""
    for _ in range(MOST_STEPS):
        page.keyboard.press("Tab")
        focused = page.evaluate(FOCUSED)
        assert (focused, page.evaluate(OUTLINE)) != (focused, "none")
        if focused == wanted:
            return
    raise AssertionError(f"{wanted!r} cannot be reached by Tab")


def test_the_first_tab_skips_to_the_content(bob):
    bob.goto("/models/")
    bob.keyboard.press("Tab")
    expect(bob.get_by_role("link", name="Skip to the content")).to_be_in_viewport()
    bob.keyboard.press("Enter")
    expect(bob.get_by_role("main")).to_be_focused()


def test_a_request_is_approved_by_the_keyboard_alone(bob, world):
    bob.goto("/reviews/")
    tab_to(bob, "churn-classifier v2")
    bob.keyboard.press("Enter")
    expect(bob).to_have_title("Promote churn-classifier v2 → Production · Assent")
    tab_to(bob, "comment")
    bob.keyboard.type("Read and agreed.")
    tab_to(bob, "Approve")
    bob.keyboard.press("Enter")
    expect(bob.get_by_role("main")).to_contain_text("Read and agreed.")
    assert ApprovalRequest.objects.get(pk=world.requests["open"].pk).state == RequestState.APPROVED


def test_the_menu_opens_by_enter_and_closes_by_escape(bob):
    bob.goto("/models/")
    item = bob.get_by_role("link", name="Account and tokens")
    tab_to(bob, "Bob")
    expect(item).to_be_hidden()
    bob.keyboard.press("Enter")
    expect(item).to_be_visible()
    bob.keyboard.press("Tab")
    expect(item).to_be_focused()
    bob.keyboard.press("Escape")
    expect(item).to_be_hidden()
    assert bob.evaluate(FOCUSED) == "Bob"


def test_the_search_answers_while_typing_and_back_returns(bob):
    heard = listen(bob)
    bob.goto("/models/")
    rows = bob.locator("#rows tbody tr")
    everything = rows.count()
    bob.keyboard.press("/")
    bob.keyboard.type("churn")
    expect(rows).to_have_count(1)
    expect(bob).to_have_url(re.compile("q=churn"))
    expect(bob.get_by_role("searchbox")).to_be_focused()
    bob.get_by_role("link", name="churn-classifier").click()
    expect(bob).to_have_title("churn-classifier · Assent")
    bob.go_back()
    expect(rows).to_have_count(1)
    expect(bob.get_by_role("searchbox")).to_have_value("churn")
    bob.goto("/models/")
    expect(rows).to_have_count(everything)
    assert heard == []
