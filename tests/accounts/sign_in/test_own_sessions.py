"""Sessions: whose they are, when they end, and who ends them."""

from datetime import timedelta

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from apps.accounts import services, session_store, sessions, tasks
from apps.accounts.models import Session
from apps.audit.models import AuditEvent
from apps.errors import InvalidInput, NotAllowed
from tests.accounts.sign_in.conftest import SECURITY, is_in, sign_in

FIREFOX = "Mozilla/5.0 Firefox/150.0"


def row(browser: Client) -> Session:
    return Session.objects.get(session_key=session_store.row_key(browser.session.session_key))


def test_a_session_knows_its_person_browser_address_and_way_in(alice):
    browser = sign_in("alice", browser=Client(REMOTE_ADDR="10.0.0.7", headers={"user-agent": FIREFOX}))
    found = row(browser)
    assert (found.person, found.address, found.browser, found.method) == (alice, "10.0.0.7", FIREFOX, "password")


def test_the_table_holds_no_key_that_a_browser_sends(alice):
    browser = sign_in("alice")
    sent = browser.cookies["sessionid"].value
    kept = Session.objects.get()
    thief = Client()
    thief.cookies["sessionid"] = kept.session_key
    assert (sent in (kept.session_key, kept.session_data), is_in(thief)) == (False, False)


def test_the_key_changes_at_the_sign_in(alice):
    browser = Client()
    browser.cookies["sessionid"] = "fixed-by-somebody-else-0123456789ab"
    sign_in("alice", browser=browser)
    assert browser.cookies["sessionid"].value != "fixed-by-somebody-else-0123456789ab"
    thief = Client()
    thief.cookies["sessionid"] = "fixed-by-somebody-else-0123456789ab"
    assert (is_in(browser), is_in(thief)) == (True, False)


def test_a_session_ends_without_requests(alice, settings):
    browser = sign_in("alice")
    idle = timedelta(seconds=settings.SESSION_IDLE_SECONDS)
    Session.objects.update(seen_at=timezone.now() - idle + timedelta(seconds=5))
    assert is_in(browser)
    Session.objects.update(seen_at=timezone.now() - idle)
    assert not is_in(browser)


def test_a_session_ends_however_busy_somebody_is(alice, settings):
    browser = sign_in("alice")
    session = browser.session
    session["started"] -= settings.SESSION_COOKIE_AGE - 60
    session.save()
    assert (is_in(browser), row(browser).expire_date <= timezone.now() + timedelta(seconds=60)) == (True, True)
    assert browser.session.get_expiry_age() <= 60
    session = browser.session
    session["started"] -= 60
    session.save()
    assert not is_in(browser)


def test_when_a_session_was_seen_is_written_once_a_minute(alice, settings):
    settings.SESSION_SEEN_SECONDS = 60
    browser = sign_in("alice")
    Session.objects.update(seen_at=timezone.now() - timedelta(minutes=2))
    counts = []
    for _ in range(2):
        with CaptureQueriesContext(connection) as asked:
            assert is_in(browser)
        counts.append(sum("UPDATE accounts_session" in query["sql"] for query in asked.captured_queries))
    assert (counts, row(browser).seen_at > timezone.now() - timedelta(minutes=1)) == ([1, 0], True)


def test_the_page_lists_ones_own_sessions_alone(alice, bob):
    browsers = [sign_in("alice"), sign_in("alice"), sign_in("bob")]
    found = browsers[0].get(SECURITY).context["sessions"]
    assert ([one.here for one in found].count(True), len(found)) == (1, 2)


def test_one_ends_one_of_ones_own_sessions(alice):
    here, there = sign_in("alice"), sign_in("alice")
    here.post(SECURITY, {"end": row(there).session_key})
    assert (is_in(here), is_in(there), AuditEvent.objects.latest("id").action) == (True, False, "session.ended")


def test_a_session_of_somebody_else_is_not_there(alice, bob):
    hers, his = sign_in("alice"), sign_in("bob")
    assert his.post(SECURITY, {"end": row(hers).session_key}).status_code == 404
    assert is_in(hers)


def test_signing_out_everywhere_else_leaves_this_browser(alice, bob):
    here, there, his = sign_in("alice"), sign_in("alice"), sign_in("bob")
    here.post(SECURITY, {"do": "end_others"})
    event = AuditEvent.objects.latest("id")
    assert [is_in(browser) for browser in (here, there, his)] == [True, False, True]
    assert (event.action, event.data["sessions"]) == ("session.ended", 1)


def test_an_admin_signs_somebody_out_everywhere(alice, admin):
    browsers = [sign_in("alice"), sign_in("alice")]
    page = sign_in("admin").post("/people/", {"do": "end_sessions", "person": "alice", "reason": "Lost her laptop."})
    event = AuditEvent.objects.latest("id")
    assert (page.status_code, [is_in(browser) for browser in browsers]) == (302, [False, False])
    assert (event.actor, event.target, event.reason) == ("admin", "alice", "Lost her laptop.")


def test_others_sign_nobody_out_and_admins_say_why(alice, bob, admin):
    with pytest.raises(NotAllowed):
        services.end_sessions(alice, by=bob, reason="Why not.")
    with pytest.raises(InvalidInput):
        services.end_sessions(alice, by=admin, reason="")


def test_ending_the_sessions_of_one_reads_no_other(alice, bob, django_assert_max_num_queries):
    for _ in range(5):
        sign_in("bob")
    sign_in("alice")
    with django_assert_max_num_queries(2):
        assert sessions.end_all_of(alice) == 1


def test_a_request_under_way_does_not_bring_back_a_session_that_was_ended(alice):
    browser = sign_in("alice")
    under_way = browser.session
    assert under_way["started"]  # it is read
    sessions.end_all_of(alice)
    under_way["theme"] = "dark"
    with pytest.raises(session_store.db.UpdateError):
        under_way.save()
    assert not is_in(browser)


def test_what_has_ended_is_tidied_up(alice, settings):
    living, idle, over = (sign_in("alice") for _ in range(3))
    now = timezone.now()
    Session.objects.filter(pk=row(idle).pk).update(seen_at=now - timedelta(days=1))
    Session.objects.filter(pk=row(over).pk).update(expire_date=now)
    tasks.prune()
    assert Session.objects.get() == row(living)


def test_the_last_sign_in_is_shown_to_admins(alice, admin):
    page = sign_in("admin")
    before = page.get("/people/").content.decode()
    sign_in("alice")
    assert before.count("never") == page.get("/people/").content.decode().count("never") + 1
