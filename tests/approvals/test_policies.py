from threading import Barrier, Thread

import pytest
from django.contrib.auth.models import Group
from django.db import connections

from apps.approvals import policies
from apps.approvals.models import ApprovalPolicy
from apps.audit.actions import Action, Outcome
from apps.audit.models import AuditEvent
from apps.errors import Conflict, InvalidInput, NotAllowed, NotVisible, RuleViolation


def publish(by, stage="Production", **terms) -> ApprovalPolicy:
    return policies.publish_policy(stage, **{"required_approvals": 2, "reason": "Four eyes."} | terms, by=by)


def test_a_published_policy_retires_the_one_before(policy, admin):
    new = publish(admin)
    policy.refresh_from_db()
    assert (policy.retired_at is not None, new.retired_at, new.published_by) == (True, None, "admin")
    event = AuditEvent.objects.get()
    assert (event.action, event.outcome, event.reason) == (Action.POLICY_PUBLISHED, Outcome.DONE, "Four eyes.")
    assert (event.data["before"]["required_approvals"], event.data["after"]["required_approvals"]) == (1, 2)


def test_the_policy_of_a_model_goes_before_the_general_one(policy, version, model, admin):
    own = publish(admin, model=model)
    assert policies.policy_for(version, "Production") == own
    assert ApprovalPolicy.objects.filter(retired_at=None).count() == 2


def test_the_general_policy_covers_the_other_models(policy, version):
    assert policies.policy_for(version, "Production") == policy


def test_a_stage_without_a_policy_is_closed(policy, version):
    with pytest.raises(RuleViolation, match="No policy says who signs off Staging"):
        policies.policy_for(version, "Staging")


def test_only_an_admin_publishes(policy, bob):
    with pytest.raises(NotAllowed):
        publish(bob)
    assert AuditEvent.objects.get().outcome == Outcome.REFUSED


@pytest.mark.parametrize(
    ("terms", "field"),
    [({"required_approvals": 0}, "required_approvals"), ({"required_approvals": 11}, "required_approvals"),
     ({"reason": " "}, "reason"), ({"stage": "Prod"}, "stage")],
)  # fmt: skip
def test_what_is_wrong_is_named(admin, terms, field):
    with pytest.raises(InvalidInput) as caught:
        publish(admin, **terms)
    assert (caught.value.field, ApprovalPolicy.objects.count()) == (field, 0)


def test_a_model_that_is_not_visible_does_not_exist(model, admin):
    group = Group.objects.get(name="admins")
    group.permissions.remove(*group.permissions.filter(codename="model_read"))
    with pytest.raises(NotVisible):
        publish(type(admin).objects.get(pk=admin.pk), model=model)


@pytest.mark.django_db(transaction=True)
def test_two_published_in_the_same_moment_leave_one_in_force(admin):
    barrier, errors = Barrier(2), []

    def race() -> None:
        barrier.wait()
        try:
            publish(admin)
        except Conflict as error:
            errors.append(error)
        finally:
            connections.close_all()

    threads = [Thread(target=race) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert ApprovalPolicy.objects.filter(retired_at=None).count() == 1
    assert ApprovalPolicy.objects.count() + len(errors) == 2
