"""MLflow's own pages in a real browser, below /mlflow/, with a real MLflow behind them."""

import pytest
from playwright.sync_api import Page, expect

from apps.approvals.models import ApprovalRequest
from apps.registry import services as mirror
from apps.registry import sync
from apps.registry.models import ModelVersion
from tests.browser.conftest import become, listen
from tests.builders import make_policy
from tests.conftest import PASSWORD

pytestmark = [pytest.mark.browser, pytest.mark.mlflow, pytest.mark.django_db(transaction=True)]
NOT_SERVED = "404 /mlflow/ajax-api/2.0/mlflow/users/current"  # by this MLflow either: it keeps no accounts
OLD_STAGES = "localStorage.setItem('_mlflow_user_setting_dismiss_next_model_registry_ui', 'true')"  # as its switch does


@pytest.fixture
def trained(mlflow_registry, alice, bob, erin):
    """Version 1 of a model, mirrored."""
    mlflow_registry.model("churn")
    mlflow_registry.version("churn", metrics={"accuracy": 0.94}, params={"depth": "4"})
    make_policy("Production")
    sync.synchronise(requested_by="test")
    mirror.read_due_details()
    return mlflow_registry


def failures(page: Page) -> list[str]:
    """Return a list that fills with answers that are errors, and with requests that got none while the page stood."""
    seen: list[str] = []

    def path(url: str) -> str:
        return "/" + url.split("/", 3)[3].partition("?")[0]

    page.on("response", lambda answer: answer.status >= 400 and seen.append(f"{answer.status} {path(answer.url)}"))
    page.on(
        "requestfailed",
        lambda request: request.failure == "net::ERR_ABORTED" or seen.append(f"{request.failure} {path(request.url)}"),
    )
    return seen


def test_alice_reads_an_experiment_and_a_run_in_mlflows_pages(trained, open_browser, live_server):
    context = open_browser()
    page = context.new_page()
    heard, failed = listen(page), failures(page)
    run = ModelVersion.objects.get().run_id

    page.goto(f"/#/experiments/0/runs/{run}")  # as MLflow's client prints it; she is not signed in yet
    page.get_by_label("User name").fill("alice")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url(f"**/mlflow/#/experiments/0/runs/{run}")
    expect(page.get_by_role("main").get_by_text("accuracy").first).to_be_visible()
    expect(page.get_by_text(run).first).to_be_visible()

    page.goto("/mlflow/#/experiments/0/runs")
    expect(page.get_by_role("link", name="a run").first).to_be_visible()
    page.goto(f"/mlflow/#/experiments/0/runs/{run}/artifacts/model/MLmodel")
    expect(page.get_by_text("loader_module").first).to_be_visible()

    page.goto(f"/#/experiments/0/runs/{run}")  # and signed in, through the list of models
    page.wait_for_url(f"**/mlflow/#/experiments/0/runs/{run}")
    page.goto("/models/churn/v/1/")
    page.get_by_role("link", name="a run").first.click()
    page.wait_for_url(f"**/mlflow/#/experiments/0/runs/{run}")
    expect(page.get_by_text(run).first).to_be_visible()
    faults = [line for line in heard if not line.startswith("Failed to load resource")]
    assert (faults, set(failed) - {NOT_SERVED}) == ([], set())


def test_bobs_move_in_mlflows_pages_becomes_a_request(trained, bob, open_browser, live_server):
    context = open_browser()
    become(context, bob, live_server.url)
    page = context.new_page()
    page.add_init_script(OLD_STAGES)
    page.goto("/mlflow/#/models/churn/versions/1")
    page.get_by_text("None", exact=True).first.click()
    page.get_by_text("Production").first.click()
    page.get_by_role("button", name="OK").click()
    expect(page.get_by_text("churn v1 moves to Production once it is signed off").first).to_be_visible()
    request = ApprovalRequest.objects.get()
    assert (request.to_stage, request.requester.username) == ("Production", "bob")
    assert trained.stage_of("churn", 1) == "None"
