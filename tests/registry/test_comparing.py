"""What differs between versions, and what it means: pure, without a database."""

from datetime import UTC, datetime

import pytest

from apps.registry.comparing import Comparison, Directions, MetricCell, Row, compare
from apps.registry.comparing.directions import by_words
from apps.registry.models import ModelVersion

THEN = datetime(2026, 1, 1, tzinfo=UTC)
WORDS = Directions()


def version(**fields) -> ModelVersion:
    return ModelVersion(number=1, created_at=THEN, updated_at=THEN, **fields)


def signed(*inputs: dict, outputs: tuple = (), params: tuple = ()) -> ModelVersion:
    return version(signature={"inputs": list(inputs), "outputs": list(outputs), "params": list(params)})


def column(name: str, kind: str = "long", *, required: bool = True) -> dict:
    return {"name": name, "type": kind, "required": required}


def seen(base: ModelVersion, *others: ModelVersion) -> Comparison:
    return compare(base, *others, directions=WORDS)


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
    assert by_words(metric) == expected


def test_what_was_said_of_a_metric_counts_more_than_its_words():
    said = Directions({"accuracy": "lower", "loss": None, "epochs": "higher"})
    assert [said.of(name) for name in ("accuracy", "loss", "epochs", "auc")] == ["lower", None, "higher", "higher"]


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
        ("loss", 10**400, 1.0, (None, None, "lower", "unknown")),
        ("loss", True, 1.0, (None, None, "lower", "unknown")),
    ],
)
def test_a_metric_is_judged(name, base, candidate, expected):
    old = version(metrics={} if base is None else {name: base})
    cells = seen(old, version(metrics={name: candidate})).metrics[0].cells
    assert cells == (MetricCell(base, candidate, *expected),)


def test_every_version_is_judged_beside_the_base():
    sides = [version(metrics={"auc": value}) for value in (0.5, 0.75, 0.25)]
    row = seen(*sides, version()).metrics[0]
    assert (row.values, [cell.verdict for cell in row.cells]) == (
        (0.5, 0.75, 0.25, None),
        ["better", "worse", "unknown"],
    )


@pytest.mark.parametrize(
    ("values", "change"),
    [
        (("1", "1", "1"), "same"), (("1", "2", "1"), "changed"), ((None, "2", None), "added"),
        (("1", None, None), "removed"), (("1", None, "1"), "changed"), (("1", None, "2"), "changed"),
    ],
)  # fmt: skip
def test_a_row_of_three_says_how_they_differ_as_a_whole(values, change):
    assert Row("C", values).change == change


def test_parameters_are_paired_by_name():
    rows = seen(version(params={"C": "1", "old": "x"}), version(params={"C": "2", "new": "y"})).params
    assert [(row.name, row.change) for row in rows] == [("C", "changed"), ("old", "removed"), ("new", "added")]


@pytest.mark.parametrize(
    ("base", "candidate", "effect"),
    [
        ([], [column("plan")], "breaking"),
        ([], [column("plan", required=False)], "compatible"),
        ([column("plan")], [], "breaking"),
        ([column("plan")], [column("plan", "double")], "breaking"),
        ([column("plan", required=False)], [column("plan")], "breaking"),
        ([column("plan")], [column("plan", required=False)], "compatible"),
        ([column("plan")], [column("plan")], ""),
    ],
)
def test_an_input_says_what_its_change_means_to_callers(base, candidate, effect):
    row = seen(signed(column("age"), *base), signed(column("age"), *candidate)).inputs[-1]
    assert row.effects == (effect,) if row.name == "plan" else effect == ""


@pytest.mark.parametrize(
    ("base", "candidate", "effect"),
    [((), (column("p"),), "compatible"), ((column("p"),), (), "breaking"),
     ((column("p"),), (column("p", "double"),), "breaking")],
)  # fmt: skip
def test_an_output_that_goes_or_changes_breaks_callers(base, candidate, effect):
    assert seen(signed(outputs=base), signed(outputs=candidate)).outputs[0].effects == (effect,)


@pytest.mark.parametrize(
    ("candidate", "effect"),
    [({"name": "t", "type": "double", "default": 1}, "compatible"), ({"name": "t", "type": "long", "default": 0.5},
     "breaking"), (None, "breaking")],
)  # fmt: skip
def test_a_parameter_of_the_signature_may_change_its_default(candidate, effect):
    base = signed(params=({"name": "t", "type": "double", "default": 0.5},))
    later = signed(params=(candidate,) if candidate else ())
    assert seen(base, later).signature_params[0].effects == (effect,)


def test_a_version_without_a_signature_breaks_nothing_that_could_be_named():
    assert seen(signed(column("age")), version(signature=None)).inputs == [Row("age", ("long", None), ("",))]


