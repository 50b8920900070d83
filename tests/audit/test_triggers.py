import pytest
from django.db import DatabaseError, connection, transaction

from apps.audit import triggers
from apps.audit.models import AuditEvent, ChainHead, Checkpoint
from apps.audit.proof.checkpoints import make_checkpoint
from tests.audit.test_services import write


def refused(statement: str, why: str = "append-only") -> None:
    with pytest.raises(DatabaseError, match=why), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(statement)


@pytest.mark.parametrize("statement", ["UPDATE audit_auditevent SET actor = 'eve'", "DELETE FROM audit_auditevent"])
def test_the_database_refuses_to_change_an_event(db, statement):
    write()
    refused(statement)
    assert AuditEvent.objects.get().actor == "alice"


def test_the_database_refuses_its_own_way_around(db):
    write()
    if connection.vendor == "postgresql":
        refused("TRUNCATE audit_auditevent")
        refused("SET LOCAL session_replication_role = 'replica'; DELETE FROM audit_auditevent")
    else:
        columns = ", ".join(field.column for field in AuditEvent._meta.concrete_fields)
        forged = columns.replace("actor,", "'eve',")
        refused(f"INSERT OR REPLACE INTO audit_auditevent ({columns}) SELECT {forged} FROM audit_auditevent")
    assert AuditEvent.objects.get().actor == "alice"


def test_the_orm_cannot_save_an_event_again(db):
    event = write()
    event.actor = "eve"
    with pytest.raises(DatabaseError, match="append-only"), transaction.atomic():
        event.save()


def test_install_and_remove_can_be_repeated(db):
    for step in (triggers.install, triggers.remove, triggers.remove, triggers.install):
        step(connection)
    write()
    refused("DELETE FROM audit_auditevent")


@pytest.mark.parametrize("table", ["audit_checkpoint", "audit_publickey"])
def test_the_database_refuses_to_change_what_signs(db, table):
    write()
    made = make_checkpoint()
    refused(f"UPDATE {table} SET key_id = 'x'")
    refused(f"DELETE FROM {table}")
    if connection.vendor == "postgresql":
        refused(f"TRUNCATE {table}")
    else:
        refused(f"INSERT OR REPLACE INTO {table} SELECT * FROM {table}")
    assert Checkpoint.objects.get() == made


def test_the_database_refuses_a_checkpoint_in_place_of_another(db):
    write()
    made = make_checkpoint()
    columns = "id, event_id, hash, count, at, key_id, signature"
    forged = "SELECT 99, event_id, hash, count, at, key_id, 'forged' FROM audit_checkpoint"
    way = "INSERT OR REPLACE" if connection.vendor == "sqlite" else "INSERT"
    refused(f"{way} INTO audit_checkpoint ({columns}) {forged}", "append-only|unique constraint")
    assert Checkpoint.objects.get() == made


@pytest.mark.parametrize(
    ("statement", "why"),
    [
        ("UPDATE audit_chainhead SET last_id = 1", "only moves forward"),
        ("UPDATE audit_chainhead SET last_hash = 'x'", "only moves forward"),
        ("DELETE FROM audit_chainhead", "append-only"),
    ],
)
def test_the_database_refuses_to_turn_the_head_of_the_chain_back(db, statement, why):
    write(), write()
    refused(statement, why)
    assert ChainHead.objects.get().last_id == 2


def test_the_database_refuses_to_empty_or_replace_the_head_of_the_chain(db):
    write()
    if connection.vendor == "postgresql":
        refused("TRUNCATE audit_chainhead")
    else:
        refused("INSERT OR REPLACE INTO audit_chainhead (id, last_id, last_hash) VALUES (1, 0, '')")
    assert ChainHead.objects.get().last_id == 1


def test_the_triggers_that_the_migrations_leave_are_all_of_them(db):
    """SQLite drops them when a migration rebuilds a table."""
    there = "SELECT count(*) FROM pg_trigger WHERE tgname IN ('audit_no_change', 'audit_onwards')"
    if connection.vendor == "sqlite":
        there = "SELECT count(*) FROM sqlite_master WHERE type = 'trigger' AND name LIKE 'audit_%'"
    with connection.cursor() as cursor:
        cursor.execute(there)
        assert cursor.fetchone()[0] == (12 if connection.vendor == "sqlite" else 5)
