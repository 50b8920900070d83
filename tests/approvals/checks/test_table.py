from dataclasses import replace
from fractions import Fraction

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from apps.approvals import checks
from apps.approvals.checks.compared import metrics_not_worse
from apps.approvals.models import ApprovalPolicy
from tests.builders import COLUMN, make_version

EVERYTHING = {check.name: "pass" for check in checks.CHECKS} | {"card": "fail"}  # nobody wrote one: see test_card.py


def outcomes(version, to_stage="Production") -> dict[str, str]:
    return {result.name: result.outcome.value for result in checks.run(version, to_stage)}


def detail(version, name: str) -> str:
    return next(result.detail for result in checks.run(version, "Production") if result.name == name)


def test_a_version_as_good_as_it_gets_passes_all_but_the_card_that_nobody_wrote(version):
    assert outcomes(version) == EVERYTHING


@pytest.mark.parametrize(
    ("name", "fields"),
    [
        ("details", {"details_error": "MLmodel is not YAML."}),
        ("details", {"details_state": "pending"}),
        ("input_example", {"mlmodel": {}}),
        ("requirements_pinned", {"requirements": None}),
        ("requirements_pinned", {"requirements": ["a==1", "numpy>=2"]}),
        ("requirements_pinned", {"requirements": ["a==1.*"]}),
        ("requirements_pinned", {"requirements": ["a==1", "-r more.txt"]}),
        ("requirements_pinned", {"requirements": ["a==1", "--editable ."]}),
        ("requirements_pinned", {"requirements": ["pandas"]}),
        ("run_finished", {"run": {}}),
        ("run_finished", {"run": {"status": "FAILED"}}),
        ("dataset", {"datasets": []}),
        ("description", {"description": "  "}),
        ("metrics", {"metrics": {"accuracy": 0.8}}),
    ],
)
def test_each_gap_fails_its_own_check(version, name, fields):
    for field, value in fields.items():
        setattr(version, field, value)
    assert outcomes(version) == EVERYTHING | {name: "fail"}


@pytest.mark.parametrize("metrics", [{"accuracy": "NaN"}, {"accuracy": True}, {"accuracy": float("inf")}])
def test_a_metric_that_is_no_finite_number_fails(version, metrics):
    version.metrics = metrics
    assert outcomes(version) == EVERYTHING | {"metrics": "fail", "metrics_present": "fail"}


def test_no_metric_at_all_fails_and_is_missed_beside_production(version):
    version.metrics = {}
    assert outcomes(version) == EVERYTHING | {"metrics": "fail", "metrics_present": "fail"}
    assert detail(version, "metrics") == "Recorded on v1 in Production but not on this version: accuracy."


def test_no_signature_fails_and_cannot_be_compared(version):
    version.signature = None
    assert outcomes(version) == EVERYTHING | {"signature": "fail", "signature_fits": "not_applicable"}


@pytest.mark.parametrize(
    ("inputs", "words"),
    [
        ([COLUMN, {"name": "plan", "type": "string", "required": True}], "input plan is new and required"),
        ([{**COLUMN, "type": "double"}], "input age has another type"),
        ([], "input age is gone"),
    ],
)
def test_a_signature_that_breaks_callers_fails(version, inputs, words):
    version.signature = {**version.signature, "inputs": inputs}
    assert words in detail(version, "signature_fits")


def test_an_optional_input_more_breaks_nobody(version):
    more = {"name": "plan", "type": "string", "required": False}
    version.signature = {**version.signature, "inputs": [COLUMN, more]}
    assert outcomes(version) == EVERYTHING


def test_an_output_that_is_gone_breaks_callers(version):
    version.signature = {**version.signature, "outputs": []}
    assert outcomes(version)["signature_fits"] == "fail"


def test_comments_and_options_are_no_requirements(version):
    version.requirements = ["# made by hand", "", "--extra-index-url https://example.org", "a==1 ; python_version>'3'"]
    assert outcomes(version) == EVERYTHING


@pytest.mark.parametrize("stage", ["Archived", "None"])
def test_nothing_is_compared_on_the_way_out(version, stage):
    left = dict.fromkeys(("metrics", "signature_fits", "card"), "not_applicable")
    assert outcomes(version, stage) == EVERYTHING | left


def test_nothing_is_compared_when_nothing_is_in_production(model):
    alone = make_version(model, 5)
    assert outcomes(alone) == EVERYTHING | {"metrics": "not_applicable", "signature_fits": "not_applicable"}


def test_a_metric_without_a_known_direction_is_not_judged(version, champion):
    champion.metrics = {"rows": 5}
    champion.save()
    assert outcomes(version)["metrics"] == "not_applicable"


def test_a_check_that_breaks_is_an_error_and_leaves_the_others(version):
    version.mlmodel = None
    assert outcomes(version) == EVERYTHING | {"input_example": "error"}


@pytest.mark.parametrize(
    ("field", "odd", "errors"),
    [
        ("run", None, {"run_finished"}),
        ("run", ["FINISHED"], {"run_finished"}),
        ("metrics", None, {"metrics_present", "metrics"}),
        ("metrics", [0.9], {"metrics_present", "metrics"}),
        ("datasets", ["may"], {"dataset"}),
        ("datasets", {"name": "may"}, {"dataset"}),
        ("requirements", [None], {"requirements_pinned"}),
        ("requirements", 7, {"requirements_pinned"}),
        ("description", None, {"description"}),
        ("mlmodel", ["x"], {"input_example"}),
        ("signature", "long", {"signature_fits"}),
        ("signature", {"inputs": [None]}, {"signature_fits"}),
    ],
)
def test_odd_metadata_is_an_error_and_never_a_pass(version, field, odd, errors):
    setattr(version, field, odd)
    said = outcomes(version)
    assert {name for name, outcome in said.items() if outcome == "error"} == errors


