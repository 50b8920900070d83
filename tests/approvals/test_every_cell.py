"""Every action, in every state, by everybody: the whole table written out in cells.py, compared for equality.

Each cell is tried through the service that pages and API call, in a world where nothing but state and person decides:
an objection stands where one can be dismissed, a newer request where one can be closed as superseded, a newer policy, a
bypass that waits for its second person, a review that is owed afterwards. Then it is rolled back.
"""

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.db import transaction
from django.utils import timezone

from apps.accounts.models import User
from apps.accounts.roles import ADMIN, DATA_SCIENTIST, EMERGENCY, ML_ENGINEER, REVIEWER, ROLES, VIEWER, Role
from apps.approvals import evidence, services
from apps.approvals.exceptional import after_review, bypass, recertification
from apps.approvals.models import CLOSED, AfterReview, ApprovalRequest, Bypass, EvidenceSnapshot, RequestState
from apps.approvals.transitions import RequestAction, refusal, transition_of
from apps.errors import Conflict, DomainError, NotAllowed, NotVisible, RuleViolation, WrongState
from apps.registry.models import ModelVersion
from tests.approvals.cells import CELLS, SHORT
from tests.builders import make_policy, make_version, publish_policy
from tests.conftest import PASSWORD, member

EVERYTHING = tuple(ROLES.values())
PEOPLE: dict[str, tuple[Role, ...]] = {
    "requester": (DATA_SCIENTIST,),
    "requester with every role": EVERYTHING,
    "reviewer": (REVIEWER,),
    "reviewer who trained it": (REVIEWER,),
    "trainer with every role": EVERYTHING,
    "objector with every role": EVERYTHING,
    "engineer": (ML_ENGINEER,),
    "data scientist": (DATA_SCIENTIST,),
    "viewer": (VIEWER,),
    "admin": (ADMIN,),
    "emergency": (EMERGENCY,),
    "stranger": (),
    "inactive with every role": EVERYTHING,
}
ANSWERS = {
    NotVisible: "404",
    NotAllowed: "403p",
    RuleViolation: "403r",
    WrongState: "409s",
    Conflict: "409c",
}
REASON = "The fraud model stopped scoring at nine and every card is let through."
LATER = timedelta(hours=1)
Deed = Callable[[ApprovalRequest, User], object]


def word(action: RequestAction) -> Deed:
    """What takes no more than a word, and the digest that the page shows."""
    return lambda request, by: services.act(
        request.pk, action, by=by, comment="Because.", evidence_digest=request.evidence_digest
    )


DEEDS: dict[RequestAction, Deed] = {action: word(action) for action in RequestAction} | {
    RequestAction.EDIT: lambda request, by: services.edit_draft(request.pk, reason="Better.", by=by),
    RequestAction.ASK_BYPASS: lambda request, by: bypass.ask(
        request.pk,
        reason=REASON,
        ticket="OPS-17",
        evidence_digest=request.evidence_digest,
        password=PASSWORD,
        by=by,
    ),
    RequestAction.CONFIRM_BYPASS: lambda request, by: bypass.confirm(
        request.pk, evidence_digest=request.evidence_digest, password=PASSWORD, by=by
    ),
    RequestAction.DROP_BYPASS: lambda request, by: bypass.take_back(request.pk, by=by),
    RequestAction.AFTER_REVIEW: lambda request, by: after_review.review(
        request.pk, "ratified", comment="It was right.", evidence_digest=request.evidence_digest, by=by
    ),
    RequestAction.RECERTIFY: lambda request, by: recertification.recertify(
        request.pk, evidence_digest=request.evidence_digest, by=by
    ),
}


def asked_in(model, version: ModelVersion, requester: User, somebody: User) -> ApprovalRequest:
    """The request, with a newer one beside it, and a newer policy than its own."""
    make_policy(wait_minutes=60, recertify_days=90)
    request = services.open_request(version.pk, "Production", reason="Better.", by=requester)
    services.open_request(make_version(model, 3).pk, "Production", reason="Newer.", by=somebody)
    publish_policy(required_approvals=1, wait_minutes=30)
    return request


