"""The database's own refusal to change a published policy or its rules, for SQLite and PostgreSQL.

Only the end of a policy may be written: its state becomes retired, once. SQLite drops a table's triggers when a
migration rebuilds the table: such a migration must end with `install`, and so must one that adds a column.
"""

from typing import Any

POLICIES = "approvals_approvalpolicy"
RULES = "approvals_policyrule"
REFUSAL = "a published policy never changes"
MAY_CHANGE = ("state", "retired_at")

_NAMES = ("policy_no_update", "policy_no_delete", "policy_rule_no_insert", "policy_rule_no_update",
          "policy_rule_no_delete")  # fmt: skip
_DRAFT = "EXISTS (SELECT 1 FROM approvals_approvalpolicy WHERE id = {row}.policy_id AND state = 'draft')"
_BACK = "NEW.state = 'draft' OR (OLD.state = 'retired' AND NEW.state <> 'retired')"
_POSTGRES_POLICY = f"""CREATE OR REPLACE FUNCTION approvals_policy_refuse() RETURNS trigger LANGUAGE plpgsql AS
    $$ BEGIN
      IF OLD.state = 'draft' THEN
        IF TG_OP = 'DELETE' THEN RETURN OLD; END IF;
        RETURN NEW;
      END IF;
      IF TG_OP = 'UPDATE' THEN
        IF to_jsonb(NEW) - ARRAY['state', 'retired_at'] = to_jsonb(OLD) - ARRAY['state', 'retired_at']
          AND NOT ({_BACK}) THEN RETURN NEW; END IF;
      END IF;
      RAISE EXCEPTION '{REFUSAL}' USING ERRCODE = 'restrict_violation';
    END $$"""
_POSTGRES_RULE = f"""CREATE OR REPLACE FUNCTION approvals_rule_refuse() RETURNS trigger LANGUAGE plpgsql AS
    $$ BEGIN
      IF TG_OP <> 'INSERT' THEN
        IF EXISTS (SELECT 1 FROM {POLICIES} WHERE id = OLD.policy_id AND state <> 'draft') THEN
          RAISE EXCEPTION '{REFUSAL}' USING ERRCODE = 'restrict_violation';
        END IF;
      END IF;
      IF TG_OP = 'DELETE' THEN RETURN OLD; END IF;
      IF EXISTS (SELECT 1 FROM {POLICIES} WHERE id = NEW.policy_id AND state <> 'draft') THEN
        RAISE EXCEPTION '{REFUSAL}' USING ERRCODE = 'restrict_violation';
      END IF;
      RETURN NEW;
    END $$"""  # noqa: S608 - names of our own tables


def install(connection: Any) -> None:
    """Make the database refuse changes of what is published. Safe to repeat."""
    remove(connection)
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            _install_on_postgres(cursor)
        else:
            _install_on_sqlite(cursor, connection.introspection.get_table_description(cursor, POLICIES))


def remove(connection: Any) -> None:
    """Take the refusal away: to undo the migration, and for tests that empty the tables. Safe to repeat."""
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute(f"DROP TRIGGER IF EXISTS policy_no_change ON {POLICIES}")
            cursor.execute(f"DROP TRIGGER IF EXISTS policy_rule_no_change ON {RULES}")
            cursor.execute("DROP FUNCTION IF EXISTS approvals_policy_refuse, approvals_rule_refuse")
            return
        for name in _NAMES:
            cursor.execute(f"DROP TRIGGER IF EXISTS {name}")


def _install_on_postgres(cursor: Any) -> None:
    cursor.execute(_POSTGRES_POLICY)
    cursor.execute(_POSTGRES_RULE)
    cursor.execute(
        f"CREATE TRIGGER policy_no_change BEFORE UPDATE OR DELETE ON {POLICIES} "
        "FOR EACH ROW EXECUTE FUNCTION approvals_policy_refuse()"
    )
    cursor.execute(
        f"CREATE TRIGGER policy_rule_no_change BEFORE INSERT OR UPDATE OR DELETE ON {RULES} "
        "FOR EACH ROW EXECUTE FUNCTION approvals_rule_refuse()"
    )


def _install_on_sqlite(cursor: Any, columns: Any) -> None:
    kept = [f'NEW."{column.name}" IS NOT OLD."{column.name}"' for column in columns if column.name not in MAY_CHANGE]
    changed = " OR ".join([*kept, _BACK])
    old, new = f"NOT {_DRAFT.format(row='OLD')}", f"NOT {_DRAFT.format(row='NEW')}"
    events = (
        f"BEFORE UPDATE ON {POLICIES} WHEN OLD.state <> 'draft' AND ({changed})",
        f"BEFORE DELETE ON {POLICIES} WHEN OLD.state <> 'draft'",
        f"BEFORE INSERT ON {RULES} WHEN {new}",
        f"BEFORE UPDATE ON {RULES} WHEN {old} OR {new}",
        f"BEFORE DELETE ON {RULES} WHEN EXISTS (SELECT 1 FROM {POLICIES} WHERE id = OLD.policy_id) AND {old}",  # noqa: S608
    )
    for name, event in zip(_NAMES, events, strict=True):
        cursor.execute(f"CREATE TRIGGER {name} {event} BEGIN SELECT RAISE(ABORT, '{REFUSAL}'); END")
