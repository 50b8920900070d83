"""Between review and approved: reconsidering, objections and who dismisses them, another policy, many at once."""

from datetime import timedelta

import pytest
from django.utils import timezone

from apps.accounts.roles import ML_ENGINEER
from apps.approvals import blockers, bulk, queries, services
from apps.approvals.bulk import Asked
from apps.approvals.models import ApprovalRequest, Review
from apps.approvals.signing import Signing
from apps.audit.actions import Action, Outcome
from apps.audit.models import AuditEvent
from apps.errors import Conflict, InvalidInput, NotAllowed, RuleViolation
from apps.jobs.models import Job
from apps.registry.models import ModelVersion
from tests.builders import make_policy, make_version, publish_policy
from tests.conftest import PASSWORD, member


def ask(version, by) -> ApprovalRequest:
    return services.open_request(version.pk, "Production", reason="Better.", by=by)


def approve(asked: ApprovalRequest, by) -> ApprovalRequest:
    return services.act(asked.pk, "approve", by=by, evidence_digest=asked.evidence_digest)


def state(asked: ApprovalRequest) -> str:
    return ApprovalRequest.objects.get(pk=asked.pk).state


@pytest.fixture
def engineer(db):
    return member("grace", ML_ENGINEER)


def test_reconsidering_what_has_not_changed_changes_nothing(asked, bob, review):
    review("approve", bob)
    before = AuditEvent.objects.count()
    services.reconsider(asked.pk)
    services.reconsider(asked.pk)
    assert (state(asked), AuditEvent.objects.count(), Job.objects.count()) == ("approved", before, 1)


def test_a_required_check_keeps_an_approved_request_back_until_it_passes(version, alice, bob):
    ModelVersion.objects.filter(pk=version.pk).update(description="")
    make_policy(required_checks=["description"])
    asked = ask(version, alice)
    approve(asked, bob)
    (row,) = blockers.why_blocked(ApprovalRequest.objects.get())
    assert (state(asked), row.code) == ("open", "check")
    ModelVersion.objects.filter(pk=version.pk).update(description="Trained on May data.")
    services.reconsider(asked.pk)
    assert (state(asked), Job.objects.count()) == ("approved", 1)
    assert AuditEvent.objects.get(action=Action.REQUEST_APPROVED).actor == "system:approvals"


def test_a_required_check_that_fails_later_sends_it_back_to_review(version, alice, bob):
    make_policy(required_checks=["description"])
    asked = ask(version, alice)
    approve(asked, bob)
    ModelVersion.objects.filter(pk=version.pk).update(description="")
    services.reconsider(asked.pk)
    assert state(asked) == "open"


def test_a_lapsed_objection_is_not_gone_until_somebody_takes_its_place(asked, bob, erin, review):
    review("approve", bob)
    ApprovalRequest.objects.update(state="open", approved_at=None)
    review("request_changes", erin, "Explain.")
    erin.groups.clear()
    services.reconsider(asked.pk)
    assert state(asked) == "changes_requested"


def test_an_engineer_dismisses_an_objection_with_a_reason(asked, bob, erin, engineer, review):
    review("request_changes", bob, "Explain.")
    with pytest.raises(InvalidInput, match="sentence"):
        review("dismiss_objection", engineer)
    review("dismiss_objection", engineer, "Explained in the ticket.")
    assert (state(asked), Review.objects.get().standing) == ("open", False)
    assert Review.objects.get().dismissed_because == "Dismissed by Grace: Explained in the ticket."
    event = AuditEvent.objects.get(action=Action.REQUEST_OBJECTION_DISMISSED, outcome=Outcome.DONE)
    assert (event.actor, event.reason, event.data["dismissed"]) == ("grace", "Explained in the ticket.", ["bob"])


def test_what_an_objection_alone_held_up_is_approved_when_it_is_dismissed(asked, bob, erin, engineer, review):
    review("request_changes", erin, "Explain.")
    review("approve", bob)
    review("dismiss_objection", engineer, "Explained.")
    assert (state(asked), Job.objects.count()) == ("approved", 1)


def test_neither_requester_nor_objector_dismisses_an_objection(version, policy, bob, erin, engineer):
    asked = ask(version, engineer)
    services.act(asked.pk, "request_changes", by=bob, comment="No.", evidence_digest=asked.evidence_digest)
    for person, words in ((engineer, "You asked for this"), (bob, "your own objection")):
        with pytest.raises(RuleViolation, match=words):
            services.act(asked.pk, "dismiss_objection", by=person, comment="Fine.")
    with pytest.raises(NotAllowed):
        services.act(asked.pk, "dismiss_objection", by=erin, comment="Fine.")


def test_who_made_the_version_does_not_dismiss_an_objection(asked, bob, engineer, review):
    ModelVersion.objects.filter(pk=asked.version_id).update(tags={"mlflow.user": "grace"})
    services.reconsider(asked.pk)
    review("request_changes", bob, "Explain.")
    with pytest.raises(RuleViolation, match="You made this version"):
        review("dismiss_objection", engineer, "Fine.")


def test_a_policy_edited_during_a_request_does_not_touch_it(asked, policy, bob, erin, review):
    publish_policy(required_approvals=2)
    assert review("approve", bob).policy == policy
    assert state(asked) == "approved"


