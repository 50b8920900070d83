"""What was decided stays readable as it was decided."""

import pytest
from django.test import Client

from apps.approvals import findings, request_page, services
from apps.approvals.models import ApprovalRequest
from apps.approvals.timeline import checks_in_words
from apps.audit.actions import Action
from apps.audit.models import AuditEvent
from apps.registry.models import MetricDirection, ModelVersion
from tests.approvals.test_views import browser, detail_url, text_of


def now(asked) -> ApprovalRequest:
    return ApprovalRequest.objects.get(pk=asked.pk)


def outcomes(request) -> dict[str, str]:
    return {check.name: check.outcome for check in findings.checks_of(request)}


def apply_(asked, champion) -> None:
    """What the worker leaves behind: the version in Production, the one before archived."""
    ModelVersion.objects.filter(pk=champion.pk).update(stage="Archived")
    ModelVersion.objects.filter(pk=asked.version_id).update(stage="Production")
    ApprovalRequest.objects.filter(pk=asked.pk).update(state="applied", closed_at=asked.created_at)


def test_a_request_begins_with_its_checks_and_the_version_compared_with(asked):
    assert len(asked.checks) == 11
    assert (asked.baseline["version"], asked.baseline["stage"], asked.baseline["metrics"]) == (
        1,
        "Production",
        {"accuracy": "0.9"},
    )


def test_under_review_the_findings_are_those_of_now(asked, champion):
    ModelVersion.objects.filter(pk=champion.pk).update(metrics={"accuracy": 0.95})
    assert outcomes(now(asked))["metrics"] == "fail"
    assert findings.baseline_of(now(asked))["metrics"] == {"accuracy": "0.95"}
    assert outcomes(now(asked)) != {check["name"]: check["outcome"] for check in asked.checks}


def test_a_decision_keeps_the_findings_of_its_moment(asked, champion, review, bob):
    ModelVersion.objects.filter(pk=champion.pk).update(metrics={"accuracy": 0.95})
    services.reconsider(asked.pk)
    review("approve", bob)
    ModelVersion.objects.filter(pk=champion.pk).update(metrics={"accuracy": 0.1})
    assert outcomes(now(asked))["metrics"] == "fail"
    assert findings.baseline_of(now(asked))["metrics"] == {"accuracy": "0.95"}


@pytest.mark.parametrize(("action", "state"), [("reject", "rejected"), ("withdraw", "withdrawn")])
def test_so_does_one_against_it(asked, champion, review, bob, action, state):
    ModelVersion.objects.filter(pk=champion.pk).update(metrics={"accuracy": 0.95})
    services.reconsider(asked.pk)
    assert review(action, bob, "No.").state == state
    assert findings.baseline_of(now(asked))["metrics"] == {"accuracy": "0.95"}


def test_the_withdrawal_of_an_approved_request_leaves_what_was_approved(asked, champion, review, bob, alice):
    review("approve", bob)
    ModelVersion.objects.filter(pk=champion.pk).update(metrics={"accuracy": 0.95})
    review("withdraw", alice)
    assert findings.baseline_of(now(asked))["metrics"] == {"accuracy": "0.9"}


def test_evidence_that_nobody_saw_is_not_kept_as_decided_on(asked, version, review, alice):
    ModelVersion.objects.filter(pk=version.pk).update(signature=None)
    review("withdraw", alice)
    assert outcomes(now(asked))["signature"] == "pass"


def test_changed_evidence_brings_new_findings(asked, version, bob, review):
    ModelVersion.objects.filter(pk=version.pk).update(signature=None)
    with pytest.raises(Exception, match="evidence changed"):
        review("approve", bob)
    assert {check["name"]: check["outcome"] for check in now(asked).checks}["signature"] == "fail"


def test_the_trail_keeps_what_the_checks_said(asked, review, bob):
    review("approve", bob)
    event = AuditEvent.objects.get(action=Action.REQUEST_APPROVED)
    assert (event.data["checks"]["metrics"], len(event.data["checks"]), event.data["compared_with"]) == ("pass", 11, 1)


def test_the_page_of_an_applied_request_shows_what_was_decided_on(asked, champion, review, bob):
    ModelVersion.objects.filter(pk=champion.pk).update(metrics={"accuracy": 0.95})
    services.reconsider(asked.pk)
    review("approve", bob)
    apply_(asked, champion)
    ModelVersion.objects.filter(pk=asked.version_id).update(metrics={"accuracy": 0.5})
    page = text_of(browser(bob).get(detail_url(asked)))
    assert "Compared with v1 the version that was in Production" in page
    assert "Worse than v1 in Production: accuracy." in page
    assert "9 of 11 passed when this was decided" in page
    assert "9 of 11 checks passed. Not passed: Metrics against Production, Model card." in page
    assert "changed in MLflow since this was decided: metrics.accuracy. Below is what was decided on." in page
    metrics = request_page.compared(now(asked), []).comparison.metrics
    assert [(row.base, row.candidate, row.verdict) for row in metrics] == [(0.95, 0.9, "worse")]


def test_a_direction_that_is_set_later_changes_nothing_that_was_decided(asked, champion, review, bob):
    ModelVersion.objects.filter(pk=champion.pk).update(metrics={"accuracy": 0.95})
    services.reconsider(asked.pk)
    review("approve", bob)
    MetricDirection.objects.create(metric="accuracy", direction="lower", set_by="admin")
    metrics = request_page.compared(now(asked), []).comparison.metrics
    assert (now(asked).baseline["directions"], [row.verdict for row in metrics]) == ({"accuracy": "higher"}, ["worse"])


def test_a_direction_that_is_set_under_review_counts(asked, champion):
    ModelVersion.objects.filter(pk=champion.pk).update(metrics={"accuracy": 0.95})
    MetricDirection.objects.create(metric="accuracy", direction="lower", set_by="admin")
    metrics = request_page.compared(now(asked), []).comparison.metrics
    assert (outcomes(now(asked))["metrics"], [row.verdict for row in metrics]) == ("pass", ["better"])


def test_the_api_shows_what_was_decided_on(asked, champion, review, bob):
    review("approve", bob)
    apply_(asked, champion)
    client = Client()
    client.force_login(bob)
    seen = client.get(f"/api/v1/requests/{asked.pk}/").json()
    assert (seen["baseline"]["version"], seen["baseline"]["metrics"]) == (1, {"accuracy": "0.9"})
    assert {check["name"]: check["outcome"] for check in seen["checks"]}["metrics"] == "pass"


def test_without_another_version_there_is_nothing_to_compare_with(asked, champion, review, bob):
    ModelVersion.objects.filter(pk=champion.pk).update(stage="None")
    services.reconsider(asked.pk)
    review("reject", bob, "No.")
    assert findings.baseline_of(now(asked)) is None
    assert "No other version was in Production" in text_of(browser(bob).get(detail_url(asked)))


def test_stored_figures_come_back_as_numbers_where_they_are_finite(model):
    content = {"version": 4, "metrics": {"a": "0.25", "b": "NaN", "c": "Infinity", "d": "odd"}}
    assert findings.as_version(model, content).metrics == {"a": 0.25, "b": "NaN", "c": "Infinity", "d": "odd"}


@pytest.mark.parametrize(
    ("said", "sentence"),
    [
        ({}, ""),
        ({"metrics": "not_applicable"}, ""),
        ({"metrics": "pass"}, "1 of 1 checks passed."),
        ({"metrics": "pass", "gone": "error"}, "1 of 2 checks passed. Not passed: gone."),
    ],
)
def test_checks_in_words(said, sentence):
    assert checks_in_words(said) == sentence
