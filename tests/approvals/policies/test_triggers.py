"""What no service does, the database refuses: to change a published policy, or its rules."""

import pytest
from django.db import DatabaseError, connection, transaction

from apps.approvals.models import ApprovalPolicy, PolicyRule
from apps.approvals.policies import triggers
from tests.builders import THEN

CHANGES = {
    "wait_minutes": 1, "reason": "Another.", "published_by": "mallory", "required_checks": ["signature"],
    "sign_with": "factor", "tolerance_percent": 50.0, "model_id": 1, "revision": 9, "drafted_by": "mallory",
}  # fmt: skip


def refused(act) -> bool:
    try:
        with transaction.atomic():
            act()
    except DatabaseError as error:
        return "a published policy never changes" in str(error)
    return False


@pytest.mark.parametrize("field", CHANGES)
def test_a_published_policy_is_not_changed(policy, field):
    assert refused(lambda: ApprovalPolicy.objects.filter(pk=policy.pk).update(**{field: CHANGES[field]}))


def test_the_trigger_of_sqlite_names_every_column_but_the_end(policy):
    """PostgreSQL compares whole rows. A migration that adds a column has to install the triggers anew."""
    if connection.vendor != "sqlite":
        return
    with connection.cursor() as cursor:
        cursor.execute("SELECT sql FROM sqlite_master WHERE name = 'policy_no_update'")
        (written,) = cursor.fetchone()
    columns = {field.column for field in ApprovalPolicy._meta.concrete_fields} - set(triggers.MAY_CHANGE)
    assert {column for column in columns if f'NEW."{column}" IS NOT OLD."{column}"' in written} == columns


def test_a_published_policy_is_retired_once_and_never_comes_back(policy):
    rows = ApprovalPolicy.objects.filter(pk=policy.pk)
    rows.update(state="retired", retired_at=THEN)
    assert refused(lambda: rows.update(state="published", retired_at=None))
    assert refused(lambda: rows.update(state="draft", published_at=None, retired_at=None))


def test_a_published_policy_is_not_removed(policy):
    assert refused(policy.delete)


def test_a_published_policy_gets_no_further_rule(policy):
    assert refused(lambda: PolicyRule.objects.create(policy=policy, needed=1))


def test_the_rules_of_a_published_policy_stay(policy):
    assert refused(lambda: policy.rules.update(needed=9))
    assert refused(lambda: policy.rules.all().delete())


def test_no_rule_moves_from_a_draft_into_a_published_policy(policy, draft):
    assert refused(lambda: draft.rules.update(policy=policy))


def test_a_draft_changes_freely(draft):
    ApprovalPolicy.objects.filter(pk=draft.pk).update(wait_minutes=5)
    draft.rules.update(needed=3)
    draft.rules.all().delete()
    draft.delete()
    assert ApprovalPolicy.objects.count() == 0
