"""The table of what can be done to a request: every action in every state, for everybody."""

import pytest

from apps.accounts import grants
from apps.accounts.roles import ROLES
from apps.approvals import queries, services
from apps.approvals.models import ApprovalRequest, RequestState
from apps.approvals.transitions import TRANSITIONS, RequestAction, refusal
from apps.errors import InvalidInput, NotAllowed, WrongState
from tests.conftest import member

UNDER_REVIEW = {"open", "changes_requested"}
BEFORE_APPLYING = {*UNDER_REVIEW, "approved", "apply_failed"}
STATES = {
    "approve": UNDER_REVIEW,
    "request_changes": UNDER_REVIEW,
    "reject": UNDER_REVIEW,
    "withdraw": BEFORE_APPLYING,
    "retry": {"apply_failed"},
    "submit": {"draft"},
    "edit": {"draft"},
    "discard": {"draft"},
    "dismiss_objection": {"changes_requested"},
    "supersede": BEFORE_APPLYING,
    "repin": {*UNDER_REVIEW, "approved"},
}
PERMISSIONS = {
    "approve": "model:review",
    "request_changes": "model:review",
    "reject": "model:review",
    "withdraw": "model:deploy",
    "retry": "model:deploy",
    "submit": "model:write",
    "edit": "model:write",
    "discard": "model:write",
    "dismiss_objection": "model:deploy",
    "supersede": "model:deploy",
    "repin": "policy:manage",
}
ALSO_THE_REQUESTER = {"withdraw", "retry", "discard", "supersede"}
CLOSED = {"applied", "rejected", "withdrawn", "expired", "superseded"}
OURS = tuple(RequestAction(name) for name in STATES)


@pytest.fixture
def everything(db):
    """Somebody with every role and duty, who has nothing to do with the request."""
    return member("zoe", *ROLES.values())


def put(asked: ApprovalRequest, state: str) -> ApprovalRequest:
    closed = asked.created_at if state in CLOSED else None
    ApprovalRequest.objects.filter(pk=asked.pk).update(state=state, closed_at=closed)
    return ApprovalRequest.objects.get(pk=asked.pk)


@pytest.mark.parametrize("state", RequestState.values)
@pytest.mark.parametrize("action", OURS)
def test_an_action_is_possible_in_its_states_alone(asked, everything, action, state):
    error = refusal(TRANSITIONS[action], put(asked, state), everything)
    assert isinstance(error, WrongState) == (state not in STATES[action])


@pytest.mark.parametrize("state", sorted(set(RequestState.values) - {"draft"}))
@pytest.mark.parametrize("action", OURS)
def test_a_wrong_state_is_refused_and_stays(asked, everything, action, state):
    put(asked, state)
    if state not in STATES[action]:
        with pytest.raises(WrongState):
            services.act(asked.pk, action, by=everything, comment="Because.", evidence_digest=asked.evidence_digest)
        assert ApprovalRequest.objects.get(pk=asked.pk).state == state


@pytest.mark.parametrize("role", ROLES.values(), ids=lambda role: role.name)
@pytest.mark.parametrize("action", OURS)
def test_an_action_takes_its_permission(asked, role, action):
    person = member(f"only {role.name}", role)
    error = refusal(TRANSITIONS[action], put(asked, min(STATES[action])), person)
    held = grants.held_permissions(person)
    assert isinstance(error, NotAllowed) == (PERMISSIONS[action] not in held)


@pytest.mark.parametrize("action", OURS)
def test_the_requester_needs_no_permission_for_what_is_theirs(asked, action):
    requester = asked.requester
    requester.groups.clear()
    requester = type(requester).objects.get(pk=requester.pk)
    error = refusal(TRANSITIONS[action], put(asked, min(STATES[action])), requester)
    assert isinstance(error, NotAllowed) == (action not in ALSO_THE_REQUESTER)


def test_what_needs_more_than_a_word_is_not_done_by_a_word(version, policy, alice, bob):
    draft = services.open_request(version.pk, "Production", reason="", draft=True, by=alice)
    with pytest.raises(InvalidInput, match="needs more than a word"):
        services.act(draft.pk, "edit", by=alice)


def test_what_would_only_be_noise_is_not_offered(asked, admin):
    assert {offer.action for offer in queries.allowed_actions(asked, admin)} & {"supersede", "repin"} == set()
