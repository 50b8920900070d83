"""A running sync in a real browser: its progress moves by itself, and it is cancelled by keyboard."""

import pytest
from django.utils import timezone
from playwright.sync_api import expect

from apps.registry.models import SyncRun, SyncState
from tests.browser.conftest import become, listen

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def run(admin) -> SyncRun:
    return SyncRun.objects.create(requested_by="beat", done=10, total=100, note="reading")


@pytest.fixture
def page(open_browser, live_server, admin):
    context = open_browser()
    become(context, admin, live_server.url)
    page = context.new_page()
    page.heard = listen(page)
    return page


def test_progress_moves_by_itself_and_the_page_says_when_it_is_done(page, run):
    page.goto("/sync/")
    bar = page.get_by_role("progressbar", name="Progress of the sync of default")
    expect(bar).to_have_attribute("value", "10")
    SyncRun.objects.filter(pk=run.pk).update(done=60, note="writing")
    expect(bar).to_have_attribute("value", "60")
    expect(page.get_by_text("60 of 100 models · writing")).to_be_visible()
    SyncRun.objects.filter(pk=run.pk).update(
        state=SyncState.DONE, finished_at=timezone.now(), counts={"models": 100, "calls": 3}
    )
    expect(bar).to_have_count(0)
    expect(page.get_by_text("models 100 · calls 3")).to_be_visible()
    assert page.heard == []


def test_a_sync_is_cancelled_by_keyboard_while_its_progress_moves(page, run):
    page.goto("/sync/")
    cancel = page.get_by_role("button", name="Cancel the sync of default")
    cancel.focus()
    SyncRun.objects.filter(pk=run.pk).update(done=60)
    expect(page.get_by_text("60 of 100 models")).to_be_visible()
    expect(cancel).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.get_by_text("The sync is cancelled. What it has read stays.")).to_be_visible()
    run.refresh_from_db()
    assert (run.state, run.cancelled_by, page.heard) == (SyncState.CANCELLED, "admin", [])


def test_without_javascript_a_link_reloads_and_a_button_cancels(open_browser, live_server, admin, run):
    context = open_browser(java_script_enabled=False)
    become(context, admin, live_server.url)
    page = context.new_page()
    page.goto("/sync/")
    SyncRun.objects.filter(pk=run.pk).update(done=60)
    page.get_by_role("link", name="Reload").click()
    expect(page.get_by_text("60 of 100 models")).to_be_visible()
    page.get_by_role("button", name="Cancel the sync of default").click()
    expect(page.get_by_text("The sync is cancelled.")).to_be_visible()
