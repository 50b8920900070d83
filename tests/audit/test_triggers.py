import pytest
from django.db import DatabaseError, connection, transaction

from apps.audit import triggers
from apps.audit.models import AuditEvent
from tests.audit.test_services import write

REPLACE = """INSERT OR REPLACE INTO audit_auditevent SELECT id, at, action, outcome, source, 'eve', actor_role,
model_id, target_type, target, reason, data, request_id, address, previous_hash, hash FROM audit_auditevent"""


def refused(statement: str) -> None:
    with pytest.raises(DatabaseError, match="append-only"), transaction.atomic(), connection.cursor() as cursor:
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
        refused(REPLACE)
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
