"""Attempts to read, or to write into, what one may not see, by somebody who has a model and an experiment."""

from typing import Any
from urllib.parse import urlencode

from tests.gateway.attacks.moves import DENIED, NO_ROUTE, NOWHERE, WRONG, Try
from tests.gateway.attacks.world import API, FILES, World, trace_info

V3 = "/api/3.0/mlflow/"
NOTHING = "200 nothing of it"


def get(path: str, expected: str = NOWHERE, /, **query: Any) -> Try:
    return "GET", f"{path}?{urlencode(query, doseq=True)}" if query else path, {}, expected


def post(path: str, expected: str = NOWHERE, /, **body: Any) -> Try:
    return "POST", path, {"json": body}, expected


def registry(world: World) -> dict[str, Try]:
    """Models and versions, by every route that names one."""
    models, versions = f"{API}registered-models/", f"{API}model-versions/"
    return {
        "model": get(f"{models}get", name="fraud"),
        "model, in a body": ("GET", f"{models}get", {"json": {"name": "fraud"}}, NOWHERE),
        "model, twice": get(f"{models}get", WRONG, name=["own", "fraud"]),
        "model with NUL": get(f"{models}get", WRONG, name="fraud\0"),
        "newest versions": get(f"{models}get-latest-versions", name="fraud"),
        "newest versions by POST": post(f"{models}get-latest-versions", name="fraud"),
        "alias": get(f"{models}alias", name="fraud", alias="champion"),
        "version": get(f"{versions}get", name="fraud", version="1"),
        "where it lies": get(f"{versions}get-download-uri", name="fraud", version="1"),
        "a file of it": get("/model-versions/get-artifact", name="fraud", version="1", path="MLmodel"),
        "up from a file": get("/model-versions/get-artifact", WRONG, name="own", version="1", path="../../x"),
        "models": get(f"{models}search", NOTHING),
        "models by name": get(f"{models}search", NOTHING, filter="name LIKE '%'"),
        "versions": get(f"{versions}search", NOTHING),
        "versions by run": get(f"{versions}search", NOTHING, filter=f"run_id = '{world.run}'"),
        "describe": ("PATCH", f"{models}update", {"json": {"name": "fraud", "description": "x"}}, NOWHERE),
        "stage": post(f"{versions}transition-stage", name="fraud", version="1", stage="None"),
        "from its version": post(f"{versions}create", name="own", source="models:/fraud/1"),
        "from its logged model": post(
            f"{versions}create", name="own", source=f"models:/{world.logged}", model_id=world.logged
        ),
        "from its run": post(f"{versions}create", name="own", source=f"runs:/{world.run}/model", run_id=world.run),
        "from its folder": post(
            f"{versions}create", name="own", source=f"mlflow-artifacts:/{world.folder()}/model", run_id=world.run
        ),
        "said to be its logged model": post(
            f"{versions}create", name="own", source=f"runs:/{world.own_run}/model", run_id=world.own_run,
            model_id=world.logged,
        ),
    }  # fmt: skip


def experiments(world: World) -> dict[str, Try]:
    """Experiments, and rows of several at once: an empty list must not mean all of them."""
    place, runs = f"{API}experiments/", f"{API}runs/search"
    both = [world.hidden, world.own]
    logged = f"{API}logged-models/search"
    another = {"key": "assent.owner", "value": "alice"}
    return {
        "experiment": get(f"{place}get", experiment_id=world.hidden),
        "experiment with a nought": get(f"{place}get", experiment_id=f"0{world.hidden}"),
        "the default one": get(f"{place}get", experiment_id="0"),
        "by name": get(f"{place}get-by-name", experiment_name="Default"),
        "all": get(f"{place}search", NOTHING, max_results="1000"),
        "all, also deleted": post(f"{place}search", NOTHING, max_results=1000, view_type="ALL"),
        "by another owner": post(
            f"{place}search", NOTHING, max_results=1000, filter="tags.`assent.owner` != 'dora'"
        ),
        "or any": post(f"{place}search", WRONG, max_results=10, filter="name LIKE '%' OR name LIKE '%'"),
        "behind a comment": post(f"{place}search", WRONG, max_results=10, filter="name LIKE '%' -- "),
        "no longer mine": post(f"{place}set-experiment-tag", DENIED, experiment_id=world.own, **another),
        "mine from the start": post(
            f"{place}create", DENIED, name="another's", tags=[another]
        ),
        "elsewhere": post(f"{place}create", WRONG, name="x", artifact_location=f"mlflow-artifacts:/{world.hidden}"),
        "rename": post(f"{place}update", experiment_id=world.hidden, new_name="x"),
        "delete": post(f"{place}delete", experiment_id=world.hidden),
        "restore": post(f"{place}restore", experiment_id=world.hidden),
        "data sets": post(f"{place}search-datasets", NO_ROUTE, experiment_ids=[world.hidden]),
        "runs": post(runs, NOTHING, experiment_ids=[world.hidden]),
        "runs of two": post(runs, NOTHING, experiment_ids=both),
        "runs in camel case": post(runs, NOTHING, experimentIds=both),
        "runs of none": post(runs, NOTHING, experiment_ids=[]),
        "runs of anything": post(runs, NOTHING),
        "runs of null": post(runs, WRONG, experiment_ids=None),
        "deleted runs": post(runs, NOTHING, run_view_type="ALL"),
        "runs by filter": post(runs, NOTHING, filter=f"attributes.run_id = '{world.run}'"),
        "logged models": post(logged, NOTHING, experiment_ids=both),
        "logged models of none": post(logged, NOTHING, experiment_ids=[]),
        "logged models of anything": post(logged, NOTHING, filter="name LIKE '%'"),
        "a run there": post(f"{API}runs/create", experiment_id=world.hidden),
        "a run in the default one": post(f"{API}runs/create"),
        "a logged model there": post(f"{API}logged-models", experiment_id=world.hidden),
        "a logged model of its run": post(f"{API}logged-models", experiment_id=world.own, source_run_id=world.run),
    }  # fmt: skip


