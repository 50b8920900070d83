"""Tell bypasses and rollbacks apart from what was voted on; keep what a bypass was asked for; find what is owed."""

from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("approvals", "0009_published_policies_never_change"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.AddField(
            model_name="approvalrequest",
            name="expedited",
            field=models.BooleanField(default=False),
        ),
        migrations.AddField(
            model_name="bypass",
            name="evidence_digest",
            field=models.CharField(blank=True, max_length=64),
        ),
        migrations.AddIndex(
            model_name="afterreview",
            index=models.Index(
                condition=models.Q(("outcome", "not_ratified")), fields=["reviewed_at"], name="approvals_not_ratified"
            ),
        ),
        migrations.AddIndex(
            model_name="bypass",
            index=models.Index(
                condition=models.Q(("confirmed_at__isnull", False)),
                fields=["confirmed_at"],
                name="approvals_bypass_confirmed",
            ),
        ),
        migrations.AddIndex(
            model_name="bypass",
            index=models.Index(
                condition=models.Q(("confirmed_at", None), ("dropped_at", None)),
                fields=["asked_at"],
                name="approvals_bypass_asked",
            ),
        ),
        migrations.AddConstraint(
            model_name="approvalrequest",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("expedited", True), ("state__in", ["draft", "open", "changes_requested"]), _negated=True
                ),
                name="approvals_under_review_is_not_expedited",
            ),
        ),
        migrations.AddConstraint(
            model_name="approvalrequest",
            constraint=models.CheckConstraint(
                condition=models.Q(("bypassed", False), ("expedited", True), _connector="OR"),
                name="approvals_bypassed_is_expedited",
            ),
        ),
    ]
