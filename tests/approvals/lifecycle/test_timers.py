"""What happens by itself: reminders, expiry, the wait, freezes; and clocks that go wrong."""

from datetime import timedelta
from threading import Barrier, Thread

import pytest
from django.db import connections
from django.utils import timezone

from apps.approvals import advancing, blockers, services, timers
from apps.approvals.models import ApprovalRequest, FreezeWindow
from apps.approvals.tasks import tend
from apps.audit.actions import Action, Source
from apps.audit.models import AuditEvent
from apps.errors import Conflict
from apps.jobs.models import Job
from apps.registry.models import RegisteredModel
from tests.builders import make_policy, make_version

DAY = timedelta(days=1)


def ask(version, by) -> ApprovalRequest:
    return services.open_request(version.pk, "Production", reason="Better.", by=by)


def approve(asked: ApprovalRequest, by) -> ApprovalRequest:
    return services.act(asked.pk, "approve", by=by, evidence_digest=asked.evidence_digest)


def now_as(asked: ApprovalRequest) -> ApprovalRequest:
    return ApprovalRequest.objects.get(pk=asked.pk)


def shift(asked: ApprovalRequest, **times) -> None:
    """Put times of the request that far from now."""
    now = timezone.now()
    ApprovalRequest.objects.filter(pk=asked.pk).update(**{name: now + by for name, by in times.items()})


def freeze(**options) -> FreezeWindow:
    now = timezone.now()
    times = {"starts_at": now - DAY, "ends_at": now + DAY}
    return FreezeWindow.objects.create(name="Year end", created_by="admin", **times | options)


def applies() -> int:
    return Job.objects.filter(kind="approvals.apply").count()


def test_a_policy_without_times_lets_a_request_wait_for_ever(asked):
    assert (asked.remind_at, asked.expires_at) == (None, None)
    assert timers.tend() == 0


def test_times_run_from_the_submission(version, alice, bob):
    make_policy(open_days=10, remind_days=3)
    asked = ask(version, alice)
    assert (asked.expires_at - asked.submitted_at, asked.remind_at - asked.submitted_at) == (10 * DAY, 3 * DAY)


def test_an_undecided_request_expires_and_is_never_approved(version, alice, bob):
    make_policy(open_days=10)
    asked = ask(version, alice)
    shift(asked, expires_at=-DAY)
    assert blockers.why_blocked(now_as(asked))[0].code == "expired"
    with pytest.raises(Conflict, match="The time for this request is over"):
        approve(asked, bob)
    tend()
    request = now_as(asked)
    assert (request.state, request.closed_at is not None, RegisteredModel.objects.get().open_requests) == (
        "expired", True, 0,
    )  # fmt: skip
    event = AuditEvent.objects.get(action=Action.REQUEST_EXPIRED)
    assert (event.actor, event.source, event.reason) == (
        "system:approvals", Source.WORKER, "Nobody decided it in time.",
    )  # fmt: skip
    assert timers.tend() == 0


def test_an_approval_that_is_not_applied_in_time_expires(version, alice, bob):
    make_policy(approval_days=2)
    asked = ask(version, alice)
    approve(asked, bob)
    request = now_as(asked)
    assert request.expires_at - request.apply_after == 2 * DAY
    Job.objects.update(state="done")
    shift(asked, expires_at=-DAY)
    timers.expire()
    assert (now_as(asked).state, AuditEvent.objects.get(action=Action.REQUEST_EXPIRED).reason) == (
        "expired", "It was not applied in time.",
    )  # fmt: skip


@pytest.mark.parametrize("state", ["draft", "applying", "rejected"])
def test_what_is_written_or_closed_does_not_expire(version, alice, bob, state):
    make_policy(open_days=10)
    asked = ask(version, alice)
    shift(asked, expires_at=-DAY)
    closed = timezone.now() if state == "rejected" else None
    ApprovalRequest.objects.update(state=state, closed_at=closed)
    assert timers.expire() == 0
    assert now_as(asked).state == state


def test_reviewers_are_reminded_again_and_again(version, alice, bob):
    make_policy(remind_days=3)
    asked = ask(version, alice)
    shift(asked, remind_at=-DAY)
    assert (timers.remind(), timers.remind()) == (1, 0)
    request = now_as(asked)
    assert request.remind_at - request.reminded_at == 3 * DAY
    assert AuditEvent.objects.get(action=Action.REQUEST_REMINDED).target == f"request {asked.pk}"


def test_a_decided_request_reminds_nobody(version, alice, bob):
    make_policy(remind_days=3)
    asked = ask(version, alice)
    approve(asked, bob)
    shift(asked, remind_at=-DAY)
    assert timers.remind() == 0


