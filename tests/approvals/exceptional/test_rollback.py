from datetime import timedelta

import pytest
from django.utils import timezone

from apps.approvals import services
from apps.approvals.exceptional import after_review, rollback
from apps.approvals.models import AfterReview, ApprovalRequest, FreezeWindow, ProtectedAlias, RequestKind
from apps.audit.actions import Action, Outcome
from apps.audit.models import AuditEvent
from apps.errors import Conflict, InvalidInput, NotAllowed, NotVisible, RuleViolation
from apps.jobs.models import Job
from apps.registry.models import ModelAlias, ModelVersion
from tests.approvals.exceptional.conftest import applied
from tests.builders import make_policy, make_version


def back(model, by, **words) -> ApprovalRequest:
    return rollback.roll_back(model.pk, **{"stage": "Production", "reason": "Version 2 scores nobody."} | words, by=by)


def refusals(model, **place) -> list[tuple[int, str]]:
    return [(row.version.number, row.refusal) for row in rollback.targets(model, **place or {"stage": "Production"})]


def test_what_was_approved_and_is_unchanged_can_go_back(model, former):
    assert refusals(model) == [(1, "")]


def test_a_rollback_is_approved_at_once(model, former, bob):
    request = back(model, bob)
    assert (request.kind, request.state, request.expedited, request.bypassed) == (
        RequestKind.ROLLBACK, "approved", True, False,
    )  # fmt: skip
    assert (request.version.number, request.follows, request.archive_existing) == (1, former, True)
    assert Job.objects.get(kind="approvals.apply").args == {"request_id": request.pk}
    event = AuditEvent.objects.get(action=Action.ROLLBACK_ASKED)
    assert (event.target, event.data["follows"], event.reason) == (
        f"request {request.pk}", former.pk, "Version 2 scores nobody.",
    )  # fmt: skip


def test_it_owes_a_review(model, former, bob, policy):
    request = back(model, bob)
    assert AfterReview.objects.get(request=request).due_at == request.approved_at + timedelta(
        days=policy.after_review_days
    )


def test_neither_a_freeze_nor_a_wait_holds_it_back(model, former, bob, policy):
    now = timezone.now()
    FreezeWindow.objects.create(
        name="Year end", starts_at=now - timedelta(days=1), ends_at=now + timedelta(days=1), created_by="admin"
    )
    back(model, bob)
    assert Job.objects.filter(kind="approvals.apply").count() == 1


def test_looking_again_leaves_it_approved(model, former, bob):
    assert services.reconsider(back(model, bob).pk).state == "approved"


def test_it_takes_the_engineers_role(model, former, erin):
    with pytest.raises(NotAllowed, match="ML engineer"):
        back(model, erin)
    assert AuditEvent.objects.get(action=Action.ROLLBACK_ASKED).outcome == Outcome.REFUSED


def test_a_stranger_learns_nothing(model, former, mallory):
    with pytest.raises(NotVisible):
        back(model, mallory)


@pytest.mark.parametrize(
    ("words", "field"),
    [
        ({"reason": " "}, "reason"),
        ({"stage": "Archived"}, "stage"),
        ({"stage": ""}, "stage"),
        ({"alias": "champion"}, "alias"),
        ({"stage": "", "alias": "challenger"}, "alias"),
    ],
)
def test_a_rollback_names_one_place_and_a_reason(model, former, bob, words, field):
    with pytest.raises(InvalidInput) as caught:
        back(model, bob, **words)
    assert caught.value.field == field


def test_the_version_that_is_there_is_no_target(model, former, bob):
    with pytest.raises(Conflict, match="v2 is there now"):
        back(model, bob, number=2)


def test_other_files_than_were_signed_do_not_go_back(model, former, bob):
    ModelVersion.objects.filter(number=1).update(artifact_digest="99" * 32)
    assert refusals(model) == [(1, f"Its files are not the ones that were signed in request {former.pk}.")]
    with pytest.raises(Conflict, match="not the ones that were signed"):
        back(model, bob, number=1)
    with pytest.raises(Conflict, match="No earlier version"):
        back(model, bob)


def test_files_that_were_not_recorded_prove_nothing(model, former):
    ApprovalRequest.objects.filter(pk=former.pk).update(evidence={})
    assert [("were not recorded" in text) for _number, text in refusals(model)] == [True]


@pytest.mark.parametrize(
    "ended", [{"lapsed_at": timezone.now()}, {"recertify_by": timezone.now() - timedelta(minutes=1)}]
)
def test_a_lapsed_approval_takes_nothing_back(model, former, ended):
    ApprovalRequest.objects.filter(pk=former.pk).update(**ended)
    assert refusals(model) == [(1, f"Its approval (request {former.pk}) has ended and was not certified anew.")]


def test_a_deleted_version_does_not_go_back(model, former):
    ModelVersion.objects.filter(number=1).update(deleted_at=timezone.now())
    assert refusals(model) == [(1, "It was deleted in MLflow.")]


def test_a_bypass_that_nobody_has_reviewed_is_no_approval(model, former):
    ApprovalRequest.objects.filter(pk=former.pk).update(bypassed=True, expedited=True)
    AfterReview.objects.create(request=former, due_at=timezone.now())
    assert [("without votes" in text) for _number, text in refusals(model)] == [True]


@pytest.mark.parametrize(("outcome", "possible"), [("ratified", True), ("not_ratified", False)])
def test_a_bypass_counts_once_it_was_ratified(model, former, erin, outcome, possible):
    ApprovalRequest.objects.filter(pk=former.pk).update(bypassed=True, expedited=True)
    AfterReview.objects.create(request=former, due_at=timezone.now())
    after_review.review(former.pk, outcome, comment="Looked at it.", evidence_digest=former.evidence_digest, by=erin)
    assert [text == "" for _number, text in refusals(model)] == [possible]


def test_a_target_without_a_policy_is_closed_to_a_rollback_too(model, former, bob, policy):
    policy.state, policy.retired_at = "retired", timezone.now()
    type(policy).objects.filter(pk=policy.pk).update(state="retired", retired_at=policy.retired_at)
    with pytest.raises(RuleViolation, match="No policy"):
        back(model, bob)


def test_one_rollback_at_a_time(model, former, bob):
    request = back(model, bob)
    with pytest.raises(Conflict, match=f"Request {request.pk} already moves"):
        back(model, bob)


def test_a_protected_alias_goes_back(model, former, bob, alice):
    ProtectedAlias.objects.create(alias="champion", added_by="admin")
    make_policy(stage="", alias="champion")
    first, second = ModelVersion.objects.order_by("number")
    ModelAlias.objects.create(model=model, alias="champion", version=second)
    asked = services.open_request(first.pk, alias="champion", reason="Serve it.", by=alice)
    ApprovalRequest.objects.filter(pk=asked.pk).update(state="applied", closed_at=timezone.now())
    request = back(model, bob, stage="", alias="champion")
    assert (request.alias, request.from_number, request.follows_id) == ("champion", 2, asked.pk)


def test_the_last_that_was_there_goes_back_first(model, former, alice, bob):
    third = make_version(model, 3, artifact_digest="ef" * 32)
    asked = services.open_request(third.pk, "Production", reason="Third.", by=alice)
    services.act(asked.pk, "approve", by=bob, evidence_digest=asked.evidence_digest)
    Job.objects.all().delete()
    applied(asked)
    ModelVersion.objects.filter(pk=third.pk).update(stage="Archived")
    ModelVersion.objects.filter(number=2).update(stage="Production")
    assert refusals(model) == [(3, ""), (1, "")]
    assert back(model, bob).version.number == 3
