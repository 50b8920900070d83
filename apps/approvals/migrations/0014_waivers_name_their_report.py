"""Bind each waiver of an external check to the report that is the current one now: only a later one is another."""

import hashlib
import json

from django.db import migrations, models

EXTERNAL = "external:"
SAID = ("outcome", "detail", "link", "inputs")


def bind(apps, schema_editor):
    """Write the digest of the report beside each waiver that nobody took back, as results.py reads it."""
    reports = apps.get_model("approvals", "ExternalCheck").objects.select_related("reporter")
    waivers = apps.get_model("approvals", "Waiver").objects.select_related("request")
    for waiver in waivers.filter(revoked_at=None, check_name__startswith=EXTERNAL).iterator():
        name = waiver.check_name.removeprefix(EXTERNAL)
        report = reports.filter(version=waiver.request.version_id, name=name, current=True).first()
        said = {part: getattr(report, part) for part in SAID} | {"reporter": report.reporter.username} if report else None
        text = json.dumps(
            {"check": waiver.check_name, "said": said}, sort_keys=True, separators=(",", ":"), ensure_ascii=False
        )
        waiver.given_on = hashlib.sha256(text.encode()).hexdigest()
        waiver.save(update_fields=["given_on"])


class Migration(migrations.Migration):
    dependencies = [("approvals", "0013_freezes_name_aliases")]

    operations = [
        migrations.AddField(
            model_name="waiver",
            name="given_on",
            field=models.CharField(blank=True, default="", max_length=64),
            preserve_default=False,
        ),
        migrations.RunPython(bind, migrations.RunPython.noop),
    ]
