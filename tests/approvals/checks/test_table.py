import pytest

from apps.approvals import checks
from tests.builders import COLUMN, make_version

EVERYTHING = {check.name: "pass" for check in checks.CHECKS} | {"card": "not_applicable"}


def outcomes(version, to_stage="Production") -> dict[str, str]:
    return {result.name: result.outcome.value for result in checks.run(version, to_stage)}


def detail(version, name: str) -> str:
    return next(result.detail for result in checks.run(version, "Production") if result.name == name)


def test_a_version_as_good_as_it_gets_passes_everything(version):
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
    assert outcomes(version, stage) == EVERYTHING | {"metrics": "not_applicable", "signature_fits": "not_applicable"}


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
