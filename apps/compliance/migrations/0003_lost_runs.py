from django.db import migrations, models
from django.utils import timezone


def watch(apps, schema_editor):
    """What is on hold by now is read every few hours, as what is put on hold from now on is."""
    LegalHold, ModelVersion = (
        apps.get_model("compliance", "LegalHold"), apps.get_model("registry", "ModelVersion")
    )  # fmt: skip
    unwatched = ModelVersion.objects.filter(details_due_at=None, deleted_at=None, details_state="loaded")
    for model, version in LegalHold.objects.filter(lifted_at=None).values_list("model", "version"):
        held = unwatched.filter(pk=version) if version else unwatched.filter(model=model)
        held.update(details_due_at=timezone.now())


class Migration(migrations.Migration):
    dependencies = [("compliance", "0002_kept_counts")]

    operations = [
        migrations.AlterField(
            model_name="holdbreach",
            name="what",
            field=models.CharField(
                choices=[
                    ("deleted", "Deleted"),
                    ("artifacts", "Files changed or deleted"),
                    ("run", "Run deleted"),
                ],
                max_length=10,
            ),
        ),
        migrations.RunPython(watch, migrations.RunPython.noop),
    ]
