"""From a change in a real MLflow over the real sync to its finding."""

import pytest

from apps.approvals import services as sign_off
from apps.approvals.drift import services
from apps.approvals.models import DriftFinding, ProtectedAlias
from apps.jobs.models import Job
from apps.jobs.tasks import run_job
from apps.registry import services as mirror
from apps.registry import sync
from apps.registry.models import ModelAlias, ModelVersion
from tests.builders import make_policy

pytestmark = pytest.mark.mlflow


@pytest.fixture
def imported(db, mlflow_registry):
    """Version 1 in Production, where the protected alias points, and version 2; all of it imported."""
    mlflow_registry.model("churn")
    for _ in range(2):
        mlflow_registry.version("churn", metrics={"accuracy": 0.9})
    mlflow_registry.stage("churn", 1, "Production")
    mlflow_registry.alias("churn", "champion", 1)
    ProtectedAlias.objects.create(alias="champion", added_by="admin")
    sync.synchronise(requested_by="test")
    mirror.read_due_details()
    return mlflow_registry


def found() -> list[tuple[str, str, str, str]]:
    sync.synchronise(requested_by="test", full=True)
    return list(DriftFinding.objects.order_by("pk").values_list("kind", "state", "expected", "found"))


def test_the_first_import_is_no_drift(imported):
    assert found() == []


def test_a_stage_moved_in_mlflow_is_found_and_resolved(imported):
    imported.stage("churn", 2, "Production", archive=True)
    assert sorted(found()) == [("stage", "open", "None", "Production"), ("stage", "open", "Production", "Archived")]
    imported.stage("churn", 1, "Production")
    imported.stage("churn", 2, "None")
    assert {state for _, state, _, _ in found()} == {"resolved"}


def test_an_alias_moved_in_mlflow_is_found(imported):
    imported.alias("churn", "champion", 2)
    assert found() == [("alias", "open", "1", "2")]


def test_a_request_for_an_alias_is_applied_without_moving_it(imported, alice, bob):
    make_policy("", alias="champion")
    imported.alias("churn", "champion", 2)
    found()
    asked = services.open_request_for(DriftFinding.objects.get().pk, reason="It works.", by=alice)
    sign_off.act(asked.pk, "approve", by=bob, evidence_digest=asked.evidence_digest)
    run_job(Job.objects.get(kind="approvals.apply").pk)
    asked.refresh_from_db()
    assert (asked.state, found()) == ("applied", [("alias", "accepted", "1", "2")])
    assert ModelAlias.objects.get(alias="champion").version.number == 2


def test_a_version_deleted_in_mlflow_is_found_with_its_alias(imported):
    imported.delete_version("churn", 1)
    assert sorted(found()) == [("alias", "open", "1", ""), ("deleted", "open", "Production", "")]


def test_a_model_deleted_in_mlflow_is_found(imported):
    imported.delete_model("churn")
    assert ("deleted", "open", "Production", "") in found()


def test_files_exchanged_in_mlflow_are_found(imported):
    version = ModelVersion.objects.get(number=1)
    folder = version.source.rsplit("/", 1)[0]
    imported.file({"artifact_uri": folder}, "model/requirements.txt", "scikit-learn==0.1\n")
    mirror.refresh_version(version.pk)
    (finding,) = DriftFinding.objects.all()
    assert (finding.kind, finding.version, "requirements.txt" in finding.details["changed"]) == (
        "artifacts", version, True,
    )  # fmt: skip
