"""Two people, two tabs, and what was typed and not saved."""

import threading

import pytest
from django.db import connection
from django.test import Client
from django.utils import timezone

from apps.modelcards import services
from apps.modelcards.filling import Edit
from apps.modelcards.models import CardDraft, CardRevision
from tests.modelcards.editing.conftest import USE, address, newest

pytestmark = pytest.mark.django_db


def test_what_others_saved_of_other_fields_stays(send, alice, bob):
    send({"users-0": "Sales"}, by=bob)
    answer = send({"intended_use": USE, "users-0": ""})
    assert answer.status_code == 302
    row = newest(alice)
    assert (row.number, row.values["users"], row.values["intended_use"]) == (3, ["Sales"], USE)


def test_a_save_on_top_of_anothers_says_so(card, alice, bob, send, client):
    send({"users-0": "Sales"}, by=bob)
    client.force_login(alice)
    page = client.post(address(), {"base": 1, "intended_use": USE}, follow=True).content.decode()
    assert "bob saved revision 2 meanwhile" in page


def test_what_both_changed_is_shown_from_three_sides(send, alice, bob):
    services.save("churn", 1, Edit({"users": ["Everybody"]}), base=1, by=alice)
    send({"users-0": "Sales of bob"}, by=bob, base=2)
    answer = send({"users-0": "Support of alice", "intended_use": USE}, base=2)
    page = answer.content.decode()
    assert answer.status_code == 409
    assert all(
        text in page for text in ("Everybody", "Sales of bob", "Support of alice", USE, "bob&#x27;s, revision 3")
    )
    assert "<title>Error: Edit Use" in page
    assert 'name="base" value="3"' in page
    assert newest(alice).values["users"] == ["Sales of bob"]


@pytest.mark.parametrize(("choice", "left"), [("theirs", ["Sales"]), ("mine", ["Support, and more"])])
def test_a_conflict_is_settled_field_by_field(send, alice, bob, choice, left):
    send({"users-0": "Sales"}, by=bob)
    chosen = {"users-0": "Support, and more", "users-was": "1", "users-choose": choice, "intended_use": USE}
    assert send(chosen, base=2).status_code == 302
    assert (newest(alice).values["users"], newest(alice).values["intended_use"]) == (left, USE)


def test_a_conflict_without_a_choice_is_asked_again(send, bob):
    send({"users-0": "Sales"}, by=bob)
    answer = send({"users-0": "Support", "users-was": "1", "users-listed": "1"}, base=2)
    page = answer.content.decode()
    assert (answer.status_code, "Choose theirs, or yours" in page, "Support" in page) == (400, True, True)


def test_what_both_wrote_alike_is_no_conflict(send, alice, bob):
    send({"users-0": "Sales"}, by=bob)
    assert send({"users-0": "Sales"}).status_code == 302
    assert newest(alice).number == 2


def test_two_tabs_of_one_person_do_not_undo_each_other(send, alice):
    send({"users-0": "Sales", "intended_use": ""})
    send({"users-0": "", "intended_use": USE})
    assert (newest(alice).values["users"], newest(alice).values["intended_use"]) == (["Sales"], USE)


def test_a_draft_is_shown_to_its_writer_alone(send, look, bob):
    said = send({"users-0": "half a wor"}, to="draft/")
    assert said.content.decode().startswith("Kept as your draft at ")
    assert "half a wor" in look()
    assert "did not save it" in look()
    assert "half a wor" not in look(by=bob)


def test_a_draft_like_the_card_is_none(send):
    assert send({"users-0": ""}, to="draft/").content.decode().startswith("Nothing to keep")
    assert CardDraft.objects.count() == 0


def test_a_draft_is_discarded(send, look):
    send({"users-0": "half a wor"}, to="draft/")
    send({}, do="discard")
    assert "half a wor" not in look()


def test_a_draft_is_kept_by_a_button_without_javascript(send, look):
    send({"users-0": "half a wor"}, do="keep")
    assert "half a wor" in look()


def test_a_draft_of_an_older_revision_shows_what_others_saved_since(send, look, bob):
    send({"users-0": "half a wor", "intended_use": ""}, to="draft/")
    send({"intended_use": USE}, by=bob)
    page = look()
    assert "half a wor" in page
    assert USE in page
    assert 'name="base" value="2"' in page


def test_a_draft_that_others_overtook_is_shown_from_three_sides(send, look, bob):
    send({"users-0": "half a wor"}, to="draft/")
    send({"users-0": "Sales"}, by=bob)
    page = look()
    assert "half a wor" in page
    assert "users-choose" in page


def test_sections_with_drafts_are_marked(send, look):
    send({"users-0": "half a wor"}, to="draft/")
    assert look("basics").count('class="unsaved"') == 1


def test_a_save_that_fails_keeps_what_was_typed(send, look):
    send({"users-0": "Sales", "intended_use": "x" * 20_001})
    page = look()
    assert "Sales" in page
    assert "x" * 20_001 in page


def test_a_version_that_is_deleted_meanwhile_loses_nothing(send, card, look):
    card.version.deleted_at = timezone.now()
    card.version.save()
    answer = send({"users-0": "Sales"})
    assert (answer.status_code, "Sales" in answer.content.decode()) == (409, True)
    page = look()
    assert "Sales" in page
    assert "nothing can be saved" in page
    assert 'value="save"' not in page


def test_an_archived_card_is_not_saved(send, card):
    card.state = "archived"
    card.save()
    answer = send({"users-0": "Sales"})
    assert (answer.status_code, "archived" in answer.content.decode()) == (409, True)


def test_a_save_ends_the_review_and_the_page_says_so_before(look, card):
    card.state = "in_review"
    card.save()
    assert "makes the card a draft again" in look()


@pytest.mark.django_db(transaction=True)
def test_two_at_once_with_different_fields_both_save(version, alice, bob):
    services.start("churn", 1, by=alice)
    ended = []

    def save(by, fields) -> None:
        client = Client()
        client.force_login(by)
        ended.append(client.post(address(), {"base": 1, **fields}).status_code)
        connection.close()

    both = [threading.Thread(target=save, args=(alice, {"intended_use": USE})),
            threading.Thread(target=save, args=(bob, {"users-0": "Sales"}))]  # fmt: skip
    for one in both:
        one.start()
    for one in both:
        one.join()
    assert ended == [302, 302]
    assert {"intended_use", "users"} <= set(CardRevision.objects.latest("number").values)


def test_a_secret_that_is_pasted_is_masked_in_the_draft_too(send, look):
    send({"users-0": "see https://bob:hunter2@example.org/x"}, to="draft/")
    assert "hunter2" not in str(CardDraft.objects.get().posted)
    assert "example.org/x" in look()
