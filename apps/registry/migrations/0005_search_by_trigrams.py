"""An index for the search of the list of models, on PostgreSQL."""

from django.db import DatabaseError, migrations, transaction


def add(apps, schema_editor):
    """Index the searched text by groups of three letters.

    Needs the extension pg_trgm, which PostgreSQL lets the owner of a database add. Where it is not installed or not
    allowed, the search reads every model's text, which ten thousand models bear; docs/operations.md says how to add
    the index later.
    """
    if schema_editor.connection.vendor != "postgresql":
        return
    try:
        with transaction.atomic(using=schema_editor.connection.alias):
            schema_editor.execute("CREATE EXTENSION IF NOT EXISTS pg_trgm")
            schema_editor.execute(
                "CREATE INDEX registry_model_by_trigrams ON registry_registeredmodel"
                " USING gin (search_text gin_trgm_ops)"
            )
    except DatabaseError:
        return


def remove(apps, schema_editor):
    """Drop the index; the extension may serve others."""
    if schema_editor.connection.vendor == "postgresql":
        schema_editor.execute("DROP INDEX IF EXISTS registry_model_by_trigrams")


class Migration(migrations.Migration):
    dependencies = [("registry", "0004_details_in_order")]

    operations = [migrations.RunPython(add, remove)]
