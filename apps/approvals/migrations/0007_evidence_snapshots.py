"""Keep what each digest of a request's evidence stood for, beginning with the one that it has now."""

import django.db.models.deletion
from django.db import migrations, models


def keep_present_evidence(apps, schema_editor):
    """A signature on the evidence of now can be told from later ones only when that is kept."""
    snapshots = apps.get_model("approvals", "EvidenceSnapshot").objects
    requests = apps.get_model("approvals", "ApprovalRequest").objects.exclude(evidence_digest="")
    for pk, digest, content in requests.values_list("pk", "evidence_digest", "evidence").iterator(chunk_size=200):
        snapshots.create(request_id=pk, digest=digest, content=content)


class Migration(migrations.Migration):

    dependencies = [
        ('approvals', '0006_engine_constraints'),
    ]

    operations = [
        migrations.CreateModel(
            name='EvidenceSnapshot',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('digest', models.CharField(max_length=64)),
                ('content', models.JSONField()),
                ('created_at', models.DateTimeField(auto_now_add=True)),
                ('request', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='snapshots', to='approvals.approvalrequest')),
            ],
            options={
                'default_permissions': (),
                'constraints': [models.UniqueConstraint(fields=('request', 'digest'), name='approvals_one_snapshot_per_digest')],
            },
        ),
        migrations.RunPython(keep_present_evidence, migrations.RunPython.noop),
    ]
