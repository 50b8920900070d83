"""Counts over many models in a real browser: asked for, made by a worker, and there by themselves."""

import pytest
from playwright.sync_api import expect

from apps.compliance.clauses import coverage
from apps.compliance.matrix import keeping, queries
from apps.jobs.models import Job
from apps.jobs.tasks import run_job
from tests.browser.conftest import sign_in
from tests.builders import make_model

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def many(monkeypatch, settings):
    """Any number of models is many."""
    monkeypatch.setattr(queries, "MOST_COUNTED", 0)
    monkeypatch.setattr(coverage, "MOST_COUNTED", 0)
    settings.COMPLIANCE_COUNTS_SECONDS = 60


def work() -> None:
    """Do what a worker would."""
    for number in Job.objects.filter(kind=keeping.KIND, state="queued").values_list("pk", flat=True):
        run_job(number)


@pytest.mark.parametrize("java_script_enabled", [True, False], ids=["with scripts", "without scripts"])
def test_counts_are_asked_for_and_come(many, charlie, open_browser, java_script_enabled):
    make_model("churn")
    page = sign_in(open_browser(java_script_enabled=java_script_enabled).new_page(), "charlie")
    page.goto("/compliance/")
    page.get_by_role("link", name="Count them").click()
    counts = page.locator("#counts")
    expect(counts).to_contain_text("A worker is counting them")
    work()
    if not java_script_enabled:
        counts.get_by_role("link", name="Look again").click()
    expect(counts).to_contain_text("judged")
    expect(counts.get_by_title("Does not apply").first).to_contain_text("1")
    expect(page.locator("#counts")).to_have_count(1)


@pytest.mark.parametrize("java_script_enabled", [True, False], ids=["with scripts", "without scripts"])
def test_the_coverage_of_clauses_is_asked_for_and_comes(many, charlie, open_browser, java_script_enabled):
    make_model("churn")
    page = sign_in(open_browser(java_script_enabled=java_script_enabled).new_page(), "charlie")
    page.goto("/compliance/controls/")
    page.get_by_role("link", name="Judge them").click()
    expect(page.locator("#judging")).to_contain_text("A worker is judging the 1 models")
    work()
    if not java_script_enabled:
        page.get_by_role("link", name="Look again").click()
    expect(page.locator("#judged")).to_contain_text("Models with all met")
    expect(page.locator("#judging")).to_have_count(0)
