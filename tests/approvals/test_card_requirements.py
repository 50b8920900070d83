"""Requirement sets beside requests: whoever asks does not lower them, and requests are looked at again."""

import pytest

from apps.accounts.models import User
from apps.accounts.roles import ADMIN
from apps.approvals import services
from apps.approvals.models import ApprovalRequest
from apps.audit.models import AuditEvent
from apps.errors import RuleViolation
from apps.jobs.models import Job
from apps.jobs.tasks import run_job
from apps.modelcards import requirements
from apps.modelcards.models import RequirementSet
from tests.builders import make_model, make_policy, make_version
from tests.conftest import member
from tests.modelcards.whole import whole_card

pytestmark = pytest.mark.django_db
LESS = {"limitations": {"high": "-"}}  # the model has no tier, so it is asked as one of the tier high
MORE = {"language": {"high": "S"}}
OTHER_TIER = {"limitations": {"low": "-"}}


@pytest.fixture
def asked(alice, erin) -> ApprovalRequest:
    version = make_version(make_model(), 2, artifact_digest="f" * 64)
    whole_card("churn", 2, by=alice)
    make_policy(required_checks=["card"])
    alice.groups.add(*member("chief", ADMIN).groups.all())
    return services.open_request(version.pk, "Production", reason="Better.", by=alice)


def publish(levels, by, seen: int = 0) -> RequirementSet:
    return requirements.publish(levels, reason="We know better now.", seen=seen, by=User.objects.get(pk=by.pk))


def test_whoever_asks_does_not_lower_what_is_asked_of_their_card(asked, alice):
    with pytest.raises(RuleViolation) as refused:
        publish(LESS, alice)
    assert (refused.value.field, f"request {asked.pk}" in refused.value.message) == ("levels", True)
    assert "Limitations" in refused.value.message
    assert (RequirementSet.objects.count(), AuditEvent.objects.latest("id").outcome) == (0, "refused")


@pytest.mark.parametrize("levels", [MORE, OTHER_TIER])
def test_what_asks_no_less_of_their_card_is_theirs_to_publish(asked, alice, levels):
    assert publish(levels, alice).number == 1


def test_somebody_else_lowers_it(asked, admin):
    assert publish(LESS, admin).number == 1


def test_a_request_that_is_finished_is_in_nobody_s_way(asked, alice):
    services.act(asked.pk, "withdraw", by=alice, comment="Not now.")
    assert publish(LESS, alice).number == 1


def test_a_request_to_the_archive_asks_nothing_of_a_card(asked, alice):
    ApprovalRequest.objects.filter(pk=asked.pk).update(to_stage="Archived")
    assert publish(LESS, alice).number == 1


def test_requests_are_looked_at_again_under_the_new_set(asked, admin, erin):
    services.act(asked.pk, "approve", by=erin, evidence_digest=asked.evidence_digest)
    asked.refresh_from_db()
    assert asked.state == "approved"
    publish(MORE, admin)
    for kind in ("approvals.refresh_all", "approvals.refresh"):
        for job in Job.objects.filter(kind=kind, state="queued"):
            run_job(job.pk)
    asked.refresh_from_db()
    assert asked.state == "open"


def test_each_request_is_enqueued_once_however_often_the_job_runs(asked, admin):
    publish(MORE, admin)
    job = Job.objects.get(kind="approvals.refresh_all")
    run_job(job.pk)
    Job.objects.filter(pk=job.pk).update(state="queued", lease_until=None)
    run_job(job.pk)
    assert Job.objects.filter(kind="approvals.refresh", state="queued").count() == 1
