"""Carry what was there into the engine's tables: a rule for each policy, states, times of submission, who a word counts for."""

from collections import Counter

from django.db import migrations
from django.db.models import F


def carry_over(apps, schema_editor):
    """Fill the new columns. A policy counts its revisions within its stage and model, oldest first."""
    policies = apps.get_model("approvals", "ApprovalPolicy").objects
    rules = apps.get_model("approvals", "PolicyRule").objects
    seen = Counter()
    for policy in policies.order_by("pk"):
        seen[policy.stage, policy.model_id] += 1
        state = "retired" if policy.retired_at else "published"
        policies.filter(pk=policy.pk).update(
            state=state,
            revision=seen[policy.stage, policy.model_id],
            drafted_by=policy.published_by,
            drafted_at=policy.published_at,
        )
        rules.create(policy_id=policy.pk, needed=policy.required_approvals, group_id=policy.group_id)
    apps.get_model("approvals", "ApprovalRequest").objects.update(submitted_at=F("created_at"))
    apps.get_model("approvals", "Review").objects.update(counts_for=F("reviewer"))
    name_kinds(apps)


def name_kinds(apps):
    """A move to Archived or None is an archive, not a promotion."""
    requests = apps.get_model("approvals", "ApprovalRequest").objects
    requests.filter(to_stage__in=["Archived", "None"]).update(kind="archive")


class Migration(migrations.Migration):
    dependencies = [("approvals", "0004_engine")]
    operations = [migrations.RunPython(carry_over, migrations.RunPython.noop)]
