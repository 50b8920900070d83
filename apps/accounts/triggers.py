"""The database's own refusals about service accounts, for SQLite and PostgreSQL.

What an account is never changes, and the columns that an app above names (`keep_out`) never hold a service account.
Put in place at the end of every `migrate` and lifted at its start: SQLite drops the triggers of a table that a
migration rebuilds, and refuses to rebuild one that another table's trigger reads.
"""

from typing import Any

from django.db import transaction

PEOPLE = "accounts_user"
CHANGED = "what an account is, person or service account, never changes"
REFUSAL = "a service account signs off nothing"
_kept_out: dict[str, tuple[str, ...]] = {}


def keep_out(table: str, *columns: str) -> None:
    """Let `columns` of a table, keys of people, never name a service account. Called when an app is loaded."""
    _kept_out[table] = columns


def kept_out() -> dict[str, tuple[str, ...]]:
    """Return the columns that never name a service account, by table."""
    return dict(_kept_out)


def install(connection: Any) -> None:
    """Make the database refuse. Safe to repeat; tables that are not there (yet, or any more) are left out."""
    with transaction.atomic(connection.alias), connection.cursor() as cursor:
        there = set(connection.introspection.table_names(cursor))
        if PEOPLE not in there or "is_service" not in _columns(connection, cursor):
            return
        lift(connection)
        tables = {table: columns for table, columns in _kept_out.items() if table in there}
        for statement in _statements(connection.vendor, tables):
            cursor.execute(statement)


def lift(connection: Any) -> None:
    """Take the refusals away while tables are rebuilt: on SQLite, for PostgreSQL keeps them. Safe to repeat."""
    if connection.vendor == "postgresql":
        return
    with connection.cursor() as cursor:
        for table in (PEOPLE, *_kept_out):
            for event in ("insert", "update"):
                cursor.execute(f"DROP TRIGGER IF EXISTS service_account_{table}_{event}")


def _columns(connection: Any, cursor: Any) -> set[str]:
    return {column.name for column in connection.introspection.get_table_description(cursor, PEOPLE)}


def _statements(vendor: str, tables: dict[str, tuple[str, ...]]) -> list[str]:
    if vendor == "postgresql":
        return [*_postgres_kind(), *(text for table, columns in tables.items() for text in _postgres(table, columns))]
    refused = _sqlite(PEOPLE, "UPDATE OF is_service", "NEW.is_service <> OLD.is_service", CHANGED)
    return [refused, *(text for table, columns in tables.items() for text in _sqlite_pair(table, columns))]


def _sqlite_pair(table: str, columns: tuple[str, ...]) -> list[str]:
    named = f"EXISTS (SELECT 1 FROM {PEOPLE} WHERE is_service AND id IN ({_new(columns)}))"  # noqa: S608 - our own
    return [_sqlite(table, event, named, REFUSAL) for event in ("INSERT", f"UPDATE OF {', '.join(columns)}")]


def _sqlite(table: str, event: str, condition: str, refusal: str) -> str:
    name = f"service_account_{table}_{event.split()[0].lower()}"
    return (
        f"CREATE TRIGGER {name} BEFORE {event} ON {table} WHEN {condition} BEGIN SELECT RAISE(ABORT, '{refusal}'); END"
    )


def _postgres_kind() -> list[str]:
    return [
        f"""CREATE OR REPLACE FUNCTION accounts_kind_refuse() RETURNS trigger LANGUAGE plpgsql AS
        $$ BEGIN RAISE EXCEPTION '{CHANGED}' USING ERRCODE = 'restrict_violation'; END $$""",
        f"""CREATE OR REPLACE TRIGGER service_account BEFORE UPDATE OF is_service ON {PEOPLE} FOR EACH ROW
        WHEN (NEW.is_service <> OLD.is_service) EXECUTE FUNCTION accounts_kind_refuse()""",
    ]


def _postgres(table: str, columns: tuple[str, ...]) -> list[str]:
    return [
        f"""CREATE OR REPLACE FUNCTION service_account_{table}() RETURNS trigger LANGUAGE plpgsql AS
        $$ BEGIN
          IF EXISTS (SELECT 1 FROM {PEOPLE} WHERE is_service AND id IN ({_new(columns)})) THEN
            RAISE EXCEPTION '{REFUSAL}' USING ERRCODE = 'restrict_violation';
          END IF;
          RETURN NEW;
        END $$""",  # noqa: S608 - names of our own tables
        f"""CREATE OR REPLACE TRIGGER service_account BEFORE INSERT OR UPDATE OF {", ".join(columns)} ON {table}
        FOR EACH ROW EXECUTE FUNCTION service_account_{table}()""",
    ]


def _new(columns: tuple[str, ...]) -> str:
    return ", ".join(f"NEW.{column}" for column in columns)
