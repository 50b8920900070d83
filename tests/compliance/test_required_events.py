"""Which events the trail must hold, given what a model and its versions are, now and at a moment."""

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from apps.accounts import giving, grants
from apps.accounts.models import Grant
from apps.accounts.roles import REVIEWER
from apps.accounts.services import change_grant
from apps.approvals.models import ApprovalRequest
from apps.audit import triggers
from apps.audit.actions import Action
from apps.audit.models import AuditEvent
from apps.compliance.controls.facts import load
from apps.registry.models import RegisteredModel
from tests.builders import make_model
from tests.compliance.conftest import applied, mirror, settle

LATER = 10**7  # minutes: what MLflow says of times to come is so from now on


def lacks(model: RegisteredModel, at=None) -> list[tuple]:
    """What the trail lacks of the model: (kind, version, stage, holder)."""
    (facts,) = load([model], at or timezone.now(), past=at is not None)
    return [tuple(map(str, row)) for row in facts.missing]


def lose(**which) -> None:
    """Take events out of the trail, as nobody can who has no hold of the database itself."""
    triggers.remove(connection)
    try:
        AuditEvent.objects.filter(**which).delete()
    finally:
        triggers.install(connection)


def churn_of() -> RegisteredModel:
    return RegisteredModel.objects.get(name="churn")


def test_a_model_in_order_lacks_nothing(churn):
    assert lacks(churn) == []


def test_what_is_in_production_was_deployed(churn):
    lose(action=Action.REQUEST_APPLIED)
    assert lacks(churn) == [("model_deployed", "2", "Production", "")]


def test_what_mlflow_moved_into_production_was_deployed_by_nobody(churn):
    mirror(20, {1: "Production", 2: "None"})
    assert lacks(churn) == [("model_deployed", "1", "Production", "")]


def test_an_earlier_deployment_does_not_tell_of_a_later_move(churn):
    mirror(LATER, {1: "None", 2: "Archived"})
    mirror(LATER + 1, {1: "None", 2: "Production"})
    assert lacks(churn) == [("model_deployed", "2", "Production", "")]


def test_a_deployment_to_another_stage_is_not_one_to_production(churn):
    ApprovalRequest.objects.update(to_stage="Staging")
    lose(action=Action.REQUEST_APPLIED)
    applied(ApprovalRequest.objects.get())
    assert lacks(churn) == [("model_deployed", "2", "Production", "")]


@pytest.mark.parametrize(("stage", "kind"), [("Staging", "stage_transition"), ("Archived", "model_archived")])
def test_what_was_moved_has_its_event(churn, stage, kind):
    settle(1, {1: stage}, 20)
    assert lacks(churn) == []
    lose(action=Action.VERSION_STAGE_CHANGED, target="churn v1")
    assert lacks(churn) == [(kind, "1", stage, "")]


def test_of_what_was_there_at_the_first_look_the_registration_tells(db):
    mirror(1, {1: "Archived", 2: "Staging"})
    assert lacks(churn_of()) == []


def test_of_what_returned_to_mlflow_the_registration_tells(db):
    mirror(1, {1: "Archived", 2: "Staging"})
    mirror(10, {2: "Staging"})
    mirror(20, {1: "Archived", 2: "Staging"})
    assert lacks(churn_of()) == []


def test_a_version_that_is_gone_was_deleted(churn):
    mirror(20, {2: "Production"})
    assert lacks(churn) == []
    lose(action=Action.VERSION_DELETED)
    assert lacks(churn) == [("model_deleted", "1", "", "")]


def test_an_event_that_came_later_does_not_count_for_a_moment_before(churn):
    before = AuditEvent.objects.get(action=Action.REQUEST_APPLIED).at - timedelta(microseconds=1)
    assert lacks(churn, before) == [("model_deployed", "2", "Production", "")]


def test_grants_on_the_model_are_told_of(churn, admin, bob):
    given = giving.give_grant(bob, "reviewer", "model", by=admin, model=churn, reason="Holiday.")
    assert lacks(churn) == []
    giving.end_grant(given.pk, by=admin, reason="Back.")
    assert lacks(churn) == []
    group = bob.groups.first()
    change_grant(group, ["reviewer"], churn, by=admin, reason="Of this one too.")
    assert lacks(churn) == []


def test_a_grant_that_no_event_tells_of_is_missing(churn, admin, bob):
    group = bob.groups.get(name="reviewers")
    grants.set_role(group, [REVIEWER], churn)
    assert lacks(churn) == [("permission_changed", "0", "", "group reviewers")]


def test_an_event_of_an_earlier_change_does_not_tell_of_a_later_one(churn, admin, bob):
    giving.give_grant(bob, "reviewer", "model", by=admin, model=churn, reason="Holiday.")
    Grant.objects.filter(model_id=churn.pk).update(ended_at=timezone.now(), ended_by="mallory")
    assert lacks(churn) == [("permission_changed", "0", "", "person bob")]


def test_what_an_upgrade_wrote_down_was_changed_by_nobody(churn, bob):
    grants.set_role(bob.groups.get(name="reviewers"), [REVIEWER], churn, by="system:migration")
    assert lacks(churn) == []


def test_grants_on_another_model_say_nothing_of_this_one(churn, admin, bob):
    grants.set_role(bob.groups.get(name="reviewers"), [REVIEWER], make_model("other"))
    assert lacks(churn) == []


def test_many_models_take_as_many_queries_as_one(churn):
    def queries(models) -> int:
        with CaptureQueriesContext(connection) as seen:
            load(models, timezone.now(), past=False)
        return len(seen)

    many = [churn, *(make_model(f"m{number}") for number in range(20))]
    assert queries([churn]) == queries(many)
