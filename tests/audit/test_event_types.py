"""What our events are in the vocabulary of audit logs, on both sides: in Python and in the database."""

import pytest
from django.test import Client

from apps.accounts.tokens import create_token
from apps.audit.actions import Action, Outcome
from apps.audit.event_types import EventType, of_type
from apps.audit.models import AuditEvent
from tests.audit.test_queries import write

CASES = [
    (Action.MODEL_MIRRORED, {}, {}, EventType.MODEL_REGISTERED),
    (Action.VERSION_CHANGED, {}, {}, EventType.MODEL_UPDATED),
    (Action.VERSION_DELETED, {}, {}, EventType.MODEL_DELETED),
    (Action.REQUEST_APPLIED, {"to_stage": "Production"}, {}, EventType.MODEL_DEPLOYED),
    (Action.REQUEST_APPLIED, {"alias": "champion"}, {}, EventType.MODEL_DEPLOYED),
    (Action.REQUEST_APPLIED, {"to_stage": "Archived"}, {}, ""),
    (Action.REQUEST_APPLIED, {"to_stage": "None"}, {}, ""),
    (Action.VERSION_STAGE_CHANGED, {"after": {"stage": "Staging"}}, {}, EventType.STAGE_TRANSITION),
    (Action.VERSION_STAGE_CHANGED, {}, {}, EventType.STAGE_TRANSITION),
    (Action.VERSION_STAGE_CHANGED, {"after": {"stage": "Archived"}}, {}, EventType.MODEL_ARCHIVED),
    (Action.GRANT_CHANGED, {}, {}, EventType.PERMISSION_CHANGED),
    (Action.GRANT_CHANGED, {}, {"outcome": Outcome.REFUSED}, ""),
    (Action.SESSION_STARTED, {}, {}, ""),
]


@pytest.fixture
def events(db) -> dict[int, str]:
    """One event of each case: number → type."""
    return {write(None, action=action, **data, **more): str(kind) for action, data, more, kind in CASES}


def test_an_event_knows_its_type(events):
    assert {event.pk: event.event_type for event in AuditEvent.objects.all()} == events


@pytest.mark.parametrize("kind", EventType.values)
def test_the_database_finds_just_the_events_of_a_type(events, kind):
    found = set(AuditEvent.objects.filter(of_type(kind)).values_list("pk", flat=True))
    assert found == {number for number, of in events.items() if of == kind} != set()


def test_a_type_that_there_is_not_is_refused():
    with pytest.raises(ValueError, match="nonsense"):
        of_type("nonsense")


def test_the_api_names_the_type(admin):
    number = write(None, action=Action.GRANT_CHANGED)
    client = Client()
    client.force_login(admin)
    assert client.get(f"/api/v1/audit/events/{number}/").json()["event_type"] == "permission_changed"


def test_what_is_done_with_a_token_names_its_prefix_and_name(alice):
    made = create_token("ci", by=alice, scope="write")
    view = {"name": "Mine", "query": "q=x"}
    answer = Client().post(
        "/api/v1/views/", view, content_type="application/json", headers={"Authorization": f"Bearer {made.text}"}
    )
    event = AuditEvent.objects.get(action=Action.VIEW_SAVED)
    assert (answer.status_code, event.token_prefix, event.token_name) == (201, made.token.prefix, "ci")
    assert made.text not in str(AuditEvent.objects.values())


def test_the_next_call_is_not_taken_for_one_with_the_token(alice):
    made = create_token("ci", by=alice)
    Client().get("/api/v1/me/", headers={"Authorization": f"Bearer {made.text}"})
    write(None)
    assert AuditEvent.objects.latest("id").token_prefix == ""


def test_on_whose_behalf_and_on_what_evidence_have_columns_of_their_own(db):
    number = write(None, on_behalf_of="erin", evidence_digest="ab" * 32, before={}, after={})
    event = AuditEvent.objects.get(pk=number)
    assert (event.on_behalf_of, event.evidence_digest) == ("erin", "ab" * 32)
    assert event.data["on_behalf_of"] == "erin"
