"""Keep beside each request what the review queue finds it by; start with every seat of what is under review."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


def start(apps, schema_editor):
    """Take every seat as open: the next word on a request counts them anew."""
    requests = apps.get_model("approvals", "ApprovalRequest").objects
    seats = apps.get_model("approvals", "OpenSeat").objects
    rules = apps.get_model("approvals", "PolicyRule").objects
    for request in requests.filter(state__in=["open", "changes_requested"]).only("pk", "policy_id", "tally").iterator():
        wanted = list(rules.filter(policy=request.policy_id).values_list("needed", "group_id"))
        given = request.reviews.filter(standing=True, verdict="approve").count()
        request.tally = {"given": given, "needed": sum(needed for needed, _group in wanted), "checks": 0}
        request.save(update_fields=["tally"])
        seats.bulk_create(seats.model(request_id=request.pk, group_id=group) for _needed, group in wanted)


class Migration(migrations.Migration):
    dependencies = [
        ("approvals", "0007_evidence_snapshots"),
        ("auth", "0012_alter_user_first_name_max_length"),
        ("registry", "0008_bypass_permission"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="BarredReviewer",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("username", models.CharField(max_length=150)),
            ],
            options={
                "default_permissions": (),
            },
        ),
        migrations.CreateModel(
            name="OpenSeat",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
            ],
            options={
                "default_permissions": (),
            },
        ),
        migrations.AddField(
            model_name="approvalrequest",
            name="tally",
            field=models.JSONField(default=dict),
        ),
        migrations.AddIndex(
            model_name="approvalrequest",
            index=models.Index(
                condition=models.Q(("state__in", ["open", "changes_requested"])),
                fields=["id"],
                name="approvals_under_review",
            ),
        ),
        migrations.AddIndex(
            model_name="approvalrequest",
            index=models.Index(
                condition=models.Q(("closed_at__isnull", False)),
                fields=["-closed_at", "-id"],
                name="approvals_request_by_end",
            ),
        ),
        migrations.AddField(
            model_name="barredreviewer",
            name="request",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.CASCADE, related_name="barred", to="approvals.approvalrequest"
            ),
        ),
        migrations.AddField(
            model_name="openseat",
            name="group",
            field=models.ForeignKey(
                null=True, on_delete=django.db.models.deletion.CASCADE, related_name="+", to="auth.group"
            ),
        ),
        migrations.AddField(
            model_name="openseat",
            name="request",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.CASCADE, related_name="open_seats", to="approvals.approvalrequest"
            ),
        ),
        migrations.AddIndex(
            model_name="barredreviewer",
            index=models.Index(fields=["request", "username"], name="approvals_barred"),
        ),
        migrations.AddIndex(
            model_name="openseat",
            index=models.Index(fields=["request", "group"], name="approvals_open_seats"),
        ),
        migrations.RunPython(start, migrations.RunPython.noop),
    ]
