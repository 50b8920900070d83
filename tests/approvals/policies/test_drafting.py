import math

import pytest
from django.contrib.auth.models import Group

from apps.approvals.models import ApprovalPolicy, PolicyRule
from apps.approvals.policies import content, drafting
from apps.audit.actions import Action, Outcome
from apps.audit.models import AuditEvent
from apps.errors import Conflict, InvalidInput, NotAllowed, NotVisible, WrongState
from tests.builders import make_model

RULES = ({"needed": 1, "group": None},)
VALUES = {"stage": "Staging", "reason": "Start."}


def test_a_draft_governs_nothing_and_names_who_made_it(draft, admin):
    assert (draft.state, draft.revision, draft.published_at, draft.drafted_by) == ("draft", 0, None, "admin")
    event = AuditEvent.objects.get()
    assert (event.action, event.target, event.reason) == (Action.POLICY_DRAFTED, "Production policy", "Four eyes.")
    assert event.data["after"]["rules"] == [{"name": "", "needed": 2, "group": None, "scopes": []}]


def test_everything_that_a_policy_says_is_kept(admin):
    group = Group.objects.create(name="risk")
    values = {
        "stage": "Production", "risk": " high ", "exclude_run_owner": False, "staleness": "scoped",
        "required_checks": ["external:scan", "run_finished", "signature", "signature"], "tolerance_percent": 2.5,
        "wait_minutes": 90, "open_days": 14, "recertify_days": None, "moves_alias": "@champion", "reason": " Why. ",
        "refuse_clients": True,
    }  # fmt: skip
    rules = [{"name": "Risk", "needed": 2, "group": group, "scopes": ["metrics", "artifact"]}, *RULES]
    made = ApprovalPolicy.objects.get(pk=drafting.draft(values, rules, by=admin).pk)
    said = {name: getattr(made, name) for name in values}
    assert said == values | {
        "risk": "high", "required_checks": ["signature", "run_finished", "external:scan"], "moves_alias": "champion",
        "reason": "Why.",
    }  # fmt: skip
    rows = made.rules.values_list("position", "name", "needed", "group__name", "scopes")
    assert list(rows) == [(0, "Risk", 2, "risk", ["artifact", "metrics"]), (1, "", 1, None, [])]


@pytest.mark.parametrize(
    ("field", "values"),
    [
        ("stage", {"stage": "Prod"}), ("alias", {"alias": "champion"}), ("alias", {"stage": "", "alias": "two words"}),
        ("alias", {"stage": "", "alias": "latest"}), ("alias", {"stage": "", "alias": "v3"}),
        ("moves_alias", {"moves_alias": "v3"}), ("moves_alias", {"stage": "", "moves_alias": "champion"}),
        ("revert_drift", {"stage": "", "alias": "champion", "revert_drift": True}),
        ("tag_key", {"tag_value": "retention"}), ("tag_key", {"risk": "high", "tag_key": "team"}),
        ("risk", {"risk": "x" * 251}), ("risk", {"risk": "a\0b"}), ("staleness", {"staleness": "some"}),
        ("sign_with", {"sign_with": "luck"}), ("sign_with", {"sign_with": True}),
        ("required_checks", {"required_checks": ["luck"]}), ("required_checks", {"required_checks": ["external:A B"]}),
        ("required_checks", {"required_checks": [f"external:c{number}" for number in range(101)]}),
        ("tolerance_percent", {"tolerance_percent": -1}), ("tolerance_percent", {"tolerance_percent": math.nan}),
        ("tolerance_percent", {"tolerance_percent": math.inf}), ("wait_minutes", {"wait_minutes": 43_201}),
        ("wait_minutes", {"wait_minutes": None}), ("open_days", {"open_days": 0}), ("open_days", {"open_days": True}),
        ("after_review_days", {"after_review_days": 366}), ("reason", {"reason": " "}),
        ("reason", {"reason": "x" * 5001}), ("state", {"state": "published"}),
    ],
)  # fmt: skip
def test_what_a_policy_cannot_say_is_refused_on_its_field(admin, field, values):
    with pytest.raises(InvalidInput) as caught:
        drafting.draft(VALUES | values, RULES, by=admin)
    assert (caught.value.field, ApprovalPolicy.objects.count()) == (field, 0)
    assert AuditEvent.objects.get().outcome == Outcome.REFUSED


