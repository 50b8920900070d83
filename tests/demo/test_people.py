"""Seeding: who may do what afterwards, and that a second time changes nothing."""

import json

import pytest

from apps.accounts import grants
from apps.accounts.models import User
from apps.approvals.models import ApprovalPolicy
from apps.audit.models import AuditEvent
from apps.demo import people
from apps.registry.models import Kind, RegisteredModel
from apps.registry.queries import visible_models

NAMES = ["churn-classifier", "credit-risk"]


@pytest.fixture
def mirrored(db, settings, tmp_path) -> None:
    settings.DATA_DIR = tmp_path
    at = "2026-11-20T10:00:00Z"
    for name in NAMES:
        RegisteredModel.objects.create(name=name, kind=Kind.MODEL, created_at=at, updated_at=at)


def test_each_person_has_the_printed_password(mirrored, settings):
    people.seed_people()
    stored = json.loads((settings.DATA_DIR / "demo_passwords.json").read_text())
    right = [name for name in stored if User.objects.get(username=name).check_password(stored[name])]
    assert right == [person.username for person in people.PEOPLE]
    assert all(stored[person.username] in people.credentials_table("http://demo", None) for person in people.PEOPLE)


@pytest.mark.parametrize(
    ("username", "roles"),
    [
        ("alice", ["data_scientist"]),
        ("bob", ["ml_engineer", "reviewer", "emergency"]),
        ("erin", ["viewer", "reviewer"]),
        ("charlie", []),
        ("admin", ["admin", "emergency"]),
    ],
)
def test_each_person_holds_their_roles_on_the_whole_registry(mirrored, username, roles):
    people.seed_people()
    assert grants.roles_of(User.objects.get(username=username)) == roles


def test_a_viewer_sees_all_models_but_the_hidden_one(mirrored):
    people.seed_people()
    charlie = User.objects.get(username="charlie")
    assert list(visible_models(charlie).values_list("name", flat=True)) == ["churn-classifier"]


def test_every_stage_and_the_alias_have_a_policy_that_one_reviewer_fills(mirrored):
    people.seed_people()
    found = ApprovalPolicy.objects.order_by("stage").values_list(
        "stage", "alias", "rules__needed", "archive_existing", "required_checks"
    )
    assert list(found) == [
        ("", "champion", 1, False, []),
        ("Archived", "", 1, False, []),
        ("None", "", 1, False, []),
        ("Production", "", 1, True, ["signature", "run_finished"]),
        ("Staging", "", 1, False, []),
    ]


def test_policies_are_drafted_by_the_admin_and_published_by_the_operator(mirrored):
    people.seed_people()
    hands = set(ApprovalPolicy.objects.values_list("drafted_by", "published_by", "state"))
    assert hands == {("admin", "system:operator", "published")}


def test_a_second_time_changes_nothing(mirrored):
    people.seed_people()
    assert people.seeded()
    events = AuditEvent.objects.count()
    people.seed_people()
    assert AuditEvent.objects.count() == events


def test_nobody_is_seeded_before_the_first_time(mirrored):
    assert not people.seeded()
