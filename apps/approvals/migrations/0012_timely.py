"""Note when requests are to be looked at again, and what was told of approvals that end."""

from django.db import migrations, models
from django.utils import timezone

MOVABLE = ["open", "changes_requested", "approved"]


def look_at_all_once(apps, schema_editor):
    """Have each request that may be complete looked at; most are then not looked at again."""
    apps.get_model("approvals", "ApprovalRequest").objects.filter(state__in=MOVABLE).update(look_at=timezone.now())


class Migration(migrations.Migration):
    dependencies = [("approvals", "0011_noted_writes")]

    operations = [
        migrations.AddField("approvalrequest", "look_at", models.DateTimeField(null=True)),
        migrations.AddField("approvalrequest", "recertify_told", models.CharField(blank=True, max_length=10)),
        migrations.AddIndex(
            "approvalrequest",
            models.Index(
                condition=models.Q(("state__in", MOVABLE)), fields=["look_at"], name="approvals_request_to_look_at"
            ),
        ),
        migrations.RunPython(look_at_all_once, migrations.RunPython.noop, elidable=True),
    ]