def runs(world: World) -> dict[str, Try]:
    """Runs, their metrics and files, and logged models."""
    history, of_logged = f"{API}metrics/get-history", f"{API}logged-models/{world.logged}"
    ajax = history.replace("/api/", "/ajax-api/")
    metric = {"key": "accuracy", "value": 1.0, "timestamp": 2, "model_id": world.logged}
    return {
        "run": get(f"{API}runs/get", run_id=world.run),
        "run by the old name": get(f"{API}runs/get", run_uuid=world.run),
        "run by two names": get(f"{API}runs/get", WRONG, run_id=world.own_run, run_uuid=world.run),
        "metric": get(history, run_id=world.run, metric_key="accuracy"),
        "metrics": get(f"{ajax}-bulk", run_id=[world.own_run, world.run], metric_key="accuracy"),
        "metrics by another name": get(f"{ajax}-bulk", run_ids=[world.run], run_id=world.own_run, metric_key="x"),
        "metrics of steps": get(f"{history}-bulk-interval", run_ids=[world.own_run, world.run], metric_key="accuracy"),
        "files": get(f"{API}artifacts/list", run_id=world.run),
        "files up": get(f"{API}artifacts/list", WRONG, run_id=world.own_run, path="../.."),
        "a file": get("/get-artifact", run_id=world.run, path="model/MLmodel"),
        "a file up": get("/get-artifact", WRONG, run_id=world.own_run, path="../../x"),
        "a file encoded": get("/get-artifact", WRONG, run_id=world.own_run, path="%2e%2e/x"),
        "a file of the store": get(f"{FILES}{world.folder()}/model/MLmodel"),
        "a file as of mine": get(f"{FILES}{world.folder(experiment=world.own)}/model/MLmodel"),
        "a file beside mine": get(f"{FILES}{world.folder(world.own_run)}/x"),
        "a file of the logged model": get(f"{FILES}{world.logged_file}"),
        "the store": get(FILES.rstrip("/"), WRONG),
        "the store, by a slash": get(FILES.rstrip("/"), WRONG, path="/"),
        "its folder": get(FILES.rstrip("/"), path=world.folder()),
        "its experiment": get(FILES.rstrip("/"), path=world.hidden),
        "its folder, from mine": get(FILES.rstrip("/"), WRONG, path=f"{world.own}/../{world.hidden}"),
        "an address to read from": get(f"/api/2.0/mlflow-artifacts/presigned/{world.folder()}/model/MLmodel", NO_ROUTE),
        "logged model": get(of_logged),
        "its files": get(f"{of_logged}/artifacts/directories"),
        "its file": get(f"{of_logged.replace('/api/', '/ajax-api/')}/artifacts/files", artifact_file_path="MLmodel"),
        "its metrics from my run": post(f"{API}runs/log-metric", run_id=world.own_run, **metric),
        "its metrics in my batch": post(f"{API}runs/log-batch", run_id=world.own_run, metrics=[metric]),
        "its metrics in camel case": post(
            f"{API}runs/log-batch", run_id=world.own_run,
            metrics=[{name: value for name, value in metric.items() if name != "model_id"} | {"modelId": world.logged}],
        ),
        "my run made it": post(f"{API}runs/outputs", run_id=world.own_run, models=[{"modelId": world.logged}]),
        "my run read it": post(f"{API}runs/log-inputs", run_id=world.own_run, models=[{"model_id": world.logged}]),
        "end it": post(f"{API}runs/update", run_id=world.run, status="FAILED"),
        "delete it": post(f"{API}runs/delete", run_id=world.run),
        "restore it": post(f"{API}runs/restore", run_id=world.run),
        "overwrite it": ("PUT", f"{FILES}{world.folder()}/x", {"body": "bad"}, NOWHERE),
    }  # fmt: skip


