import pytest

from apps.approvals import evidence
from apps.registry.figures import metric_text
from tests.builders import make_version


def test_the_same_version_has_the_same_digest_after_the_database_gave_it_back(model):
    kept = make_version(
        model, 9, metrics={"a": 1e22, "b": 1.0, "c": 1e-07, "d": -0.0}, mlmodel={"size": 1e22, "x": 0.5}
    )
    before = evidence.digest(evidence.collect(kept))
    kept.refresh_from_db()
    assert evidence.digest(evidence.collect(kept)) == before


@pytest.mark.parametrize(
    ("field", "value"),
    [("source", "models:/m-8"), ("run_id", "other"), ("params", {"depth": "4"}), ("metrics", {"accuracy": 0.91}),
     ("datasets", []), ("signature", None), ("requirements", ["scikit-learn"]), ("mlmodel", {"model_id": "m-9"}),
     ("run", {"status": "FAILED"})],
)  # fmt: skip
def test_what_makes_the_version_what_it_is_changes_the_digest(version, field, value):
    before = evidence.digest(evidence.collect(version))
    setattr(version, field, value)
    assert evidence.digest(evidence.collect(version)) != before


@pytest.mark.parametrize(
    ("field", "value"), [("description", "New words"), ("tags", {"colour": "red"}), ("stage", "None")]
)
def test_words_and_tags_leave_the_digest_alone(version, field, value):
    before = evidence.digest(evidence.collect(version))
    setattr(version, field, value)
    assert evidence.digest(evidence.collect(version)) == before


@pytest.mark.parametrize(
    ("value", "text"),
    [(0.5, "0.5"), (1, "1.0"), (float("nan"), "NaN"), (float("inf"), "Infinity"), (float("-inf"), "-Infinity"),
     ("NaN", "NaN"), ("-Infinity", "-Infinity"), ("odd", "odd"), (-0.0, "0.0")],
)  # fmt: skip
def test_a_metric_is_text_whatever_it_is(value, text):
    assert metric_text(value) == text


def test_changes_name_the_field_and_both_values():
    old = {"metrics": {"f1": "0.9", "gone": "1.0"}, "run": {"status": "FINISHED"}, "params": {}}
    new = {"metrics": {"f1": "0.8"}, "run": {"status": "FINISHED"}, "params": {"depth": "3"}}
    assert evidence.changes(old, new) == [
        ("metrics.f1", "0.9", "0.8"),
        ("metrics.gone", "1.0", None),
        ("params", {}, None),
        ("params.depth", None, "3"),
    ]
