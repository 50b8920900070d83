"""The path that Assent exists for, in a real browser, against a real MLflow and a real worker."""

import pytest
from playwright.sync_api import expect

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
def trained(mlflow_registry, alice, bob):
    """A model with version 1 in Production and a better version 2, mirrored by the real sync."""
    mlflow_registry.model("churn", description="Who will leave next month")
    mlflow_registry.version("churn", metrics={"accuracy": 0.90}, params={"depth": "3"})
    mlflow_registry.version("churn", metrics={"accuracy": 0.94}, params={"depth": "4"})
    mlflow_registry.stage("churn", 1, "Production")
    make_policy("Production")
    sync.synchronise(requested_by="test")
    mirror.read_due_details()
    return mlflow_registry


@pytest.mark.parametrize("java_script_enabled", [True, False], ids=["with scripts", "without scripts"])
def test_alice_asks_bob_approves_and_mlflow_moves(trained, mlflow_server, open_browser, tmp_path, java_script_enabled):
    with crew(tmp_path / "data", MLFLOW_BACKEND_URL=mlflow_server) as team:
        team.beat()
        team.worker()

        alice = sign_in(open_browser(java_script_enabled=java_script_enabled).new_page(), "alice")
        alice.get_by_role("link", name="churn", exact=True).click()
        alice.get_by_role("link", name="v2", exact=True).first.click()
        expect(alice.get_by_role("main")).to_contain_text("accuracy")
        alice.get_by_role("link", name="Compare with v1 in Production").first.click()
        expect(alice.get_by_role("main")).to_contain_text("better")
        alice.go_back()
        alice.get_by_role("link", name="Request promotion").first.click()
        alice.get_by_label("Production").check()
        alice.get_by_label("Reason").fill("Four points more accurate on the May data.")
        alice.get_by_role("button", name="Send request").click()
        expect(alice.get_by_role("main")).to_contain_text("Waiting for review")

        bob = sign_in(open_browser(java_script_enabled=java_script_enabled).new_page(), "bob")
        bob.get_by_role("link", name="Reviews").first.click()
        bob.get_by_role("link", name="churn v2").first.click()
        expect(bob.get_by_role("main")).to_contain_text("Four points more accurate on the May data.")
        bob.get_by_label("Comment").fill("Agreed: better, and nothing else changed.")
        bob.get_by_role("button", name="Approve").click()
        team.wait(lambda: trained.stage_of("churn", 2) == "Production", "the move in MLflow")
        team.wait(lambda: AuditEvent.objects.filter(action="request.applied").exists(), "the end of the apply")
        if not java_script_enabled:
            bob.reload()
        expect(bob.get_by_role("main")).to_contain_text("MLflow confirmed")

        bob.get_by_role("link", name="Audit").first.click()
        expect(bob.get_by_role("main")).to_contain_text("Promotion applied")
    assert [trained.stage_of("churn", number) for number in (1, 2)] == ["Archived", "Production"]
    assert list(
        AuditEvent.objects.filter(action__startswith="request.", outcome="done")
        .order_by("id")
        .values_list("action", "actor")
    ) == [
        ("request.opened", "alice"),
        ("request.evidence_changed", "system:approvals"),  # what the approval read anew, for the first time; none falls
        ("request.reviewed", "bob"),
        ("request.approved", "bob"),
        ("request.apply_started", "system:approvals"),
        ("request.applied", "system:approvals"),
    ]