def test_columns_in_another_order_are_noted():
    base, later = signed(column("a"), column("b")), signed(column("b"), column("new"), column("a"))
    assert (seen(base, later).reordered(0), seen(base, base).reordered(0)) == (["inputs"], [])


@pytest.mark.parametrize(
    ("base", "candidate", "effect"),
    [
        ("==1.7.0", "==1.8.0", "up"), ("==1.7.0", "==2.0", "major up"), ("==2.0", "==1.9", "major down"),
        ("==1.7.1", "==1.7.0", "down"), ("===1.7", "==1.8", "up"), (">=1", "==2", ""), ("==1.*", "==2", ""),
        ("==1.7.0; python_version > '3'", "==1.8.0", "up"), ("[all]==1.0", "[all]==1.1", "up"), ("", "==1", ""),
    ],
)  # fmt: skip
def test_a_package_moves_up_or_down(base, candidate, effect):
    rows = seen(version(requirements=[f"numpy{base}"]), version(requirements=[f"NumPy{candidate}"])).requirements
    assert [(row.name, row.effects) for row in rows] == [("numpy", (effect,))]


def test_extras_and_lines_per_platform_are_differences_too():
    base = version(requirements=["a[x]==1", "b==1; sys_platform == 'linux'", "b==2; sys_platform != 'linux'"])
    rows = seen(base, version(requirements=["a==1", "b==1", "--no-index"])).requirements
    assert [(row.name, row.change) for row in rows] == [("a", "changed"), ("b", "changed"), ("--no-index", "added")]


def test_python_and_mlflow_are_compared_where_the_model_says_so():
    base = version(mlmodel={"mlflow_version": "2.22.0", "flavors": {"python_function": {"python_version": "3.11.4"}}})
    later = version(
        mlmodel={"mlflow_version": "3.17.2", "flavors": []}, environment={"python_env": {"python": "3.12.1"}}
    )
    assert seen(base, later).runtime == [
        Row("Python", ("3.11.4", "3.12.1"), ("up",)),
        Row("MLflow", ("2.22.0", "3.17.2"), ("major up",)),
    ]


def test_data_sets_are_paired_by_name_and_use():
    base = version(datasets=[{"name": "may", "context": "training", "digest": "a"}, {"name": "june", "digest": "x"}])
    later = version(datasets=[{"name": "may", "context": "training", "digest": "b"}])
    assert seen(base, later).datasets == [Row("may (training)", ("a", "b")), Row("june", ("x", None))]


TRAIN = {"name": "t", "context": "training", "digest": "t1"}
TEST = {"name": "e", "context": "evaluation", "digest": "e1"}


@pytest.mark.parametrize(
    ("base", "candidate", "same"),
    [
        ([TRAIN, TEST], [{**TRAIN, "digest": "t2"}, TEST], True),
        ([TRAIN, TEST], [TRAIN, {**TEST, "digest": "e2"}], False),
        ([TRAIN], [{**TRAIN, "digest": "t2"}], False),
        ([TRAIN], [TRAIN], True),
        ([TRAIN], [], None),
        ([{**TRAIN, "digest": ""}], [TRAIN], None),
    ],
)
def test_versions_measured_on_other_data_are_told_apart(base, candidate, same):
    assert seen(version(datasets=base), version(datasets=candidate)).same_data(0) is same


def test_files_are_compared_by_size_and_folders_left_out():
    base = version(files=[{"path": "data", "size": None}, {"path": "model.pkl", "size": 10}])
    later = version(files=[{"path": "model.pkl", "size": 12}, {"path": "MLmodel", "size": 1}])
    assert seen(base, later).files == [Row("model.pkl", (10, 12)), Row("MLmodel", (None, 1))]


def test_pictures_are_paired_by_title():
    base = version(pictures=[{"path": "cm.png", "title": "Confusion matrix"}])
    later = version(pictures=[{"path": "roc.png", "title": ""}, {"path": "a/cm.png", "title": "Confusion matrix"}])
    assert seen(base, later).pictures == [Row("Confusion matrix", (0, 1)), Row("roc.png", (None, 0))]


def test_the_summary_counts_what_differs_from_the_base():
    base = version(params={"C": "1"}, metrics={"auc": 0.5, "loss": 1}, tags={"a": "1"})
    later = version(params={"C": "2"}, metrics={"auc": 0.6, "loss": 2}, tags={"a": "2"})
    assert seen(base, base, later).summaries[1] == {
        "better": 1, "worse": 1, "same": 0, "unknown": 0, "breaking": 0, "params": 1, "signature": 0,
        "requirements": 0, "datasets": 0, "runtime": 0, "files": 0, "tags": 1,
    }  # fmt: skip


def test_versions_without_details_compare_as_empty():
    assert seen(version(), version(signature=None, requirements=None, files=None)).signature == []
