"""Note which writes were sent to MLflow; pin from where an alias moves together with a stage."""

from django.apps.registry import Apps
from django.db import migrations, models
from django.db.backends.base.schema import BaseDatabaseSchemaEditor

UNDER_WAY = ("approved", "applying", "apply_failed")
UNFINISHED = ("open", "changes_requested", *UNDER_WAY)
SERVED = ("Staging", "Production")
CHOICES = [("sent", "Sent"), ("seen", "Seen in MLflow")]


def note(apps: Apps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    """What an attempt noted before its write may have been sent: nothing is known but that."""
    requests = apps.get_model("approvals", "ApprovalRequest").objects.filter(state__in=UNDER_WAY)
    requests.exclude(stage_before="").exclude(to_stage="").update(stage_write="sent")
    requests.exclude(alias_before="").update(alias_write="sent")


def pin(apps: Apps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    """Requests under way take what their alias points to now, unless they have begun to move it."""
    aliases = apps.get_model("registry", "ModelAlias").objects
    requests = apps.get_model("approvals", "ApprovalRequest").objects
    moving = requests.filter(state__in=UNFINISHED, to_stage__in=SERVED, alias="").exclude(policy__moves_alias="")
    for row in moving.select_related("policy", "version").iterator():
        held = aliases.filter(model=row.version.model_id, alias=row.policy.moves_alias)
        points_to = held.values_list("version__number", flat=True).first()
        before = None if row.alias_before == "none" else row.alias_before and int(row.alias_before)
        requests.filter(pk=row.pk).update(from_number=points_to if before == "" else before)


class Migration(migrations.Migration):
    dependencies = [
        ("approvals", "0010_expedited_requests"),
        ("registry", "0010_place_the_past"),
    ]

    operations = [
        migrations.AddField(
            model_name="approvalrequest",
            name="stage_write",
            field=models.CharField(blank=True, choices=CHOICES, default="", max_length=4),
            preserve_default=False,
        ),
        migrations.AddField(
            model_name="approvalrequest",
            name="alias_write",
            field=models.CharField(blank=True, choices=CHOICES, default="", max_length=4),
            preserve_default=False,
        ),
        migrations.RunPython(note, migrations.RunPython.noop),
        migrations.RunPython(pin, migrations.RunPython.noop),
    ]
