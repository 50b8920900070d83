"""The database's own refusal to change or remove what proves, for SQLite and PostgreSQL.

SQLite drops a table's triggers when a migration rebuilds the table: such a migration must end with `install`.
"""

from typing import Any

EVENTS, HEAD = "audit_auditevent", "audit_chainhead"
SAME = {  # append-only tables, and when a row stands in the way of a new one
    EVENTS: "id = NEW.id",
    "audit_checkpoint": "id = NEW.id OR (event_id = NEW.event_id AND key_id = NEW.key_id)",
    "audit_publickey": "key_id = NEW.key_id",
}
REFUSAL = "the audit trail is append-only"
BACKWARDS = "the head of the audit trail only moves forward"
# It names no other table: SQLite cannot rebuild a table that a trigger elsewhere names.
_ONWARDS = "NEW.id = OLD.id AND NEW.last_id > OLD.last_id"
_POSTGRES_FUNCTIONS = (
    f"""CREATE OR REPLACE FUNCTION audit_refuse() RETURNS trigger LANGUAGE plpgsql AS
    $$ BEGIN RAISE EXCEPTION '{REFUSAL}' USING ERRCODE = 'restrict_violation'; END $$""",
    f"""CREATE OR REPLACE FUNCTION audit_head_moves_on() RETURNS trigger LANGUAGE plpgsql AS
    $$ BEGIN
        IF {_ONWARDS} THEN RETURN NEW; END IF;
        RAISE EXCEPTION '{BACKWARDS}' USING ERRCODE = 'restrict_violation';
    END $$""",
)


def install(connection: Any) -> None:
    """Make the database refuse changes of what proves, on those of the tables that exist. Safe to repeat."""
    existing = _existing(connection)
    if connection.vendor == "postgresql":
        _run(connection, *_POSTGRES_FUNCTIONS)
    for table in existing:
        _run(connection, *(_on_postgres(table) if connection.vendor == "postgresql" else _on_sqlite(table).values()))


def remove(connection: Any) -> None:
    """Take the refusal away: to undo the migration, and for tests that empty the tables. Safe to repeat."""
    for table in _existing(connection):
        if connection.vendor == "postgresql":
            names = ("audit_no_change", "audit_onwards")
            _run(connection, *(f"DROP TRIGGER IF EXISTS {name} ON {table}" for name in names))
        else:
            _run(connection, *(f"DROP TRIGGER IF EXISTS {name}" for name in _on_sqlite(table)))
    if connection.vendor == "postgresql":
        _run(connection, "DROP FUNCTION IF EXISTS audit_refuse", "DROP FUNCTION IF EXISTS audit_head_moves_on")


def _on_postgres(table: str) -> list[str]:
    """ALWAYS: also in a session that plays the role of a replica, where ordinary triggers are silent."""
    refused = "DELETE OR TRUNCATE" if table == HEAD else "UPDATE OR DELETE OR TRUNCATE"
    statements = [
        f"CREATE OR REPLACE TRIGGER audit_no_change BEFORE {refused} ON {table} "
        "FOR EACH STATEMENT EXECUTE FUNCTION audit_refuse()",
        f"ALTER TABLE {table} ENABLE ALWAYS TRIGGER audit_no_change",
    ]
    if table == HEAD:
        statements += [
            f"CREATE OR REPLACE TRIGGER audit_onwards BEFORE UPDATE ON {table} "
            "FOR EACH ROW EXECUTE FUNCTION audit_head_moves_on()",
            f"ALTER TABLE {table} ENABLE ALWAYS TRIGGER audit_onwards",
        ]
    return statements


def _on_sqlite(table: str) -> dict[str, str]:
    """Return name → statement. REPLACE removes the row in its way without asking the delete trigger."""
    name = "audit" if table == EVENTS else table  # the first ones were named when there was one table
    taken = f"WHEN EXISTS (SELECT 1 FROM {table} WHERE {SAME.get(table, 'id = NEW.id')})"  # noqa: S608 - our own names
    on = {
        f"{name}_no_delete": (f"BEFORE DELETE ON {table}", REFUSAL),
        f"{name}_no_replace": (f"BEFORE INSERT ON {table} {taken}", REFUSAL),
        f"{name}_no_update": (f"BEFORE UPDATE ON {table}", REFUSAL),
    }
    if table == HEAD:
        on[f"{name}_no_update"] = (f"BEFORE UPDATE ON {table} WHEN NOT ({_ONWARDS})", BACKWARDS)
    return {
        trigger: f"CREATE TRIGGER IF NOT EXISTS {trigger} {event} BEGIN SELECT RAISE(ABORT, '{text}'); END"
        for trigger, (event, text) in on.items()
    }


def _existing(connection: Any) -> list[str]:
    """Migrations install before the later tables are there."""
    with connection.cursor() as cursor:
        there = set(connection.introspection.table_names(cursor))
    return [table for table in (*SAME, HEAD) if table in there]


def _run(connection: Any, *statements: str) -> None:
    with connection.cursor() as cursor:
        for statement in statements:
            cursor.execute(statement)
