"""Whatever makes a request complete, or takes away what it was approved on, makes Assent look at it again by itself."""

from datetime import timedelta

import pytest
from django.contrib.auth.models import Group
from django.db import transaction
from django.utils import timezone

from apps.approvals import checks, refreshing, services, timers, waivers
from apps.approvals.models import ApprovalRequest, ProtectedAlias
from apps.audit.actions import Action
from apps.audit.models import AuditEvent
from apps.jobs.models import Job
from apps.jobs.tasks import run_job
from apps.registry import directions, observers
from apps.registry.models import ModelAlias, ModelVersion, RegisteredModel
from apps.registry.observers import Change, Changed
from tests.builders import make_model, make_policy, make_version

MINUTE = timedelta(minutes=1)


@pytest.fixture
def policy(db):
    return make_policy(required_checks=["metrics"])


def now_as(asked: ApprovalRequest) -> ApprovalRequest:
    return ApprovalRequest.objects.select_related("policy", "version__model").get(pk=asked.pk)


def state(asked: ApprovalRequest) -> str:
    return now_as(asked).state


def moved(version: ModelVersion, stage: str) -> None:
    """Let the mirror bring another stage."""
    before = ModelVersion.objects.select_related("model").get(pk=version.pk)
    with transaction.atomic():
        ModelVersion.objects.filter(pk=version.pk).update(stage=stage)
        observers.tell([Change(Changed.STAGE, before.model, before, before.stage, stage)])


def run_jobs() -> None:
    for pk in list(Job.objects.filter(kind=refreshing.REFRESH_JOB, state="queued").values_list("pk", flat=True)):
        run_job(pk)


def a_minute_later() -> int:
    ApprovalRequest.objects.exclude(look_at=None).update(look_at=timezone.now())
    return timers.tend()


@pytest.fixture
def better_champion(champion) -> ModelVersion:
    """The version in Production has a metric that version 2 falls short of."""
    ModelVersion.objects.filter(pk=champion.pk).update(metrics={"accuracy": 0.99})
    return champion


@pytest.fixture
def stuck(better_champion, asked, bob, sign) -> ApprovalRequest:
    """All votes are in, and a required check fails against the version in Production."""
    sign(bob)
    assert ([row.name for row in checks.unmet(now_as(asked))], state(asked)) == (["metrics"], "open")
    return asked


def test_the_version_in_production_leaving_completes_a_request_about_another(stuck, champion):
    moved(champion, "Archived")
    run_jobs()
    assert state(stuck) == "approved"
    assert AuditEvent.objects.get(action=Action.REQUEST_APPROVED).actor == "system:approvals"


def test_another_model_moving_asks_for_nothing(stuck):
    moved(make_version(make_model("other"), 1, stage="Production"), "Archived")
    assert Job.objects.filter(kind=refreshing.REFRESH_JOB).count() == 0


def test_a_stage_that_returns_to_where_the_request_started_completes_it(stuck, champion, version):
    ModelVersion.objects.filter(pk=version.pk).update(stage="None")
    ModelVersion.objects.filter(pk=champion.pk).update(metrics={"accuracy": 0.1})
    a_minute_later()
    assert state(stuck) == "open"
    moved(version, "Staging")
    run_jobs()
    assert state(stuck) == "approved"


def pointed(model: RegisteredModel, alias: str, version: ModelVersion | None) -> None:
    """Let the mirror bring an alias that points elsewhere, or nowhere."""
    with transaction.atomic():
        ModelAlias.objects.filter(model=model, alias=alias).delete()
        if version:
            ModelAlias.objects.create(model=model, alias=alias, version=version)
        observers.tell([Change(Changed.ALIAS, model, version, None, version and version.number, alias=alias)])


def test_an_alias_that_returns_completes_the_request(model, better_champion, version, alice, bob):
    make_policy("", alias="champion", required_checks=["metrics"])
    ProtectedAlias.objects.create(alias="champion", added_by="admin")
    pointed(model, "champion", better_champion)
    asked = services.open_request(version.pk, "", alias="champion", reason="Better.", by=alice)
    services.act(asked.pk, "approve", by=bob, evidence_digest=asked.evidence_digest)
    pointed(model, "champion", None)
    ModelVersion.objects.filter(pk=better_champion.pk).update(metrics={"accuracy": 0.1})
    run_jobs()
    assert state(asked) == "open"
    pointed(model, "champion", better_champion)
    run_jobs()
    assert state(asked) == "approved"


def test_another_direction_of_a_metric_completes_the_request(stuck, admin):
    directions.set_direction("accuracy", "lower", by=admin)
    assert (a_minute_later(), state(stuck)) == (1, "approved")


def test_a_reviewer_who_returns_to_the_group_completes_the_request(better_champion, version, alice, bob, admin):
    """Bob's vote stands while he is away, and counts again when he is back."""
    risk = Group.objects.create(name="Risk")
    bob.groups.add(risk)
    make_policy(rules=[(1, risk)], required_checks=["metrics"], model=version.model)
    asked = services.open_request(version.pk, "Production", reason="Better.", by=alice)
    services.act(asked.pk, "approve", by=bob, evidence_digest=asked.evidence_digest)
    bob.groups.remove(risk)
    directions.set_direction("accuracy", "lower", by=admin)
    assert (a_minute_later(), state(asked)) == (1, "open")  # the checks are others now
    assert (a_minute_later(), state(asked)) == (0, "open")
    bob.groups.add(risk)
    assert (a_minute_later(), state(asked)) == (1, "approved")


def test_an_approved_request_whose_waiver_ran_out_is_sent_back(stuck, erin):
    ApprovalRequest.objects.filter(pk=stuck.pk).update(policy=make_policy(
        required_checks=["metrics"], wait_minutes=60, staleness="none", model=stuck.version.model
    ))  # fmt: skip
    waiver = waivers.waive(stuck.pk, "metrics", reason="Accepted.", days=1, by=erin)
    assert (state(stuck), a_minute_later()) == ("approved", 0)
    type(waiver).objects.update(expires_at=timezone.now())
    assert (a_minute_later(), state(stuck)) == (1, "open")
    assert AuditEvent.objects.filter(action=Action.REQUEST_REOPENED).count() == 1


def test_an_approved_request_whose_approver_left_is_sent_back(version, alice, bob):
    make_policy(wait_minutes=60)
    asked = services.open_request(version.pk, "Production", reason="Better.", by=alice)
    services.act(asked.pk, "approve", by=bob, evidence_digest=asked.evidence_digest)
    bob.groups.clear()
    assert (a_minute_later(), state(asked)) == (1, "open")


def test_what_waits_for_votes_is_not_looked_at_again_and_again(asked, model, alice):
    assert now_as(asked).look_at is None


def test_looking_in_vain_changes_nothing_and_comes_back_within_a_minute(stuck):
    before = now_as(stuck)
    assert a_minute_later() == 0
    after = now_as(stuck)
    assert (after.updated_at, after.state) == (before.updated_at, "open")
    assert timezone.now() < after.look_at < timezone.now() + MINUTE


def test_a_closed_request_is_left_alone(stuck, alice, admin):
    services.act(stuck.pk, "withdraw", by=alice)
    directions.set_direction("accuracy", "lower", by=admin)
    assert (a_minute_later(), state(stuck)) == (0, "withdrawn")
