from django.db import migrations

from apps.modelcards import triggers


def install(apps, schema_editor):
    triggers.install(schema_editor.connection)


def remove(apps, schema_editor):
    triggers.remove(schema_editor.connection)


class Migration(migrations.Migration):
    """The database refuses to change or remove revisions of cards and requirement sets."""

    dependencies = [("modelcards", "0001_cards")]
    operations = [migrations.RunPython(install, remove, elidable=False)]
