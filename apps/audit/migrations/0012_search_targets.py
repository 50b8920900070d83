"""An index for text in a target's name, on PostgreSQL."""

from django.db import DatabaseError, migrations, transaction


def add(apps, schema_editor):
    """Index targets by groups of three letters, as the search of models (registry 0005).

    Where the extension pg_trgm is not installed or not allowed, such a search goes through the trail in stretches, and
    says how far it looked; docs/operations.md says how to add the index later.
    """
    if schema_editor.connection.vendor != "postgresql":
        return
    try:
        with transaction.atomic(using=schema_editor.connection.alias):
            schema_editor.execute("CREATE EXTENSION IF NOT EXISTS pg_trgm")
            schema_editor.execute(
                "CREATE INDEX audit_target_by_trigrams ON audit_auditevent USING gin (upper(target) gin_trgm_ops)"
            )
    except DatabaseError:
        return


def remove(apps, schema_editor):
    """Drop the index; the extension may serve others."""
    if schema_editor.connection.vendor == "postgresql":
        schema_editor.execute("DROP INDEX IF EXISTS audit_target_by_trigrams")


class Migration(migrations.Migration):
    dependencies = [("audit", "0011_explorer")]

    operations = [migrations.RunPython(add, remove)]
