"""A draft: seen by its writer alone, edited, submitted or discarded."""

import pytest

from apps.accounts.roles import DATA_SCIENTIST
from apps.approvals import queries, services
from apps.approvals.models import ApprovalRequest
from apps.approvals.queue import queries as queue
from apps.audit.actions import Action
from apps.audit.models import AuditEvent
from apps.audit.queries import visible_events
from apps.errors import Conflict, InvalidInput, NotAllowed, NotVisible, RuleViolation, WrongState
from apps.registry.models import DetailsState, ModelVersion, RegisteredModel
from tests.builders import make_policy
from tests.conftest import member


@pytest.fixture
def draft(version, policy, alice, bob) -> ApprovalRequest:
    """Alice's draft to move version 2 to Production."""
    return services.open_request(version.pk, "Production", reason="", draft=True, by=alice)


def test_a_draft_pins_nothing_yet(draft):
    assert (draft.state, draft.policy, draft.evidence_digest, draft.submitted_at) == ("draft", None, "", None)


def test_a_draft_is_seen_by_its_writer_alone(draft, alice, bob, erin, admin):
    assert queries.get_request(alice, draft.pk) == draft
    for other in (bob, erin, admin):
        assert list(queries.visible_requests(other)) == []
        with pytest.raises(NotVisible):
            queries.get_request(other, draft.pk)
    assert queries.requests_by_version([draft.version_id]) == {}
    assert list(queue.waiting_for(bob)) == []


def test_a_draft_is_in_no_count(draft):
    assert RegisteredModel.objects.get().open_requests == 0


def test_the_trail_tells_of_a_draft_to_nobody_else(draft, alice, bob):
    event = AuditEvent.objects.get(action=Action.REQUEST_DRAFTED)
    assert (event.actor, event.target, event.model_id) == ("alice", f"request {draft.pk}", None)
    assert [event in visible_events(person) for person in (alice, bob)] == [True, False]


@pytest.mark.parametrize("action", ["submit", "discard", "withdraw", "approve"])
def test_nobody_else_acts_on_a_draft(draft, bob, action):
    with pytest.raises(NotVisible):
        services.act(draft.pk, action, by=bob)
    assert ApprovalRequest.objects.get().state == "draft"


def test_a_draft_is_edited_before_it_is_submitted(draft, alice):
    services.edit_draft(draft.pk, reason="Better.", ticket="OPS-17", roll_back="Point back to v1.", by=alice)
    asked = services.submit(draft.pk, by=alice)
    assert (asked.state, asked.reason, asked.ticket, asked.roll_back) == (
        "open", "Better.", "OPS-17", "Point back to v1.",
    )  # fmt: skip
    event = AuditEvent.objects.get(action=Action.REQUEST_OPENED)
    assert (event.reason, event.data["ticket"], event.data["evidence_digest"]) == (
        "Better.", "OPS-17", asked.evidence_digest,
    )  # fmt: skip


def test_a_draft_changes_its_target(draft, alice):
    make_policy("Archived")
    edited = services.edit_draft(draft.pk, to_stage="Archived", by=alice)
    assert (edited.to_stage, edited.kind, edited.archive_existing) == ("Archived", "archive", False)


def test_a_draft_needs_a_reason_when_it_is_submitted(draft, alice):
    with pytest.raises(InvalidInput) as caught:
        services.submit(draft.pk, by=alice)
    assert caught.value.field == "reason"
    assert ApprovalRequest.objects.get().state == "draft"


def test_a_draft_takes_the_policy_and_the_evidence_of_its_submission(draft, alice, policy):
    ModelVersion.objects.filter(pk=draft.version_id).update(metrics={"accuracy": 0.95})
    services.edit_draft(draft.pk, reason="Better.", by=alice)
    asked = services.submit(draft.pk, by=alice)
    assert (asked.policy, asked.evidence["metrics"]) == (policy, {"accuracy": "0.95"})


def test_a_submitted_draft_is_no_draft_any_more(draft, alice):
    services.edit_draft(draft.pk, reason="Better.", by=alice)
    services.submit(draft.pk, by=alice)
    for again in (services.submit, services.edit_draft):
        with pytest.raises(WrongState):
            again(draft.pk, by=alice)


def test_a_discarded_draft_leaves_only_its_event(draft, alice):
    assert services.act(draft.pk, "discard", by=alice).state == "withdrawn"
    assert not ApprovalRequest.objects.exists()
    event = AuditEvent.objects.get(action=Action.REQUEST_WITHDRAWN)
    assert (event.model_id, event.data["before"]) == (None, {"state": "draft"})


def test_several_drafts_may_ask_for_the_same_and_one_is_submitted(draft, version, alice):
    other = services.open_request(version.pk, "Production", reason="Mine.", draft=True, by=alice)
    services.submit(other.pk, by=alice)
    services.edit_draft(draft.pk, reason="Better.", by=alice)
    with pytest.raises(Conflict, match=f"Request {other.pk} already asks"):
        services.submit(draft.pk, by=alice)


def test_what_nobody_could_sign_stays_a_draft(version, policy, alice):
    with pytest.raises(RuleViolation, match=r"“Reviewers” needs 1, and nobody could fill it.*keep it as a draft"):
        services.open_request(version.pk, "Production", reason="Better.", by=alice)
    draft = services.open_request(version.pk, "Production", reason="Better.", draft=True, by=alice)
    with pytest.raises(RuleViolation, match="keep it as a draft"):
        services.submit(draft.pk, by=alice)
    assert ApprovalRequest.objects.get().state == "draft"


def test_a_viewer_drafts_nothing(version, policy, charlie):
    with pytest.raises(NotAllowed):
        services.open_request(version.pk, "Production", reason="", draft=True, by=charlie)


def test_whoever_lost_the_role_submits_nothing(draft, alice):
    alice.groups.set(member("dan", DATA_SCIENTIST).groups.none())
    viewer = type(alice).objects.get(pk=alice.pk)
    with pytest.raises(NotVisible):
        services.submit(draft.pk, by=viewer)


def test_a_draft_of_an_unread_version_may_be_kept(version, policy, alice):
    ModelVersion.objects.filter(pk=version.pk).update(details_state=DetailsState.PENDING)
    assert services.open_request(version.pk, "Production", reason="", draft=True, by=alice).state == "draft"
