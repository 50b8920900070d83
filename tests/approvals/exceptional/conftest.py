"""Two people with the emergency duty, and a version that may go back to Production."""

from datetime import timedelta

import pytest
from django.contrib.auth.models import Group
from django.test import Client
from django.utils import timezone

from apps.accounts import grants
from apps.accounts.models import User
from apps.accounts.roles import EMERGENCY
from apps.approvals import evidence, services
from apps.approvals.exceptional import bypass
from apps.approvals.models import ApprovalRequest, RequestState
from apps.jobs.models import Job
from apps.registry.models import ModelVersion, RegisteredModel
from tests.builders import make_version
from tests.conftest import PASSWORD

FILES = "ab" * 32
REASON = "The fraud model stopped scoring at nine and every card is let through."


@pytest.fixture
def emergency(bob, admin) -> Group:
    """The duty, held on the whole registry by bob and admin."""
    group = Group.objects.create(name="emergency")
    grants.set_role(group, [EMERGENCY], None, model_class=RegisteredModel)
    bob.groups.add(group)
    admin.groups.add(group)
    return group


@pytest.fixture
def ask(asked, emergency, bob):
    """Ask for a bypass of the request as it is now; bob does, unless told otherwise."""

    def give(by: User = bob, **changes):
        words = {"reason": REASON, "ticket": "OPS-17", "evidence_digest": digest(asked), "password": PASSWORD}
        return bypass.ask(asked.pk, **words | changes, by=by)

    return give


@pytest.fixture
def confirm(asked, emergency, admin):
    """Confirm the bypass of the request; admin does, unless told otherwise."""

    def give(by: User = admin, **changes):
        return bypass.confirm(asked.pk, **{"evidence_digest": digest(asked), "password": PASSWORD} | changes, by=by)

    return give


def digest(request: ApprovalRequest) -> str:
    """The digest that the request's page shows now."""
    return ApprovalRequest.objects.get(pk=request.pk).evidence_digest


def applied(request: ApprovalRequest, **fields) -> ApprovalRequest:
    """Let the request have been applied: in the mirror, without an MLflow."""
    request = ApprovalRequest.objects.get(pk=request.pk)
    values = {"state": RequestState.APPLIED, "closed_at": timezone.now()} | fields
    for name, value in values.items():
        setattr(request, name, value)
    evidence.take(request)
    request.save()
    evidence.keep(request)
    ModelVersion.objects.filter(model=request.version.model, stage=request.to_stage).update(stage="Archived")
    ModelVersion.objects.filter(pk=request.version_id).update(stage=request.to_stage)
    return request


@pytest.fixture
def former(model, policy, alice, bob) -> ApprovalRequest:
    """The approval of version 1, which was in Production until version 2 took its place."""
    first = make_version(model, 1, artifact_digest=FILES)
    asked = services.open_request(first.pk, "Production", reason="The first.", by=alice)
    services.act(asked.pk, "approve", by=bob, evidence_digest=asked.evidence_digest)
    Job.objects.all().delete()
    asked = applied(asked, closed_at=timezone.now() - timedelta(days=30))
    second = make_version(model, 2, artifact_digest="cd" * 32)
    ModelVersion.objects.filter(pk=first.pk).update(stage="Archived")
    ModelVersion.objects.filter(pk=second.pk).update(stage="Production")
    return asked


@pytest.fixture
def bypassed(ask, confirm, asked) -> ApprovalRequest:
    """A request that bob and admin took past its policy, applied."""
    ask()
    confirm()
    return applied(asked)


@pytest.fixture
def as_(db):
    """A signed-in client of a person."""

    def sign_in(user: User) -> Client:
        client = Client()
        client.force_login(user)
        return client

    return sign_in
