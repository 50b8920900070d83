"""A policy may refuse MLflow's clients: SQLite rewrites the table for it, so its triggers are put back."""

from django.db import migrations, models

from apps.approvals.policies import triggers


def install(apps, schema_editor):
    triggers.install(schema_editor.connection)


def remove(apps, schema_editor):
    triggers.remove(schema_editor.connection)


class Migration(migrations.Migration):
    dependencies = [("approvals", "0016_version_comments")]

    operations = [
        migrations.RunPython(remove, install),
        migrations.AddField(
            model_name="approvalpolicy", name="refuse_clients", field=models.BooleanField(default=False)
        ),
        migrations.RunPython(install, remove),
    ]
