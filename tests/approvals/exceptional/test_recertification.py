from datetime import timedelta

import pytest
from django.utils import timezone

from apps.approvals import timers
from apps.approvals.checks import reporting
from apps.approvals.exceptional import queries, recertification
from apps.approvals.models import ApprovalRequest, Recertification
from apps.audit.actions import Action
from apps.audit.models import AuditEvent
from apps.errors import Conflict, InvalidInput, NotAllowed, RuleViolation
from apps.registry.models import ModelVersion
from tests.approvals.exceptional.conftest import applied, digest
from tests.builders import make_policy, make_version
from tests.conftest import PASSWORD


@pytest.fixture
def policy(db):
    return make_policy(recertify_days=90)


@pytest.fixture
def in_force(asked) -> ApprovalRequest:
    """An applied request whose approval ends in ten days."""
    return applied(asked, recertify_by=timezone.now() + timedelta(days=10))


def certify(request, by, **words) -> Recertification:
    return recertification.recertify(request.pk, **{"evidence_digest": digest(request)} | words, by=by)


def ended(request, *, days: int = 0) -> None:
    """Let the approval have ended a minute and that many days ago."""
    ago = timedelta(days=days, minutes=1)
    ApprovalRequest.objects.filter(pk=request.pk).update(recertify_by=timezone.now() - ago)


def test_a_reviewer_certifies_anew_for_as_long_as_the_policy_says(in_force, erin):
    row = certify(in_force, erin, comment="Still fine.")
    in_force.refresh_from_db()
    assert (in_force.recertify_by, row.until - row.created_at > timedelta(days=89)) == (row.until, True)
    event = AuditEvent.objects.get(action=Action.REQUEST_RECERTIFIED)
    assert (event.actor, event.reason, event.data["after"]["lapsed"]) == ("erin", "Still fine.", False)


def test_changed_evidence_is_named_and_not_certified(in_force, erin):
    ModelVersion.objects.filter(pk=in_force.version_id).update(metrics={"accuracy": 0.1})
    with pytest.raises(Conflict, match=r"metrics\.accuracy"):
        certify(in_force, erin)


def test_what_pipelines_report_since_does_not_keep_it_from_being_certified(asked, alice, erin):
    reporting.report(asked.version_id, "scan", "pass", detail="May", by=alice)
    asked.refresh_from_db()
    in_force = applied(asked, recertify_by=timezone.now() + timedelta(days=10))
    reporting.report(asked.version_id, "scan", "pass", detail="June", by=alice)
    assert certify(in_force, erin).reviewer == erin


def test_it_names_what_was_read(in_force, erin):
    with pytest.raises(InvalidInput) as caught:
        certify(in_force, erin, evidence_digest=None)
    assert caught.value.field == "evidence_digest"


def test_who_asked_or_trained_does_not_certify(in_force, alice, erin):
    with pytest.raises(NotAllowed):
        certify(in_force, alice)
    ModelVersion.objects.update(run={"user": "erin"})
    with pytest.raises(RuleViolation, match="You trained"):
        certify(in_force, erin)


def test_where_the_policy_wants_the_password_it_is_asked_for(in_force, policy, erin):
    stricter = make_policy(model=in_force.version.model, recertify_days=30, sign_with="password")
    applied(in_force, policy=stricter)
    with pytest.raises(InvalidInput) as caught:
        certify(in_force, erin)
    assert caught.value.field == "password"
    assert certify(in_force, erin, password=PASSWORD).reviewer == erin


def test_what_holds_for_good_is_not_certified(asked, erin):
    with pytest.raises(Conflict, match="holds for good"):
        certify(applied(asked), erin)


def test_history_is_not_certified(in_force, erin):
    ModelVersion.objects.filter(pk=in_force.version_id).update(stage="Archived")
    with pytest.raises(Conflict, match="not at Production by this request any more"):
        certify(in_force, erin)


