"""A version is moved in MLflow, a sync finds it, Bob puts it back: in a real browser, with a real worker."""

import pytest
from playwright.sync_api import expect

from apps.approvals.models import DriftFinding
from apps.audit.models import AuditEvent
from apps.registry import services as mirror
from apps.registry import sync
from tests.approvals.worker import crew
from tests.browser.conftest import sign_in
from tests.builders import make_policy

pytestmark = [
    pytest.mark.browser,
    pytest.mark.mlflow,
    pytest.mark.worker,
    pytest.mark.django_db(transaction=True),
]


@pytest.fixture
def moved(mlflow_registry, bob):
    """Version 1 is in Staging, is mirrored, and is then moved to Production behind Assent's back."""
    mlflow_registry.model("churn")
    mlflow_registry.version("churn", metrics={"accuracy": 0.90})
    mlflow_registry.stage("churn", 1, "Staging")
    make_policy("Production")
    sync.synchronise(requested_by="test")
    mirror.read_due_details()
    mlflow_registry.stage("churn", 1, "Production")
    sync.synchronise(requested_by="test")
    return mlflow_registry


@pytest.mark.parametrize("java_script_enabled", [True, False], ids=["with scripts", "without scripts"])
def test_drift_appears_after_a_sync_and_bob_reverts_it(
    moved, mlflow_server, open_browser, tmp_path, java_script_enabled
):
    with crew(tmp_path / "data", MLFLOW_BACKEND_URL=mlflow_server) as team:
        team.beat()
        team.worker()
        bob = sign_in(open_browser(java_script_enabled=java_script_enabled).new_page(), "bob")
        bob.goto("/models/churn/")
        expect(bob.get_by_role("main")).to_contain_text("MLflow has churn v1 in Production; it should be in Staging.")
        bob.get_by_role("link", name="Drift").first.click()
        bob.get_by_role("link", name="churn v1").click()
        bob.get_by_role("heading", name="Revert in MLflow").click()
        expect(bob.get_by_role("main")).to_contain_text("Assent moves churn v1 from Production back to Staging")
        bob.get_by_label("Reason").first.fill("Nobody agreed to this.")
        bob.get_by_role("button", name="Move it back to Staging").click()
        team.wait(lambda: DriftFinding.objects.get().state == "reverted", "the end of the revert")
        if not java_script_enabled:
            bob.reload()
        expect(bob.get_by_role("main")).to_contain_text("MLflow confirmed Staging")
    assert moved.stage_of("churn", 1) == "Staging"
    told = AuditEvent.objects.filter(action__startswith="drift.").order_by("id")
    assert list(told.values_list("action", "actor", "source")) == [
        ("drift.found", "mlflow", "mlflow"),
        ("drift.revert_started", "bob", "page"),
        ("drift.reverted", "system:drift", "worker"),
    ]
    sync.synchronise(requested_by="test")
    assert DriftFinding.objects.count() == 1