@pytest.mark.parametrize(
    ("field", "rules"),
    [
        ("rules", []), ("rules", RULES * 11), ("rules.0.needed", [{"needed": 0}]), ("rules.0.needed", [{"needed": 11}]),
        ("rules.1.needed", [*RULES, {"needed": "2"}]), ("rules.0.name", [{"needed": 1, "name": "x" * 101}]),
        ("rules.0.scopes", [{"needed": 1, "scopes": ["weather"]}]),
    ],
)  # fmt: skip
def test_a_rule_at_fault_is_named_by_its_place(admin, field, rules):
    with pytest.raises(InvalidInput) as caught:
        drafting.draft(VALUES, rules, by=admin)
    assert (caught.value.field, PolicyRule.objects.count()) == (field, 0)


def test_a_group_that_is_gone_meanwhile_is_refused_on_its_rule(admin):
    group = Group.objects.create(name="risk")
    Group.objects.filter(pk=group.pk).delete()
    with pytest.raises(InvalidInput) as caught:
        drafting.draft(VALUES, [{"needed": 1, "group": group}], by=admin)
    assert caught.value.field == "rules.0.group"


def test_only_an_admin_drafts(bob):
    with pytest.raises(NotAllowed):
        drafting.draft(VALUES, RULES, by=bob)
    assert AuditEvent.objects.get().outcome == Outcome.REFUSED


def test_a_policy_for_a_hidden_model_is_not_drafted(admin, monkeypatch):
    model = make_model("hidden")
    admin.groups.first().permissions.remove(*admin.groups.first().permissions.filter(codename="model_read"))
    admin = type(admin).objects.get(pk=admin.pk)
    with pytest.raises(NotVisible):
        drafting.draft(VALUES | {"model": model}, RULES, by=admin)


def test_an_edit_changes_what_it_names_and_takes_over_the_draft(draft, ada):
    edited = drafting.edit(draft.pk, {"wait_minutes": 30}, by=ada)
    assert (edited.wait_minutes, edited.stage, edited.drafted_by) == (30, "Production", "ada")
    assert [rule.needed for rule in edited.rules.all()] == [2]
    event = AuditEvent.objects.last()
    assert (event.data["before"]["wait_minutes"], event.data["after"]["wait_minutes"]) == (0, 30)


def test_an_edit_replaces_the_rules_that_it_names(draft, admin):
    edited = drafting.edit(draft.pk, {}, [{"needed": 1, "name": "Risk"}, {"needed": 3}], by=admin)
    assert [(rule.name, rule.needed) for rule in edited.rules.all()] == [("Risk", 1), ("", 3)]


def test_nothing_is_overwritten_unseen(draft, admin, ada):
    read = content.digest(draft)
    drafting.edit(draft.pk, {"wait_minutes": 30}, by=ada, digest=read)
    with pytest.raises(Conflict, match="Somebody changed this draft"):
        drafting.edit(draft.pk, {"wait_minutes": 60}, by=admin, digest=read)
    draft.refresh_from_db()
    assert draft.wait_minutes == 30


def test_a_published_policy_is_not_edited(policy, admin):
    with pytest.raises(WrongState, match="a published policy never changes"):
        drafting.edit(policy.pk, {"wait_minutes": 30}, by=admin)


def test_a_draft_is_discarded_and_the_trail_keeps_what_it_said(draft, ada):
    drafting.discard(draft.pk, by=ada, reason="Not needed.")
    assert (ApprovalPolicy.objects.count(), PolicyRule.objects.count()) == (0, 0)
    event = AuditEvent.objects.last()
    assert (event.action, event.reason, event.data["before"]["stage"]) == (
        Action.POLICY_DISCARDED, "Not needed.", "Production",
    )  # fmt: skip


def test_a_published_policy_is_not_discarded(policy, admin):
    with pytest.raises(WrongState):
        drafting.discard(policy.pk, by=admin)
    assert ApprovalPolicy.objects.filter(pk=policy.pk).exists()


@pytest.mark.parametrize("number", [0, -1, 999_999, 2**64])
def test_a_draft_that_does_not_exist_is_not_visible(admin, number):
    with pytest.raises(NotVisible):
        drafting.edit(number, {}, by=admin)
