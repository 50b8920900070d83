from datetime import UTC, datetime

import pytest

from apps.registry.compare import MetricRow, Row, compare, direction
from apps.registry.models import ModelVersion

THEN = datetime(2026, 1, 1, tzinfo=UTC)


def version(**fields) -> ModelVersion:
    return ModelVersion(number=1, created_at=THEN, updated_at=THEN, **fields)


@pytest.mark.parametrize(
    ("metric", "expected"),
    [
        ("accuracy", "higher"), ("val_accuracy", "higher"), ("test/f1-macro", "higher"), ("roc_auc", "higher"),
        ("r2", "higher"), ("R2_score", "higher"), ("training_score", "higher"),
        ("log_loss", "lower"), ("rmse", "lower"), ("mean_squared_error", "lower"), ("latency_ms", "lower"),
        ("model size", "lower"), ("brier_score", "lower"),
        ("epochs", None), ("", None), ("underscored", None),
    ],
)  # fmt: skip
def test_direction_goes_by_the_words_of_the_name(metric, expected):
    assert direction(metric) == expected


@pytest.mark.parametrize(
    ("name", "base", "candidate", "expected"),
    [
        ("accuracy", 0.5, 0.75, (0.25, 50.0, "higher", "better")),
        ("accuracy", 0.5, 0.25, (-0.25, -50.0, "higher", "worse")),
        ("loss", -2.0, -3.0, (-1.0, -50.0, "lower", "better")),
        ("loss", 0, 1.0, (1.0, None, "lower", "worse")),
        ("loss", 1.0, 1.0, (0.0, 0.0, "lower", "same")),
        ("epochs", 1, 2, (1, 100.0, None, "unknown")),
        ("loss", "NaN", 1.0, (None, None, "lower", "unknown")),
        ("loss", None, 1.0, (None, None, "lower", "unknown")),
        ("loss", 1e308, -1e308, (None, None, "lower", "unknown")),
    ],
)
def test_a_metric_is_judged(name, base, candidate, expected):
    old = version(metrics={} if base is None else {name: base})
    assert compare(old, version(metrics={name: candidate})).metrics == [MetricRow(name, base, candidate, *expected)]


def test_params_signature_requirements_and_data_sets_are_paired_by_name():
    base = version(
        params={"C": "1", "old": "x"},
        signature={"inputs": [{"name": "age", "type": "double", "required": True}], "outputs": [], "params": []},
        requirements=["numpy==1", "pandas"],
        datasets=[{"name": "train", "context": "training", "digest": "a"}],
    )
    candidate = version(
        params={"C": "2", "new": "y"},
        signature={"inputs": [{"name": "age", "type": "long", "required": False}], "outputs": [], "params": []},
        requirements=["NumPy==2", "pandas"],
        datasets=[{"name": "train", "context": "training", "digest": "b"}],
    )
    seen = compare(base, candidate)
    assert [(row.name, row.change) for row in seen.params] == [("C", "changed"), ("old", "removed"), ("new", "added")]
    assert seen.inputs == [Row("age", "double", "long, optional")]
    assert seen.requirements == [Row("numpy", "==1", "==2"), Row("pandas", "", "")]
    assert seen.datasets == [Row("train (training)", "a", "b")]
    assert seen.summary == {
        "better": 0, "worse": 0, "same": 0, "unknown": 0, "params": 3, "signature": 1, "requirements": 1, "datasets": 1,
    }  # fmt: skip


def test_versions_without_details_compare_as_empty():
    assert compare(version(), version(signature=None, requirements=None)).signature == []
