"""A version that a decision put into Staging, and ways to let MLflow change something by itself."""

from collections.abc import Callable
from typing import Any

import pytest
from django.db import transaction

from apps.approvals.models import ApprovalRequest, DriftFinding, ProtectedAlias
from apps.registry import observers
from apps.registry.models import ModelAlias, ModelVersion, RegisteredModel, Stage
from apps.registry.observers import Change, Changed
from tests.builders import THEN, make_model, make_policy, make_version


@pytest.fixture
def model(db) -> RegisteredModel:
    return make_model()


@pytest.fixture
def version(model) -> ModelVersion:
    return make_version(model, 2, stage=Stage.STAGING)


@pytest.fixture
def policy(db):
    return make_policy()


@pytest.fixture
def decision(version, alice) -> ApprovalRequest:
    """The applied request that put the version into Staging."""
    return ApprovalRequest.objects.create(
        submitted_at=THEN,
        version=version, from_stage="None", to_stage="Staging", archive_existing=False, requester=alice, reason="Good.",
        policy=make_policy("Staging"), evidence={}, evidence_digest="0" * 64, state="applied", closed_at=THEN,
        stage_before="None",
    )  # fmt: skip


@pytest.fixture
def champion(version) -> ProtectedAlias:
    """The protected alias, which points at the version."""
    ModelAlias.objects.create(model=version.model, alias="champion", version=version)
    return ProtectedAlias.objects.create(alias="champion", added_by="admin")


def tell(what: Changed, version: ModelVersion, before: Any, after: Any, **more: Any) -> None:
    """Tell the observers of a change, as the writers of the mirror do."""
    pointed = more.pop("pointed", version)
    with transaction.atomic():
        observers.tell([Change(what, version.model, pointed, before, after, **more)])


def move(version: ModelVersion, to_stage: str) -> None:
    """Let a sync mirror that MLflow moved the version."""
    before = version.stage
    with transaction.atomic():
        version.stage = to_stage
        version.save(update_fields=["stage"])
        observers.tell([Change(Changed.STAGE, version.model, version, before, to_stage)])


def point(version: ModelVersion, alias: str, number: int | None) -> None:
    """Let a sync mirror that MLflow pointed an alias elsewhere."""
    held = ModelAlias.objects.filter(model=version.model, alias=alias)
    before = held.values_list("version__number", flat=True).first()
    target = ModelVersion.objects.filter(model=version.model, number=number).first()
    with transaction.atomic():
        held.delete()
        if target:
            ModelAlias.objects.create(model=version.model, alias=alias, version=target)
        observers.tell([Change(Changed.ALIAS, version.model, target, before, number, alias)])


@pytest.fixture
def drifted(version, policy) -> DriftFinding:
    """MLflow moved the version from Staging to Production."""
    move(version, "Production")
    return DriftFinding.objects.get()


@pytest.fixture
def read() -> Callable[[], tuple[str, str, str]]:
    """The only finding as it is: state, expected, found."""

    def now() -> tuple[str, str, str]:
        row = DriftFinding.objects.get()
        return row.state, row.expected, row.found

    return now
