"""The database's own refusal to change or remove an event, for SQLite and PostgreSQL.

SQLite drops a table's triggers when a migration rebuilds the table: such a migration must end with `install`.
"""

from typing import Any

EVENTS = "audit_auditevent"
REFUSAL = "the audit trail is append-only"

_SQLITE = {
    "audit_no_update": f"BEFORE UPDATE ON {EVENTS}",
    "audit_no_delete": f"BEFORE DELETE ON {EVENTS}",
    # REPLACE removes the row in its way without asking the delete trigger.
    "audit_no_replace": f"BEFORE INSERT ON {EVENTS} WHEN EXISTS (SELECT 1 FROM {EVENTS} WHERE id = NEW.id)",  # noqa: S608
}
_POSTGRES = (
    f"""CREATE OR REPLACE FUNCTION audit_refuse() RETURNS trigger LANGUAGE plpgsql AS
    $$ BEGIN RAISE EXCEPTION '{REFUSAL}' USING ERRCODE = 'restrict_violation'; END $$""",
    f"""CREATE OR REPLACE TRIGGER audit_no_change BEFORE UPDATE OR DELETE OR TRUNCATE ON {EVENTS}
    FOR EACH STATEMENT EXECUTE FUNCTION audit_refuse()""",
    # ALWAYS: also in a session that plays the role of a replica, where ordinary triggers are silent.
    f"ALTER TABLE {EVENTS} ENABLE ALWAYS TRIGGER audit_no_change",
)


def install(connection: Any) -> None:
    """Make the database refuse UPDATE and DELETE of events, and TRUNCATE where it exists. Safe to repeat."""
    if connection.vendor == "postgresql":
        _run(connection, *_POSTGRES)
        return
    for name, event in _SQLITE.items():
        body = f"BEGIN SELECT RAISE(ABORT, '{REFUSAL}'); END"
        _run(connection, f"CREATE TRIGGER IF NOT EXISTS {name} {event} {body}")


def remove(connection: Any) -> None:
    """Take the refusal away: to undo the migration, and for tests that empty the tables. Safe to repeat."""
    if connection.vendor == "postgresql":
        _run(connection, f"DROP TRIGGER IF EXISTS audit_no_change ON {EVENTS}", "DROP FUNCTION IF EXISTS audit_refuse")
        return
    _run(connection, *(f"DROP TRIGGER IF EXISTS {name}" for name in _SQLITE))


def _run(connection: Any, *statements: str) -> None:
    with connection.cursor() as cursor:
        for statement in statements:
            cursor.execute(statement)
