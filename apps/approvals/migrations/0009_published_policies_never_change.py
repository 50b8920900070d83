from django.db import migrations

from apps.approvals.policies import triggers


def install(apps, schema_editor):
    triggers.install(schema_editor.connection)


def remove(apps, schema_editor):
    triggers.remove(schema_editor.connection)


class Migration(migrations.Migration):
    """The database refuses to change or remove a published policy and its rules."""

    dependencies = [("approvals", "0008_review_queue")]
    operations = [migrations.RunPython(install, remove, elidable=False)]