def put(request: ApprovalRequest, state: str, somebody: User) -> None:
    """Let the request be in this state, with what goes with it."""
    if state == RequestState.CHANGES_REQUESTED:
        word(RequestAction.REQUEST_CHANGES)(request, somebody)
    now = timezone.now()
    fields = {"state": state, "closed_at": now if state in CLOSED else None}
    if state == RequestState.DRAFT:
        EvidenceSnapshot.objects.filter(request=request).delete()
        fields |= {"policy": None, "submitted_at": None, "superseded_by": None, "evidence": {}, "evidence_digest": ""}
    if state == RequestState.APPROVED:
        fields |= {"approved_at": now, "apply_after": now + LATER}
    if state == RequestState.APPLIED:
        ModelVersion.objects.filter(pk=request.version_id).update(stage=request.to_stage)
        fields |= {"recertify_by": now + LATER}
    ApprovalRequest.objects.filter(pk=request.pk).update(**fields)


def prepare(request: ApprovalRequest, action: RequestAction, somebody: User) -> ApprovalRequest:
    """Let there be what the action needs beside a state and a person; return the request as its page shows it."""
    if action in (RequestAction.CONFIRM_BYPASS, RequestAction.DROP_BYPASS, RequestAction.AFTER_REVIEW):
        Bypass.objects.create(
            request=request, asked_by=somebody, reason=REASON, evidence_digest=request.evidence_digest
        )
    if action is RequestAction.AFTER_REVIEW:
        AfterReview.objects.create(request=request, due_at=timezone.now() + LATER)
    request = ApprovalRequest.objects.get(pk=request.pk)
    if request.state == RequestState.APPLIED:
        evidence.take(request)
        request.save()
        evidence.keep(request)
    return ApprovalRequest.objects.get(pk=request.pk)


def answer(action: RequestAction, request: ApprovalRequest, by: User) -> str:
    """Try it. What the table says to whoever sees the request is what the service does."""
    said = refusal(transition_of(action), request, by)
    try:
        DEEDS[action](request, by)
        done = "ok"
    except DomainError as error:
        done = ANSWERS[type(error)]
    if done != "404":
        assert done == (ANSWERS[type(said)] if said else "ok")
    return done


def grid(request: ApprovalRequest, by: User, somebody: User) -> list[list[str]]:
    """What a person gets, as the rows of the table: one for each action, a cell for each state."""
    rows = {action: [action.value] for action in RequestAction}
    for state in RequestState.values:
        of_state = transaction.savepoint()  # not an atomic block: the services want to be the outermost one
        put(request, state, somebody)
        for action in RequestAction:
            of_cell = transaction.savepoint()
            rows[action].append(answer(action, prepare(request, action, somebody), by))
            transaction.savepoint_rollback(of_cell)
        transaction.savepoint_rollback(of_state)
    return [["", *RequestState.values], *rows.values()]


def expected(table: str) -> list[list[str]]:
    """Read a table of cells.py: the first line names the states, the first word of the others the action."""
    head, *rows = table.strip().splitlines()
    return [["", *(SHORT.get(name, name) for name in head.split())], *(row.split() for row in rows)]


@pytest.fixture
def people(db) -> dict[str, User]:
    """Everybody of the table. The objector also asks for the bypass, and for the newer version."""
    found = {name: member(name, *roles) for name, roles in PEOPLE.items()}
    User.objects.filter(username="inactive with every role").update(is_active=False)
    return {name: User.objects.get(pk=person.pk) for name, person in found.items()}


@pytest.mark.parametrize("name", PEOPLE)
def test_each_person_gets_in_each_state_what_the_table_says(name, people, model, champion):
    trainer = name if "train" in name else "tina"
    version = make_version(model, 2, stage="Staging", run={"status": "FINISHED", "user": trainer, "tags": {}})
    somebody = people["objector with every role"]
    requester = people[name if name.startswith("requester") else "requester"]
    request = asked_in(model, version, requester, somebody)
    assert grid(request, people[name], somebody) == expected(CELLS[name])


def test_the_table_has_everybody():
    assert list(CELLS) == list(PEOPLE)