def test_an_admin_moves_a_request_to_the_present_policy_and_its_votes_are_looked_at_anew(
    asked, policy, admin, bob, erin, review
):
    review("approve", bob)
    with pytest.raises(Conflict, match="follows the present policy already"):
        review("repin", admin, "Four eyes.")
    present = publish_policy(required_approvals=2)
    review("repin", admin, "Four eyes.")
    request = ApprovalRequest.objects.get()
    assert (request.policy, request.state) == (present, "open")
    event = AuditEvent.objects.get(action=Action.REQUEST_REPINNED, outcome=Outcome.DONE)
    assert [event.data["policies"][side]["policy"] for side in ("before", "after")] == [policy.pk, present.pk]


def test_a_repinned_approval_waits_and_ends_as_the_present_policy_says(asked, policy, admin, bob, erin, review):
    review("approve", bob)
    publish_policy(required_approvals=1, wait_minutes=60, approval_days=2, staleness="none")
    before = timezone.now()
    review("repin", admin, "The present one.")
    request = ApprovalRequest.objects.get()
    assert request.state == "approved"
    assert request.apply_after >= before + timedelta(minutes=60)
    assert request.expires_at == request.apply_after + timedelta(days=2)


def test_a_repinned_approval_whose_wait_is_over_is_applied_at_once(version, admin, alice, bob, erin):
    make_policy(wait_minutes=60)
    asked = ask(version, alice)
    services.act(asked.pk, "approve", by=bob, evidence_digest=asked.evidence_digest)
    assert not Job.objects.exists()
    publish_policy(required_approvals=1, staleness="none")
    services.act(asked.pk, "repin", by=admin, comment="No wait.")
    assert [job.args for job in Job.objects.all()] == [{"request_id": asked.pk}]


def test_another_policy_does_not_make_an_objection_go_away(asked, policy, admin, bob, erin, review):
    review("request_changes", bob, "Explain.")
    bob.groups.clear()
    publish_policy(required_approvals=1)
    review("repin", admin, "The present one.")
    assert state(asked) == "changes_requested"
    review("approve", erin)  # another reviewer has spoken
    assert state(asked) == "approved"


def test_the_requester_chooses_no_policy(version, policy, admin, bob):
    asked = ask(version, admin)
    publish_policy(required_approvals=1)
    with pytest.raises(RuleViolation, match="another admin"):
        services.act(asked.pk, "repin", by=admin, comment="Easier.")


def test_many_are_asked_for_each_with_its_own_result(model, champion, version, policy, alice, bob):
    third = make_version(model, 3)
    items = [Asked(row.pk, "Production", reason="Better.") for row in (champion, version, third)]
    results = bulk.bulk_submit(items, by=alice)
    assert [(row.ok, row.code, row.field) for row in results] == [
        (False, "rule_violation", "to_stage"), (True, "", ""), (True, "", ""),
    ]  # fmt: skip
    assert results[0].error == "churn v1 is already in Production."
    assert {row.request_id for row in results[1:]} == set(ApprovalRequest.objects.values_list("pk", flat=True))


def test_many_are_signed_with_one_password_and_a_digest_each(model, version, alice, bob):
    make_policy(sign_with="password")
    first, second = ask(version, alice), ask(make_version(model, 3), alice)
    items = [(first.pk, first.evidence_digest), (second.pk, "0" * 64), (10**30, "0" * 64)]
    results = bulk.bulk_act(items, "approve", by=bob, comment="Read.", signing=Signing(password=PASSWORD))
    assert [(row.request_id, row.state, row.code) for row in results] == [
        (first.pk, "approved", ""), (second.pk, "", "conflict"), (10**30, "", "not_found"),
    ]  # fmt: skip
    assert Review.objects.get().confirmed_with == "password"


def test_a_wrong_password_signs_none_of_many(version, alice, bob):
    make_policy(sign_with="password")
    asked = ask(version, alice)
    with pytest.raises(InvalidInput, match="not your password"):
        bulk.bulk_act([(asked.pk, asked.evidence_digest)] * 2, "approve", by=bob, signing=Signing(password="guess"))
    refused = AuditEvent.objects.filter(outcome=Outcome.REFUSED)
    assert (Review.objects.count(), refused.count(), "guess" in str(refused.get().data)) == (0, 1, False)


@pytest.mark.parametrize("number", [0, 101])
def test_a_bulk_has_from_one_to_a_hundred_items(bob, number):
    with pytest.raises(InvalidInput, match="from 1 to 100"):
        bulk.bulk_act([(1, "0" * 64)] * number, "approve", by=bob)
    with pytest.raises(InvalidInput, match="from 1 to 100"):
        bulk.bulk_submit([Asked(1)] * number, by=bob)


def test_each_line_says_who_can_clear_it_and_leads_there(asked, bob, erin):
    (row,) = blockers.why_blocked(queries.get_request(bob, asked.pk))
    assert (row.code, row.who, row.url) == ("rule", "Bob, Erin", f"/requests/{asked.pk}/#signers")


def test_each_rule_has_its_own_line(version, alice, bob, erin):
    make_policy(rules=[(1, bob.groups.first()), (1, erin.groups.last())])
    asked = ask(version, alice)
    assert [row.code for row in blockers.why_blocked(asked)] == ["rule", "rule"]
    approve(asked, bob)
    assert [row.who for row in blockers.why_blocked(ApprovalRequest.objects.get())] == ["Erin"]
