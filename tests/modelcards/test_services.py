import threading

import pytest
from django.db import DatabaseError, connection, transaction
from django.utils import timezone

from apps.audit.models import AuditEvent
from apps.errors import Conflict, NotAllowed, NotVisible, WrongState
from apps.modelcards import queries, requirements, services
from apps.modelcards.filling import Edit
from apps.modelcards.models import Card, CardRevision, CardState, RequirementSet
from apps.modelcards.services import CardConflict, CardInvalid
from tests.builders import make_version
from tests.modelcards.conftest import PROSE, fill

pytestmark = pytest.mark.django_db


def test_a_card_is_started_once(card, alice):
    with pytest.raises(Conflict):
        services.start("churn", 1, by=alice)
    assert CardRevision.objects.count() == 1


def test_a_stranger_is_told_of_no_card(card, mallory):
    with pytest.raises(NotVisible):
        services.save("churn", 1, Edit({"users": ["x"]}), base=1, by=mallory)


def test_a_viewer_writes_no_card(card, charlie):
    with pytest.raises(NotAllowed):
        services.save("churn", 1, Edit({"users": ["x"]}), base=1, by=charlie)
    assert AuditEvent.objects.latest("id").outcome == "refused"


def test_a_save_is_a_revision_with_author_parent_and_digest(card, alice):
    row = fill(alice)
    assert (row.number, row.parent, row.author, row.cause) == (2, 1, alice, "edited")
    card.refresh_from_db()
    assert (card.number, card.digest) == (2, row.digest)


def test_a_save_that_changes_nothing_writes_nothing(card, alice):
    before = AuditEvent.objects.count()
    assert services.save("churn", 1, Edit({}), base=1, by=alice).number == 1
    assert AuditEvent.objects.count() == before


def test_the_second_of_two_editors_learns_of_the_first(card, alice, bob):
    fill(alice)
    with pytest.raises(CardConflict) as conflict:
        services.save("churn", 1, Edit({"users": ["Sales"]}), base=1, by=bob)
    assert conflict.value.current == 2
    assert queries.revision(queries.get_card(bob, "churn", 1)).values["users"] == PROSE["users"]


def test_every_field_at_fault_is_named(card, alice):
    with pytest.raises(CardInvalid) as invalid:
        services.save("churn", 1, Edit({"task": "juggling", "version": "9"}), base=1, by=alice)
    assert set(invalid.value.errors) == {"task", "version"}


def test_a_credential_in_a_text_is_masked_before_it_is_kept(card, alice):
    row = services.save("churn", 1, Edit({"references": ["https://alice:secret@example.com/x"]}), base=1, by=alice)
    assert row.values["references"] == ["https://…@example.com/x"]


def test_the_card_of_a_deleted_version_stays_as_it_is(card, alice):
    card.version.deleted_at = timezone.now()
    card.version.save()
    with pytest.raises(WrongState):
        fill(alice)


def test_a_new_version_starts_from_the_newest_card_before_it(card, alice):
    fill(alice)
    make_version(card.version.model, 2)
    make_version(card.version.model, 3)
    row = services.start("churn", 3, by=alice)
    assert row.states["intended_use"]["source"] == "version 1"


def test_facts_are_taken_anew_as_a_revision(card, alice):
    card.version.params = {"depth": "4"}
    card.version.save()
    row = services.refresh("churn", 1, base=1, by=alice)
    assert (row.number, row.values["hyperparameters"]) == (2, {"depth": "4"})


def test_the_database_refuses_to_change_a_revision(card):
    with pytest.raises(DatabaseError), transaction.atomic():
        CardRevision.objects.update(note="It was never so.")
    with pytest.raises(DatabaseError), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("DELETE FROM modelcards_cardrevision")


def test_the_database_refuses_to_change_a_requirement_set(admin):
    RequirementSet.objects.create(number=1, levels={}, reason="Start.", published_by=admin)
    with pytest.raises(DatabaseError), transaction.atomic():
        RequirementSet.objects.update(reason="It was never so.")


def test_completeness_of_many_cards_is_one_query(card, alice, django_assert_num_queries):
    for number in range(2, 6):
        make_version(card.version.model, number)
        services.start("churn", number, by=alice)
    versions = list(card.version.model.versions.values_list("pk", flat=True))
    with django_assert_num_queries(2):  # the cards, and the requirement set
        asked = requirements.current()
        found = queries.cards_of(versions)
        known = [queries.completeness(row, "low", "Staging", asked=asked) for row in found.values()]
    assert [row.wanted for row in known] == [known[0].wanted] * 5


@pytest.mark.django_db(transaction=True)
def test_of_two_at_once_one_saves_and_the_other_is_told(version, alice, bob):
    services.start("churn", 1, by=alice)
    ended: list[str] = []

    def save(by) -> None:
        try:
            services.save("churn", 1, Edit({"users": [by.username]}), base=1, by=by)
            ended.append("saved")
        except CardConflict:
            ended.append("told")
        finally:
            connection.close()

    both = [threading.Thread(target=save, args=(by,)) for by in (alice, bob)]
    for one in both:
        one.start()
    for one in both:
        one.join()
    assert sorted(ended) == ["saved", "told"]
    assert Card.objects.get().number == 2
    assert Card.objects.get().state == CardState.DRAFT