def test_the_wait_runs_from_the_last_requirement(version, alice, bob):
    make_policy(wait_minutes=30)
    asked = ask(version, alice)
    approve(asked, bob)
    request = now_as(asked)
    assert (request.state, request.apply_after - request.approved_at, applies()) == (
        "approved", timedelta(minutes=30), 0,
    )  # fmt: skip
    assert timers.apply_due() == 0
    shift(asked, apply_after=-DAY)
    assert (timers.apply_due(), timers.apply_due(), applies()) == (1, 0, 1)


def test_the_wait_starts_anew_when_the_request_falls_back(version, alice, bob, erin):
    make_policy(wait_minutes=30, open_days=5)
    asked = ask(version, alice)
    approve(asked, bob)
    bob.groups.clear()
    services.reconsider(asked.pk)
    request = now_as(asked)
    assert (request.state, request.approved_at, request.apply_after) == ("open", None, None)
    assert request.expires_at is not None
    approve(asked, erin)
    assert now_as(asked).apply_after > timezone.now()


def test_why_blocked_says_until_when_it_waits(version, alice, bob):
    make_policy(wait_minutes=30)
    asked = ask(version, alice)
    approve(asked, bob)
    request = now_as(asked)
    (row,) = blockers.why_blocked(request)
    assert (row.code, f"{request.apply_after:%Y-%m-%d %H:%M} UTC" in row.sentence) == ("wait", True)


def test_a_freeze_holds_back_the_apply_and_not_the_vote(asked, bob, review):
    window = freeze()
    review("approve", bob)
    assert (now_as(asked).state, applies()) == ("approved", 0)
    (row,) = blockers.why_blocked(now_as(asked))
    assert (row.code, row.who) == ("freeze", "an admin")
    assert f"“Year end” holds it back until {window.ends_at:%Y-%m-%d %H:%M} UTC" in row.sentence
    assert timers.apply_due() == 0
    FreezeWindow.objects.update(lifted_at=timezone.now(), lifted_by="admin")
    assert (timers.apply_due(), applies()) == (1, 1)


@pytest.mark.parametrize("options", [{"stage": "Staging"}, {"ends_at": None}])
def test_another_freeze_holds_back_nothing(asked, bob, review, options):
    if "ends_at" in options:
        options = {"starts_at": timezone.now() - 2 * DAY, "ends_at": timezone.now() - DAY}
    freeze(**options)
    review("approve", bob)
    assert applies() == 1


def test_a_frozen_request_is_passed_over(asked, bob, review):
    other = RegisteredModel.objects.create(name="frozen", created_at=asked.created_at, updated_at=asked.created_at)
    held = ask(make_version(other), asked.requester)
    freeze(model=other)
    approve(held, bob)
    review("approve", bob)
    Job.objects.all().delete()
    assert timers.apply_due() == 1
    assert Job.objects.get().args == {"request_id": asked.pk}


def test_a_clock_that_went_back_only_delays(version, alice, bob):
    make_policy(wait_minutes=30, open_days=5, remind_days=2, approval_days=2)
    asked = ask(version, alice)
    approve(asked, bob)
    shift(asked, submitted_at=DAY, approved_at=DAY, apply_after=2 * DAY, expires_at=3 * DAY, remind_at=DAY)
    assert (timers.tend(), now_as(asked).state, applies()) == (0, "approved", 0)


def test_a_clock_that_jumped_ahead_expires_before_it_applies(version, alice, bob):
    make_policy(wait_minutes=30, approval_days=2)
    asked = ask(version, alice)
    approve(asked, bob)
    shift(asked, apply_after=-3 * DAY, expires_at=-DAY)
    timers.tend()
    assert (now_as(asked).state, applies()) == ("expired", 0)


def test_one_odd_row_does_not_stop_the_others(model, version, alice, bob, caplog):
    make_policy(open_days=1)
    first, second = ask(version, alice), ask(make_version(model, 3), alice)
    shift(first, expires_at=-2 * DAY)
    shift(second, expires_at=-DAY)
    ApprovalRequest.objects.filter(pk=first.pk).update(evidence=["odd"])
    timers.expire()
    assert now_as(second).state == "expired"


@pytest.mark.django_db(transaction=True)
def test_two_beats_at_once_expire_and_enqueue_once(model, version, alice, bob):
    make_policy(open_days=1)
    gone, ready = ask(version, alice), ask(make_version(model, 3), alice)
    shift(gone, expires_at=-DAY)
    approve(ready, bob)
    Job.objects.all().delete()
    barrier = Barrier(2)

    def beat() -> None:
        barrier.wait()
        try:
            timers.tend()
        finally:
            connections.close_all()

    threads = [Thread(target=beat) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert AuditEvent.objects.filter(action=Action.REQUEST_EXPIRED).count() == 1
    assert Job.objects.filter(key=advancing.key(ready)).count() == 1
