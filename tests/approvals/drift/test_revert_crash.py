"""A real worker is killed at each place of a revert; another one ends the work, once."""

import time

import pytest

from apps.approvals.drift import services
from apps.approvals.models import DriftFinding
from apps.audit import chain
from apps.audit.actions import Action
from apps.audit.models import AuditEvent
from apps.jobs.models import Job
from apps.registry.models import ModelVersion
from tests.approvals.drift.conftest import move
from tests.approvals.holding_proxy import holding_proxy
from tests.approvals.test_apply_crash import broker, nobody_commits
from tests.approvals.worker import crew
from tests.builders import make_model, make_version

__all__ = ["broker"]  # a fixture
pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.mlflow, pytest.mark.worker]


@pytest.fixture
def reverting(mlflow_registry, bob) -> DriftFinding:
    """Version 1 belongs in Staging; MLflow has it in Production, and Bob reverts that."""
    mlflow_registry.model("churn")
    mlflow_registry.version("churn")
    mlflow_registry.stage("churn", 1, "Production")
    move(make_version(make_model(), 1, stage="Staging"), "Production")
    return services.revert(DriftFinding.objects.get().pk, reason="Not agreed.", by=bob)


@pytest.mark.parametrize("place", ["write", "written", "read back"])
def test_a_worker_killed_while_reverting_is_followed_by_one_that_ends_the_work(
    reverting, mlflow_registry, mlflow_server, broker, place, tmp_path
):
    with (
        holding_proxy(mlflow_server, place, touched=1) as proxy,
        crew(tmp_path / "data", MLFLOW_BACKEND_URL=proxy.url, **broker) as team,
    ):
        team.beat()
        first = team.worker()
        team.wait(proxy.holding.is_set, f"the call to hold ({place})")
        assert state() == "reverting"
        if place == "read back":
            with nobody_commits():
                proxy.release.set()  # the answer arrives; the commit cannot
                time.sleep(1)
                team.kill(first)
        else:
            team.kill(first)
        assert (state(), proxy.writes) == ("reverting", 0 if place == "write" else 1)
        proxy.release.set()
        team.worker()
        team.wait(lambda: state() == "reverted", "the end of the revert")
        team.wait(
            lambda: not Job.objects.filter(kind="approvals.revert").exclude(state="done").exists(), "the job's end"
        )
        assert proxy.writes == 1
    assert mlflow_registry.stage_of("churn", 1) == "Staging"
    assert list(ModelVersion.objects.values_list("stage", "pending_stage")) == [("Staging", "")]
    actions = AuditEvent.objects.filter(target=f"drift {reverting.pk}").order_by("id").values_list("action", flat=True)
    assert list(actions) == [Action.DRIFT_FOUND, Action.DRIFT_REVERT_STARTED, Action.DRIFT_REVERTED]
    assert chain.first_misfit(AuditEvent.objects.order_by("id")) is None


def state() -> str:
    return DriftFinding.objects.get().state
