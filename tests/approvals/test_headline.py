"""The one metric that lists show of a request."""

import pytest

from apps.approvals import findings, headline
from apps.approvals.models import ApprovalPolicy
from tests.builders import make_model, make_version

NAN, INFINITE = "NaN", "Infinity"  # as the mirror keeps them


def beside(before: dict | None, after: dict, main_metric: str = "") -> dict | None:
    model = make_model()
    if before is not None:
        make_version(model, 1, stage="Production", metrics=before)
    version = make_version(model, 2, metrics=after)
    policy = ApprovalPolicy(main_metric=main_metric)
    return headline.of(version, findings.baseline(version, "Production"), policy)


@pytest.mark.parametrize(
    ("before", "after", "main_metric", "expected"),
    [
        ({"auc": 0.9}, {"auc": 0.95}, "auc", ("auc", "0.9", "0.95", "better")),
        ({"log_loss": 0.3}, {"log_loss": 0.4}, "log_loss", ("log_loss", "0.3", "0.4", "worse")),
        ({"auc": 0.9}, {"auc": 0.9}, "auc", ("auc", "0.9", "0.9", "same")),
        ({"b": 1.0, "loss": 2.0}, {"b": 2.0, "loss": 1.0}, "", ("loss", "2.0", "1.0", "better")),
        ({"b": 1.0}, {"b": 2.0}, "b", ("b", "1.0", "2.0", "unknown")),
        ({}, {"auc": 0.9}, "auc", ("auc", None, "0.9", "unknown")),
        (None, {"auc": 0.9}, "auc", ("auc", None, "0.9", "unknown")),
        ({"auc": 0.9}, {"auc": 0.95}, "gone", ("auc", "0.9", "0.95", "better")),
        ({"auc": NAN}, {"auc": 0.9}, "auc", ("auc", "NaN", "0.9", "unknown")),
        ({"auc": 0.9}, {"auc": INFINITE}, "auc", ("auc", "0.9", "Infinity", "unknown")),
    ],
)
def test_a_headline_tells_the_main_metric_before_and_after(db, before, after, main_metric, expected):
    found = beside(before, after, main_metric)
    assert found == dict(zip(("metric", "before", "after", "verdict"), expected, strict=True))


@pytest.mark.parametrize("after", [{}, {"b": 1.0}])
def test_without_a_metric_to_judge_there_is_no_headline(db, after):
    assert beside({"auc": 0.9}, after) is None


def test_a_request_carries_its_headline_from_the_start(asked):
    asked.refresh_from_db()
    assert asked.headline == {"metric": "accuracy", "before": "0.9", "after": "0.9", "verdict": "same"}