def traces(world: World) -> dict[str, Try]:
    """Traces of both generations."""
    tag = {"key": "a", "value": "b"}
    trace, mine = f"{V3}traces/{world.trace}", {"experiment_id": world.own}
    here = {"type": "MLFLOW_EXPERIMENT", "mlflow_experiment": {"experiment_id": world.hidden}}
    twice = here | {"mlflowExperiment": mine}
    location = {"key": "mlflow.artifactLocation", "value": "file:///etc"}
    return {
        "trace": get(trace),
        "trace whole": get(f"{V3}traces/get", trace_id=world.trace),
        "trace before 3.0": get(f"{API}traces/{world.trace}/info"),
        "several": get(f"{V3}traces/batchGet", trace_ids=[world.trace]),
        "several by POST": post(f"{V3}traces/batchGetInfos", trace_ids=[world.trace]),
        "search": post(f"{V3}traces/search", NOTHING, locations=[here]),
        "search in two spellings": post(f"{V3}traces/search", WRONG, locations=[twice]),
        "search nowhere": post(f"{V3}traces/search", NOTHING, locations=[]),
        "search anywhere": post(f"{V3}traces/search", NOTHING),
        "search before 3.0": get(f"{API}traces", NOTHING, experiment_ids=[world.hidden]),
        "search before 3.0, anywhere": get(f"{API}traces", NOTHING),
        "its file": get("/ajax-api/2.0/mlflow/get-trace-artifact", request_id=world.trace, path="traces.json"),
        "its file in 3.0": get("/ajax-api/3.0/mlflow/get-trace-artifact", request_id=world.trace),
        "its folder": get(FILES.rstrip("/"), path=f"{world.hidden}/traces/{world.trace}/artifacts"),
        "its folder, as mine": get(FILES.rstrip("/"), path=f"{world.own}/traces/{world.trace}/artifacts"),
        "assess it": post(f"{trace}/assessments", assessment={"trace_id": world.trace, "assessment_name": "x"}),
        "tag it": ("PATCH", f"{trace}/tags", {"json": tag}, NOWHERE),
        "tag it before 3.0": ("PATCH", f"{API}traces/{world.trace}/tags", {"json": tag}, NOWHERE),
        "end it": ("PATCH", f"{API}traces/{world.trace}", {"json": {"timestamp_ms": 9, "status": "OK"}}, NOWHERE),
        "delete it": post(f"{V3}traces/delete-traces", experiment_id=world.hidden, request_ids=[world.trace]),
        "delete it from mine": post(
            f"{V3}traces/delete-traces", "200 nothing of it", experiment_id=world.own, request_ids=[world.trace]
        ),
        "move it to mine": post(
            f"{V3}traces", trace={"trace_info": trace_info(world.trace, world.own)}
        ),
        "move it in camel case": post(
            f"{V3}traces", trace={"traceInfo": trace_info(world.trace, world.own)}
        ),
        "one there": post(f"{V3}traces", trace={"trace_info": trace_info(f"tr-{'0' * 32}", world.hidden)}),
        "one there before 3.0": post(f"{API}traces", experiment_id=world.hidden, timestamp_ms=1),
        "one with a place on the disk": post(
            f"{V3}traces", DENIED,
            trace={"trace_info": trace_info(f"tr-{'1' * 32}", world.own, tags={location["key"]: location["value"]})},
        ),
        "one with a place, before 3.0": post(f"{API}traces", DENIED, timestamp_ms=1, tags=[location], **mine),
        "spans to any": ("POST", "/v1/traces", {"body": b"\x0a\x00", "type": "application/x-protobuf",
                         "X-MLflow-Experiment-Id": world.own}, "501 NOT_IMPLEMENTED"),
        "link to a run": post(f"{API}traces/link-to-run", NO_ROUTE, trace_ids=[world.trace], run_id=world.own_run),
        "all at once": get(f"{API}unified-traces", NO_ROUTE),
    }  # fmt: skip
