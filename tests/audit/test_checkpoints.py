"""Checkpoints in the database: made, signed once, and what they prove against who owns the database."""

from threading import Barrier, Thread

import pytest
from django.db import connection

from apps.audit import chain, triggers
from apps.audit.models import AuditEvent, ChainHead, Checkpoint, PublicKey, SigningKey
from apps.audit.proof import keys
from apps.audit.proof.checkpoints import ask_checkpoint, make_checkpoint
from apps.audit.proof.verifying import verify_database
from apps.audit.tasks import checkpoint
from apps.errors import NotAllowed, WrongState
from tests.audit.test_services import write


@pytest.fixture
def unguarded(db):
    """The database as its owner can have it: without the triggers."""
    triggers.remove(connection)
    yield
    triggers.install(connection)


def written_anew(first: int) -> None:
    """Seal every event from `first` on anew, and the head, as who owns the database could."""
    previous = AuditEvent.objects.filter(id=first - 1).values_list("hash", flat=True).first() or chain.FIRST_HASH
    for event in AuditEvent.objects.filter(id__gte=first).order_by("id"):
        event.previous_hash = previous
        event.hash = previous = chain.event_hash(previous, chain.event_content(event))
        event.save()
    ChainHead.objects.update(last_hash=previous)


def test_a_checkpoint_signs_where_the_chain_stands(db):
    write()
    last = write()
    made = make_checkpoint()
    assert (made.event_id, made.count, made.hash) == (2, 2, last.hash)
    assert verify_database().misfit is None


def test_nothing_is_signed_twice_and_an_empty_trail_not_at_all(db):
    assert make_checkpoint() is None
    write()
    assert make_checkpoint() == make_checkpoint()
    assert (Checkpoint.objects.count(), PublicKey.objects.count()) == (1, 1)


def test_the_timer_signs_without_an_event_of_its_own(db):
    write()
    checkpoint()
    checkpoint()
    assert (Checkpoint.objects.count(), AuditEvent.objects.count()) == (1, 1)


def test_the_private_key_is_sealed(db, settings):
    write()
    make_checkpoint()
    settings.ENCRYPTION_KEYS = ["another"]
    write()
    with pytest.raises(WrongState, match="cannot be opened with the keys of this installation"):
        make_checkpoint()
    keys.rotate(reason="The old one cannot be opened any more.")
    assert make_checkpoint().key_id == SigningKey.objects.get().key_id


def test_only_who_reads_the_whole_trail_makes_a_checkpoint(admin, bob):
    with pytest.raises(NotAllowed):
        ask_checkpoint(by=bob)
    refused = AuditEvent.objects.get(action="checkpoint.made")
    assert (refused.outcome, refused.actor, refused.actor_role) == ("refused", "bob", "ml_engineer, reviewer")
    assert ask_checkpoint(by=admin).event_id == 2


def test_a_chain_written_anew_is_seen_by_its_checkpoint(unguarded):
    write(), write(), write()
    make_checkpoint()
    AuditEvent.objects.filter(id=2).update(actor="eve")
    written_anew(2)
    assert verify_database().misfit == "Event 3 is not the one that was signed: the chain was written anew."


def test_a_chain_that_was_cut_is_seen_by_its_checkpoint(unguarded):
    first = write()
    write()
    make_checkpoint()
    AuditEvent.objects.filter(id=2).delete()
    ChainHead.objects.update(last_id=1, last_hash=first.hash)
    assert verify_database().misfit == "Event 2 is missing: event 2 has a checkpoint."


def test_a_checkpoint_that_was_changed_has_a_bad_signature(unguarded):
    first = write()
    write()
    make_checkpoint()
    Checkpoint.objects.update(event_id=1, count=1, hash=first.hash)
    assert verify_database().misfit == "The checkpoint at event 1 has a bad signature."


def test_a_key_that_was_exchanged_is_not_the_one_that_signed(unguarded):
    write()
    make_checkpoint()
    keys.rotate(reason="to have another")
    other = keys.published()[0]["public_key"]
    PublicKey.objects.exclude(public_key=other).update(public_key=other)
    assert "is signed with a key that is not kept" in verify_database().misfit


def test_two_at_once_make_one_key_and_one_checkpoint(transactional_db):
    write()
    start, failures = Barrier(4), []

    def sign() -> None:
        try:
            start.wait()
            make_checkpoint()
        except Exception as error:  # noqa: BLE001 - a thread's error must reach the test
            failures.append(error)
        finally:
            connection.close()

    threads = [Thread(target=sign) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (failures, Checkpoint.objects.count(), PublicKey.objects.count()) == ([], 1, 1)


def test_events_added_while_it_verifies_are_no_misfit(db, monkeypatch):
    """Its end is taken before its beginning is read."""
    write()
    make_checkpoint()
    from apps.audit.proof import verifying

    events = verifying.all_events

    def and_one_more():
        yield from events()
        write()
        make_checkpoint()

    monkeypatch.setattr(verifying, "all_events", and_one_more)
    assert verify_database().misfit is None


def test_events_are_read_a_batch_at_a_time(db, django_assert_num_queries):
    from apps.audit.proof.verifying import all_events

    for _ in range(5):
        write()
    with django_assert_num_queries(3):
        assert [event.id for event in all_events(batch=2)] == [1, 2, 3, 4, 5]
