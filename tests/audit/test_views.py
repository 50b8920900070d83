"""The page of the trail."""

import re

import pytest
from django.db import connection, transaction
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from apps.accounts.models import User
from apps.accounts.roles import ROLES
from apps.audit import searching
from apps.audit.actions import Action, Outcome, Source
from apps.audit.models import AuditEvent
from apps.audit.searching import ROWS
from apps.audit.services import Actor, Target, record
from apps.audit.templatetags.audit_tags import ROLE_LABELS, role_words, target_url
from tests.builders import make_model

URL = "/audit/"


def browser(user: User) -> Client:
    client = Client()
    client.force_login(user, backend="apps.accounts.backends.PersonBackend")
    return client


def write(action=Action.REQUEST_OPENED, *, by="alice", target="request 1", model_id=None, **fields):
    with transaction.atomic():
        return record(action, by=Actor(by, "ml_engineer"), target=Target("request", target, model_id), **fields)


def shown(user, **query) -> list[int]:
    return [event.pk for event in browser(user).get(URL, query).context["found"].events]


def text_of(response) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", response.content.decode()))


def test_the_address_is_the_one_that_others_link_to():
    assert reverse("audit:event-list") == URL


def test_a_row_tells_who_did_what_and_opens_to_before_after_and_hash(admin):
    event = write(before={"state": "open", "old": 1}, after={"state": "approved", "new": {"a": True}}, reason="Why not")
    page = text_of(browser(admin).get(URL))
    assert "alice ML engineer" in page
    assert "Request opened" in page
    assert "Why not" in page
    assert "state changed open → approved" in page
    assert "new.a + added true" in page
    assert "old − removed 1" in page
    assert event.hash in page


def test_hostile_text_stays_text(admin):
    write(by="<script>alert(1)</script>", target="<img onerror=x>", reason="<b>", after={"<i>": "<u>"})
    page = browser(admin).get(URL).content
    assert [mark in page for mark in (b"<script>alert", b"<img onerror", b"<b>", b"<i>", b"<u>")] == [False] * 5


def test_filters_narrow_and_combine(admin):
    first = write()
    second = write(Action.REQUEST_REVIEWED, by="bob", target="request 22", outcome=Outcome.REFUSED, source=Source.API)
    day = first.at.date().isoformat()
    assert shown(admin) == [second.pk, first.pk]
    assert shown(admin, actor="bob") == shown(admin, action="request.reviewed") == [second.pk]
    assert shown(admin, outcome="refused", source="api") == shown(admin, target="22") == [second.pk]
    assert shown(admin, since=day, until=day, actor="alice") == [first.pk]
    assert shown(admin, until="2001-01-01") == shown(admin, since="2999-01-01") == []


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ({"action": "nothing"}, "action"),
        ({"outcome": "maybe"}, "outcome"),
        ({"source": "sky"}, "source"),
        ({"since": "2026-13-01"}, "since"),
        ({"since": "2026-05-02", "until": "2026-05-01"}, "until"),
        ({"before": "x"}, "before"),
        ({"after": str(2**63)}, "after"),
        ({"target": "a\x00b"}, "target"),
        ({"model": "nowhere"}, "model"),
        ({"model": "a\x00b"}, "model"),
        ({"address": "1" * 46}, "address"),
    ],
)
def test_a_malformed_filter_is_a_400_that_names_it(admin, query, field):
    response = browser(admin).get(URL, query)
    assert (response.status_code, list(response.context["form"].errors)) == (400, [field])


def test_one_of_several_actions_is_enough(admin):
    first, second, third = write(), write(Action.REQUEST_REVIEWED), write(Action.VIEW_SAVED)
    assert shown(admin, action=["request.opened", "view.saved", ""]) == [third.pk, first.pk]
    assert second.pk not in shown(admin, action=["request.opened", "view.saved"])


def test_a_model_is_asked_for_by_its_name(admin, mallory):
    model = make_model("churn")
    about = write(model_id=model.pk, target="request 5")
    write(target="churn")
    assert shown(admin, model="churn") == shown(admin, model_id=model.pk) == [about.pk]
    assert browser(mallory).get(URL, {"model": "churn"}).status_code == 400


def test_each_filter_in_force_can_be_taken_away_alone(admin):
    write()
    page = browser(admin).get(URL, {"actor": "alice", "action": ["request.opened", "view.saved"], "before": "9"})
    assert [(chip.words, chip.without) for chip in page.context["chips"]] == [
        ("alice", "action=request.opened&action=view.saved"),
        ("Request opened", "actor=alice&action=view.saved"),
        ("View saved", "actor=alice&action=request.opened"),
    ]


def test_an_empty_page_names_the_filter_that_excludes_everything(admin):
    write()
    page = text_of(browser(admin).get(URL, {"actor": "nobody", "outcome": "done"}))
    assert "Nothing that you may read fits, whatever else you ask: Actor: nobody" in page


def test_an_empty_page_names_the_filters_that_exclude_each_other(admin):
    write()
    write(Action.VIEW_SAVED, by="bob")
    page = text_of(browser(admin).get(URL, {"actor": "bob", "action": "request.opened"}))
    assert "Take one of these away: Actor: bob take away Action: Request opened take away" in page