def standings(request) -> list[str]:
    """What the trail says of the end of an approval, in order."""
    events = AuditEvent.objects.filter(target=f"request {request.pk}", actor="system:approvals").order_by("pk")
    return [event.action.removeprefix("request.") for event in events]


def test_it_is_told_once_that_it_is_due(in_force):
    assert [timers.tend(), timers.tend()] == [1, 0]
    assert standings(in_force) == ["recertify_due"]


def test_there_is_nothing_to_tell_while_there_is_time(asked):
    applied(asked, recertify_by=timezone.now() + timedelta(days=15))
    assert timers.tend() == 0


def test_it_is_overdue_for_seven_days_and_then_lapses(in_force):
    timers.tend()
    ended(in_force)
    assert [timers.tend(), timers.tend()] == [1, 0]
    in_force.refresh_from_db()
    assert in_force.lapsed_at is None
    ended(in_force, days=7)
    assert [timers.tend(), timers.tend()] == [1, 0]
    in_force.refresh_from_db()
    assert in_force.lapsed_at is not None
    assert standings(in_force) == ["recertify_due", "recertify_overdue", "lapsed"]


def test_a_timer_that_stood_still_tells_only_where_it_stands(in_force):
    ended(in_force, days=8)
    assert [timers.tend(), timers.tend()] == [1, 0]
    assert standings(in_force) == ["lapsed"]


def test_without_grace_it_lapses_at_its_end(in_force, settings):
    settings.RECERTIFY_GRACE_DAYS = 0
    ended(in_force)
    assert (timers.tend(), standings(in_force)) == (1, ["lapsed"])


def test_what_is_certified_anew_is_told_again_at_its_next_end(in_force, erin):
    timers.tend()
    certify(in_force, erin)
    assert timers.tend() == 0
    ApprovalRequest.objects.filter(pk=in_force.pk).update(recertify_by=timezone.now() + timedelta(days=3))
    assert (timers.tend(), standings(in_force)) == (1, ["recertify_due", "recertify_due"])


def test_history_does_not_lapse(in_force, model):
    ended(in_force)
    ModelVersion.objects.filter(pk=in_force.version_id).update(stage="Archived")
    assert timers.tend() == 0


def test_only_the_last_decision_on_a_version_lapses(in_force, policy, alice):
    ended(in_force)
    ApprovalRequest.objects.create(
        version=in_force.version, requester=alice, from_stage="Staging", to_stage="Production", reason="Again.",
        archive_existing=True, policy=policy, state="applied", submitted_at=timezone.now(), closed_at=timezone.now(),
    )  # fmt: skip
    assert timers.tend() == 0


def test_what_lapsed_is_certified_back_to_life(in_force, erin):
    ended(in_force, days=7)
    timers.tend()
    certify(in_force, erin)
    in_force.refresh_from_db()
    assert (in_force.lapsed_at, timers.tend()) == (None, 0)


@pytest.mark.parametrize(
    ("days", "standing"), [(30, ""), (14, "due"), (10, "due"), (0, "overdue"), (-6, "overdue"), (-7, "lapsed")]
)
def test_an_approval_is_due_fourteen_days_before_its_end_and_overdue_for_seven(in_force, days, standing):
    now = timezone.now()
    in_force.recertify_by = now + timedelta(days=days)
    assert recertification.standing(in_force, now) == standing


@pytest.mark.parametrize(("days", "standing", "listed"), [(6, "", 0), (4, "due", 1)])
def test_an_approval_of_a_short_period_is_due_in_its_second_half(in_force, erin, days, standing, listed):
    now = timezone.now()
    weekly = make_policy(model=in_force.version.model, recertify_days=10)
    in_force = applied(in_force, policy=weekly, recertify_by=now + timedelta(days=days))
    told = (timers.tend(), queries.ending(erin).count())
    assert (recertification.standing(in_force, now), told) == (standing, (listed, listed))


def test_a_second_version_in_the_stage_changes_nothing(in_force, model, erin):
    make_version(model, 7, stage="Production")
    assert certify(in_force, erin).reviewer == erin
