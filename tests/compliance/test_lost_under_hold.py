"""What MLflow loses of what is on hold, against a real MLflow: found when details are read again."""

from datetime import timedelta

import httpx
import pytest
from django.utils import timezone

from apps.audit.models import AuditEvent
from apps.compliance.controls.facts import load
from apps.compliance.controls.settings import columns, judge
from apps.compliance.holds import services
from apps.compliance.models import HoldBreach
from apps.registry import observers
from apps.registry.details import jobs as details
from apps.registry.details import keeping
from apps.registry.models import ModelVersion, RegisteredModel
from tests.registry.test_details import mirrored, told  # noqa: F401 - a fixture

pytestmark = [pytest.mark.django_db, pytest.mark.mlflow]


@pytest.fixture
def version(mlflow_registry) -> ModelVersion:
    mlflow_registry.version(mlflow_registry.model("churn"))
    return mirrored()


def read_again() -> None:
    ModelVersion.objects.update(details_due_at=timezone.now())
    details.read_due_details()


def breaches() -> list[str]:
    return list(HoldBreach.objects.order_by("id").values_list("what", flat=True))


def test_a_deleted_run_of_a_held_version_breaks_the_hold(version, mlflow_registry, admin):
    hold = services.set_hold("churn", 1, reason="Case 4.", by=admin)
    mlflow_registry.call("POST", "runs/delete", run_id=version.run_id)
    read_again()
    event = AuditEvent.objects.filter(action="hold.broken").get()
    said = [event.data[name] for name in ("what", "run", "before", "after", "version")]
    assert (breaches(), event.target, said) == (
        ["run"], f"hold {hold.pk}", ["run", version.run_id, "active", "deleted", 1],
    )  # fmt: skip
    read_again()
    assert breaches() == ["run"]


def test_a_run_that_comes_back_is_no_breach_and_one_that_goes_again_is(version, mlflow_registry, admin):
    mlflow_registry.call("POST", "runs/delete", run_id=version.run_id)
    read_again()
    services.set_hold("churn", reason="Case 4.", by=admin)
    mlflow_registry.call("POST", "runs/restore", run_id=version.run_id)
    read_again()
    before = breaches()
    mlflow_registry.call("POST", "runs/delete", run_id=version.run_id)
    read_again()
    assert (before, breaches()) == ([], ["run"])


def test_a_run_that_mlflow_knows_no_more_breaks_the_hold(version, admin):
    services.set_hold("churn", reason="Case 4.", by=admin)
    ModelVersion.objects.update(run_id="0" * 32)
    read_again()
    assert breaches() == ["run"]


def test_a_run_that_was_never_read_is_not_lost(version, admin):
    ModelVersion.objects.update(run={}, run_id="0" * 32)
    services.set_hold("churn", reason="Case 4.", by=admin)
    read_again()
    assert breaches() == []


def test_a_deleted_run_of_what_is_not_held_is_told_and_breaks_nothing(version, mlflow_registry, told):  # noqa: F811
    mlflow_registry.call("POST", "runs/delete", run_id=version.run_id)
    read_again()
    lost = [(change.before, change.after) for change in told if change.what == observers.Changed.RUN]
    assert (lost, breaches()) == ([("active", "deleted")], [])


@pytest.mark.parametrize("path", ["model/MLmodel", "model"])
def test_deleted_files_of_a_held_version_break_the_hold(version, mlflow_registry, admin, path):
    services.set_hold("churn", reason="Case 4.", by=admin)
    root = version.source.removesuffix("/model").split(":/", 1)[1].lstrip("/")
    address = f"{mlflow_registry.url}/api/2.0/mlflow-artifacts/artifacts/{root}/{path}"
    assert httpx.delete(address, trust_env=False).status_code == 200
    read_again()
    assert breaches() == ["artifacts"]


def test_the_control_of_holds_says_what_was_lost(version, mlflow_registry, admin):
    hold = services.set_hold("churn", reason="Case 4.", by=admin)
    mlflow_registry.call("POST", "runs/delete", run_id=version.run_id)
    read_again()
    now = timezone.now()
    [facts] = load(RegisteredModel.objects.all(), now, past=False)
    found = {column.control.name: judge(facts, column).finding for column in columns(now)}["legal_hold"]
    assert (found.outcome, found.reason) == ("not_met", f"Hold {hold.pk} was broken in MLflow: Run deleted.")


def test_what_is_put_on_hold_is_read_soon_and_then_every_six_hours(version, admin):
    ModelVersion.objects.update(details_due_at=None, created_at=timezone.now() - timedelta(days=99))
    services.set_hold("churn", reason="Case 4.", by=admin)
    assert details.due("default").count() == 1
    details.read_due_details()
    version.refresh_from_db()
    pause = version.details_due_at - timezone.now()
    assert keeping.WATCH_PAUSE - timedelta(minutes=1) < pause <= keeping.WATCH_PAUSE
