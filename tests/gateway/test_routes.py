"""The table of routes against what the installed MLflow serves: nothing is missing, nothing is made up."""

import re
import warnings

import pytest

from apps.gateway import enforcement, guarding
from apps.gateway.routes import CLOSED, PUBLIC, find, is_door, own_table, table

pytestmark = pytest.mark.once
OURS = "/databricks/", "/transition-requests/", "/comments/", "/registry-webhooks/", "/permissions/", "/activities/"


@pytest.fixture(scope="module")
def served() -> set[tuple[str, str]]:
    """Every method and path of MLflow's server app, with slots as the table writes them."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from mlflow.server import app as flask
        from mlflow.server.fastapi_app import create_fastapi_app

        fast = create_fastapi_app(flask)
    found = {(method, rule.rule) for rule in flask.url_map.iter_rules() for method in rule.methods}
    for router in fast.routes:
        for row in router.effective_route_contexts() if hasattr(router, "effective_route_contexts") else ():
            found |= {(method, row.path) for method in row.methods}
    return {(method, _as_here(path)) for method, path in found if method not in ("HEAD", "OPTIONS")}


def test_every_route_of_mlflow_is_a_row_under_each_of_its_prefixes(served):
    lacking = {(method, path) for method, path in served if find(method, _filled(path)) is None}
    assert lacking == set()


def test_each_row_is_a_route_of_mlflow_by_the_path_that_it_is_asked_with(served):
    rows = {(row.method, row.path) for row in table() if not any(part in row.path for part in OURS)}
    assert rows - served == set()


def test_no_two_rows_decide_about_one_route():
    rows = [(row.method, row.path) for row in table()]
    assert len(rows) == len(set(rows))


def test_every_guard_of_the_table_is_a_function_and_every_function_is_used():
    guarding.load()
    named = {row.guard for row in (*table(), *own_table())}
    assert (
        {
            guard
            for guard in named - enforcement.known()
            if guard not in (CLOSED, PUBLIC) and not guard.startswith("page")
        },
        {guard for guard in enforcement.known() - named if not guard.startswith("page")},
    ) == (set(), set())


@pytest.mark.parametrize("path", ["//api/2.0/x", "/API/2.0/x", "/api/1.2/preview/mlflow/x", "/api/2.0", "/gateway/x"])
def test_other_spellings_of_the_door_are_no_door(path):
    assert not is_door(path)


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/api/2.0/mlflow/runs/get/"),
        ("GET", "/api/2.0//mlflow/runs/get"),
        ("GET", "/api/2.0/mlflow/./runs/get"),
        ("GET", "/api/2.0/mlflow/runs/../runs/get"),
        ("GET", "/api/2.0/MLFLOW/runs/get"),
        ("GET", "/api/2.0/preview/mlflow/runs/get"),
        ("GET", "/api/3.0/mlflow/runs/get"),
        ("GET", "/ajax-api/ajax-api/2.0/mlflow/runs/get"),
        ("get", "/api/2.0/mlflow/runs/get"),
        ("POST", "/api/2.0/mlflow/runs/get"),
        ("TRACE", "/api/2.0/mlflow/runs/get"),
        ("POST", "/api/2.0/mlflow/upload-artifact"),
    ],
)
def test_what_is_spelled_otherwise_is_in_no_row(method, path):
    assert find(method, path) is None


def _as_here(path: str) -> str:
    return re.sub(r"\{(\w+)\}", r"<\1>", re.sub(r"\{(\w+):path\}", r"<path:\1>", path))


def _filled(path: str) -> str:
    return re.sub(r"<(?:path:)?\w+>", "x", path)