# --- metrics beside Production ---

NO_BASE = "Not a finite number on v1 in Production, so it cannot be compared: accuracy."


def compared(version, candidate, base, *, tolerance: float = 0.0, metric: str = "accuracy") -> tuple[str, str]:
    """Return what the check says of one metric, here and in Production; None: not recorded there."""
    about = checks.subject(version, "Production", policy=ApprovalPolicy(tolerance_percent=tolerance))
    about.version.metrics = {} if candidate is None else {metric: candidate}
    about.production.metrics = {} if base is None else {metric: base}
    outcome, sentence = metrics_not_worse(about)
    return outcome.value, sentence


@pytest.mark.parametrize(
    ("candidate", "base", "tolerance", "outcome", "sentence"),
    [
        (0.9, 0.9, 0, "pass", "1 metric is as good as in v1 in Production, or better."),
        (0.95, 1.0, 5, "pass", "Worse than v1 in Production, within the tolerance of 5 %: accuracy (−5 %)."),
        (0.9499, 1.0, 5, "fail", "Worse than v1 in Production by more than 5 %: accuracy."),
        (0.89, 0.9, 0, "fail", "Worse than v1 in Production: accuracy."),
        (-0.01, 0, 50, "fail", "Worse than v1 in Production by more than 50 %: accuracy."),
        (0.0, 0.0, 50, "pass", "1 metric is as good as in v1 in Production, or better."),
        (-1.05, -1.0, 5, "pass", "Worse than v1 in Production, within the tolerance of 5 %: accuracy (−5 %)."),
        (-1.06, -1.0, 5, "fail", "Worse than v1 in Production by more than 5 %: accuracy."),
        (None, 0.9, 5, "fail", "Recorded on v1 in Production but not on this version: accuracy."),
        ("NaN", 0.9, 5, "fail", "Not a finite number: accuracy."),
        (float("nan"), float("nan"), 5, "fail", "Not a finite number: accuracy."),
        (10**400, 0.9, 5, "fail", "Not a finite number: accuracy."),
        (0.9, "NaN", 5, "error", NO_BASE),
        (0.9, "Infinity", 5, "error", NO_BASE),
        (0.9, float("-inf"), 5, "error", NO_BASE),
        (0.9, None, 5, "not_applicable",
         "No metric with a known direction is recorded on both this version and v1 in Production."),
        (-1e308, 1e308, 5, "fail", "Worse than v1 in Production by more than 5 %: accuracy."),
    ],
)  # fmt: skip
def test_a_metric_beside_production(version, candidate, base, tolerance, outcome, sentence):
    assert compared(version, candidate, base, tolerance=tolerance) == (outcome, sentence)


def test_where_lower_is_better_more_is_worse(version):
    assert compared(version, 0.32, 0.3, tolerance=5, metric="log_loss")[0] == "fail"
    assert compared(version, 0.31, 0.3, tolerance=5, metric="log_loss")[0] == "pass"
    assert compared(version, 0.2, 0.3, metric="log_loss")[0] == "pass"


def test_the_worst_metric_decides_and_the_rest_is_named_up_to_five(version):
    about = checks.subject(version, "Production")
    about.production.metrics = {f"accuracy_{n}": 0.9 for n in range(7)}
    about.version.metrics = {f"accuracy_{n}": 0.8 for n in range(7)}
    names = ", ".join(f"accuracy_{n}" for n in range(5))
    assert metrics_not_worse(about) == ("fail", f"Worse than v1 in Production: {names} and 2 more.")


@pytest.mark.parametrize("tolerance", [-1.0, float("nan"), float("inf")])
def test_a_tolerance_that_means_nothing_lets_nothing_worse_pass(version, tolerance):
    policy = ApprovalPolicy(tolerance_percent=tolerance)
    version.metrics = {"accuracy": 0.1}
    said = {row.name: row.outcome.value for row in checks.results(checks.subject(version, "Production", policy=policy))}
    assert said["metrics"] == "error"


FINITE = st.floats(allow_nan=False, allow_infinity=False)


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(base=FINITE, candidate=FINITE, tolerance=st.floats(min_value=0, max_value=1000))
@example(base=1.0, candidate=0.95, tolerance=5.0)
@example(base=0.0, candidate=-5e-324, tolerance=1000.0)
def test_no_metric_passes_that_is_worse_by_more_than_the_tolerance(version, base, candidate, tolerance):
    lost = Fraction(str(base)) - Fraction(str(candidate))
    allowed = abs(Fraction(str(base))) * Fraction(str(tolerance)) / 100
    assert (compared(version, candidate, base, tolerance=tolerance)[0] == "pass") == (lost <= max(allowed, 0))


@settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(value=st.none() | st.booleans() | st.text(max_size=5) | st.sampled_from(["NaN", "Infinity"]) | st.just([1]))
def test_nothing_but_a_number_ever_passes_beside_one(version, value):
    assert compared(version, value, 0.9)[0] == "fail"


def test_equal_inputs_have_equal_digests_and_other_inputs_others(version):
    first, second = (checks.run(version, "Production")[0].inputs for _ in range(2))
    version.metrics = {"accuracy": 0.91}
    changed = checks.run(version, "Production")[0].inputs
    looser = replace(checks.subject(version, "Production"), policy=ApprovalPolicy(tolerance_percent=5))
    assert (first == second, len({first, changed, checks.results(looser)[0].inputs}), len(first)) == (True, 3, 64)