def test_a_search_that_stopped_says_how_far_it_looked(admin, monkeypatch):
    monkeypatch.setattr(searching, "FIRST_WINDOW", 2)
    monkeypatch.setattr(searching, "ALL_LOOKS", 0)
    for _ in range(5):
        write()
    page = browser(admin).get(URL, {"actor": "nobody"})
    assert "Assent looked as far as event 4" in text_of(page)
    assert b"?actor=nobody&amp;before=4" in page.content


def test_an_event_has_a_page_of_its_own_with_its_diff_and_hashes(admin):
    event = write(before={"state": "open"}, after={"state": "approved"}, reason="Why not")
    page = text_of(browser(admin).get(f"{URL}events/{event.pk}/"))
    assert [part in page for part in ("state changed open → approved", event.hash, event.previous_hash, "Why not")] == [
        True
    ] * 4


def test_an_event_out_of_sight_has_no_page(mallory):
    event = write()
    assert browser(mallory).get(f"{URL}events/{event.pk}/").status_code == 404
    assert browser(mallory).get(f"{URL}events/{10**30}/").status_code == 404


def test_paging_goes_older_and_newer_without_gap_or_repetition(admin):
    for _ in range(2 * ROWS + 5):
        write()
    first = browser(admin).get(URL).context["found"]
    second = browser(admin).get(URL, {"before": first.older}).context["found"]
    third = browser(admin).get(URL, {"before": second.older}).context["found"]
    numbers = [event.pk for part in (first, second, third) for event in part.events]
    assert numbers == list(range(2 * ROWS + 5, 0, -1))
    assert (first.newer, third.older) == (None, None)
    assert shown(admin, after=third.newer) == [event.pk for event in second.events]
    newest = browser(admin).get(URL, {"after": second.newer}).context["found"]
    assert ([event.pk for event in newest.events], newest.newer) == ([event.pk for event in first.events], None)


def test_the_links_keep_the_filters(admin):
    for _ in range(ROWS + 1):
        write()
    assert b"?actor=alice&amp;before=2" in browser(admin).get(URL, {"actor": "alice"}).content


def test_a_person_sees_only_events_of_visible_models_and_their_own(charlie, mallory):
    model = make_model()
    about_model, about_nothing = write(model_id=model.pk), write()
    own = write(by="mallory")
    assert (shown(charlie), shown(mallory)) == ([about_model.pk], [own.pk])
    assert about_nothing.pk not in shown(charlie)


def test_nothing_to_read_and_no_match_are_told_apart(admin, mallory):
    write()
    assert "No events that you may read" in text_of(browser(mallory).get(URL))
    assert "No event matches" in text_of(browser(admin).get(URL, {"actor": "nobody"}))


def test_nobody_signed_in_is_led_to_the_sign_in_page(db):
    assert Client().get(URL)["Location"] == f"{reverse('accounts:sign-in')}?next={URL}"


def test_the_trail_cannot_be_posted_to(admin):
    assert browser(admin).post(URL).status_code == 405


def test_the_page_asks_the_same_number_of_queries_whatever_its_length(charlie):
    model, client, counts, made = make_model(), browser(charlie), [], 0
    for length in (1, 10, 100):
        for _ in range(length - made):
            made += 1
            write(model_id=model.pk)
        with CaptureQueriesContext(connection) as queries:
            client.get(URL)
        counts.append(len(queries))
    assert counts == [counts[0]] * 3


@pytest.mark.parametrize(
    ("kind", "target", "path"),
    [
        ("request", "request 12", "/requests/12/"),
        ("version", "churn v v3", "/models/churn%20v/v/3/"),
        ("version", "a/b v3", "/models/a~2Fb/v/3/"),
        ("model", "churn", "/models/churn/"),
        ("version", "version 3", ""),
        ("prompt", "greeting", ""),
        ("version", "churn v" + "9" * 5000, ""),
        ("group", "churn", ""),
        ("person", "request 12", ""),
    ],
)
def test_a_target_leads_to_its_page(kind, target, path):
    event = AuditEvent(target_type=kind, target=target, model_id=1, data={})
    assert target_url(event) == path
    event.model_id = None
    assert target_url(event) == ""


def test_a_request_says_what_it_moves(admin):
    model = make_model()
    write(model_id=model.pk, version="churn v3", to_stage="Production")
    page = browser(admin).get(URL)
    assert '<a href="/requests/1/">request 1</a><span class="sub">churn v3 → Production</span>' in page.content.decode()


@pytest.mark.parametrize(
    ("role", "words"),
    [("ml_engineer, reviewer", "ML engineer, Reviewer"), ("night_watch", "night watch"), ("", "")],
)
def test_roles_are_said_in_words(role, words):
    assert role_words(role) == words


def test_every_role_has_its_words():
    assert {name: str(label) for name, label in ROLE_LABELS.items()} == {
        role.name: str(role.label) for role in ROLES.values()
    }
