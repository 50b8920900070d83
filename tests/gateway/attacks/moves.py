"""Attempts to change what is governed, by people who may write everything: each with what the door says to it."""

import json
from typing import Any

from tests.gateway.attacks.world import API, FILES, World

DENIED, WRONG, NOWHERE, NO_ROUTE = (
    "403 PERMISSION_DENIED", "400 INVALID_PARAMETER_VALUE", "404 RESOURCE_DOES_NOT_EXIST", "404 ENDPOINT_NOT_FOUND",
)  # fmt: skip
Try = tuple[str, str, dict[str, Any], str]  # method, path, what is sent, what is answered
STAGE = f"{API}model-versions/transition-stage"
MOVE = {"name": "fraud", "version": "4", "stage": "Production"}
FORM = "application/x-www-form-urlencoded"


def spellings(world: World) -> dict[str, Try]:
    """One move, said in every way that some server might understand."""
    text = json.dumps(MOVE)
    return {
        "as documented": ("POST", STAGE, {"json": MOVE}, DENIED),
        "as MLflow's pages do": ("POST", STAGE.replace("/api/", "/ajax-api/"), {"json": MOVE}, DENIED),
        "camel case": ("POST", STAGE, {"json": MOVE | {"archiveExistingVersions": True}}, DENIED),
        "both spellings": (
            "POST", STAGE,
            {"json": MOVE | {"archiveExistingVersions": True, "archive_existing_versions": False}}, WRONG,
        ),
        "keys twice, the last counts": ("POST", STAGE, {"body": text[:-1] + ', "stage": "Archived"}'}, WRONG),
        "JSON in a JSON text": ("POST", STAGE, {"json": text}, WRONG),
        "a list around it": ("POST", STAGE, {"json": [MOVE]}, WRONG),
        "as a form": ("POST", STAGE, {"body": "name=fraud&version=4&stage=Production", "type": FORM}, WRONG),
        "JSON said to be a form": ("POST", STAGE, {"body": text, "type": FORM}, WRONG),
        "JSON said to be text": ("POST", STAGE, {"body": text, "type": "text/plain"}, WRONG),
        "JSON said to be nothing": ("POST", STAGE, {"body": text, "type": ""}, WRONG),
        "in UTF-16": ("POST", STAGE, {"body": text.encode("utf-16")}, WRONG),
        "in the query": ("POST", f"{STAGE}?name=fraud&version=4&stage=Production", {}, WRONG),
        "half in the query": ("POST", f"{STAGE}?stage=Production", {"json": MOVE}, WRONG),
        "on GET": ("GET", STAGE, {"json": MOVE}, NO_ROUTE),
        "on PUT": ("PUT", STAGE, {"json": MOVE}, NO_ROUTE),
        "GET that is really POST": ("GET", STAGE, {"json": MOVE, "X-HTTP-Method-Override": "POST"}, NO_ROUTE),
        "GET with _method": ("GET", f"{STAGE}?_method=POST", {"json": MOVE}, NO_ROUTE),
        "POST that is really GET": ("POST", STAGE, {"json": MOVE, "X-Method-Override": "GET"}, DENIED),
        "encoded slash": ("POST", STAGE.replace("/transition", "%2Ftransition"), {"json": MOVE}, DENIED),
        "encoded sign": ("POST", STAGE.replace("stage", "st%61ge"), {"json": MOVE}, DENIED),
        "encoded twice": ("POST", STAGE.replace("stage", "st%2561ge"), {"json": MOVE}, NO_ROUTE),
        "two slashes": ("POST", STAGE.replace("/mlflow", "//mlflow"), {"json": MOVE}, NO_ROUTE),
        "two slashes at the start": ("POST", "/" + STAGE, {"json": MOVE}, DENIED),  # Python's server takes one away
        "a slash at the end": ("POST", STAGE + "/", {"json": MOVE}, NO_ROUTE),
        "up and down": ("POST", STAGE.replace("/mlflow/", "/mlflow/x/../"), {"json": MOVE}, NO_ROUTE),
        "a dot": ("POST", STAGE.replace("/mlflow/", "/mlflow/./"), {"json": MOVE}, NO_ROUTE),
        "a parameter of the path": ("POST", STAGE + ";x=1", {"json": MOVE}, NO_ROUTE),
        "upper case": ("POST", STAGE.upper(), {"json": MOVE}, "404"),
        "upper case below": ("POST", STAGE.replace("mlflow", "MLflow"), {"json": MOVE}, NO_ROUTE),
        "preview": ("POST", STAGE.replace("/mlflow", "/preview/mlflow"), {"json": MOVE}, NO_ROUTE),
        "version 3.0": ("POST", STAGE.replace("2.0", "3.0"), {"json": MOVE}, NO_ROUTE),
        "version 1.2": ("POST", STAGE.replace("2.0", "1.2"), {"json": MOVE}, "404"),
        "graphql": ("POST", "/graphql", {"json": {"query": "mutation { x }"}}, "404"),
        "another case of the stage": ("POST", STAGE, {"json": MOVE | {"stage": "pRODUCTION"}}, DENIED),
        "MLflow's own stage": ("POST", STAGE, {"json": MOVE | {"stage": "Deleted_Internal"}}, WRONG),
        "a stage with a space": ("POST", STAGE, {"json": MOVE | {"stage": "Production "}}, WRONG),
        "a version as a number": ("POST", STAGE, {"json": MOVE | {"version": 4}}, DENIED),
        "a version with a nought": ("POST", STAGE, {"json": MOVE | {"version": "04"}}, DENIED),
        "out of Production": ("POST", STAGE, {"json": MOVE | {"version": "1", "stage": "None"}}, DENIED),
        "into the archive": ("POST", STAGE, {"json": MOVE | {"version": "1", "stage": "Archived"}}, DENIED),
        "another workspace": ("POST", STAGE, {"json": MOVE, "X-MLFLOW-WORKSPACE": "other"}, DENIED),
        "another host": ("POST", STAGE, {"json": MOVE, "X-Forwarded-Host": "x", "X-Original-URL": "/version"}, DENIED),
        "two lengths": ("POST", STAGE, {"json": MOVE, "Transfer-Encoding": "chunked", "length": None}, WRONG),
    }  # fmt: skip


def names(world: World) -> dict[str, Try]:
    """Aliases, tags, names and what is deleted."""
    alias, tag = f"{API}registered-models/alias", f"{API}registered-models/set-tag"
    of_version = f"{API}model-versions/set-tag"
    point = {"name": "fraud", "alias": "champion", "version": "4"}
    prompt = {"key": "mlflow.prompt.is_prompt", "value": "true"}
    return {
        "alias": ("POST", alias, {"json": point}, DENIED),
        "alias in another case": ("POST", alias, {"json": point | {"alias": "Champion"}}, DENIED),
        "no alias": ("DELETE", alias, {"json": {"name": "fraud", "alias": "champion"}}, DENIED),
        "no alias, in the query": ("DELETE", f"{alias}?name=fraud&alias=champion", {}, DENIED),
        "no alias, by POST": ("POST", f"{alias}?_method=DELETE", {"json": point}, WRONG),
        "a model becomes a prompt": ("POST", tag, {"json": {"name": "fraud"} | prompt}, DENIED),
        "a version becomes a prompt": ("POST", of_version, {"json": {**MOVE, **prompt}}, DENIED),
        "a version begins as a prompt": (
            "POST", f"{API}model-versions/create",
            {"json": {"name": "fraud", "source": "dummy-source", "tags": [prompt]}}, DENIED,
        ),
        "a prompt of another spelling": (
            "POST", f"{API}registered-models/create",
            {"json": {"name": "hides", "tags": [prompt | {"value": "True"}]}}, DENIED,
        ),
        "another risk": ("POST", tag, {"json": {"name": "fraud", "key": "risk", "value": "low"}}, DENIED),
        "no risk": ("DELETE", f"{API}registered-models/delete-tag", {"json": {"name": "fraud", "key": "risk"}}, DENIED),
        "a tag of Assent": ("POST", tag, {"json": {"name": "fraud", "key": "assent.owner", "value": "me"}}, DENIED),
        "another name": (
            "POST", f"{API}registered-models/rename", {"json": {"name": "fraud", "new_name": "old"}}, DENIED,
        ),
        "a governed name": (
            "POST", f"{API}registered-models/rename", {"json": {"name": "own", "new_name": "fraud"}},
            "400 RESOURCE_ALREADY_EXISTS",
        ),
        "a governed name anew": (
            "POST", f"{API}registered-models/create", {"json": {"name": "fraud"}}, "400 RESOURCE_ALREADY_EXISTS",
        ),
        "delete the model": ("DELETE", f"{API}registered-models/delete", {"json": {"name": "fraud"}}, DENIED),
        **{
            f"delete version {number}": (
                "DELETE", f"{API}model-versions/delete", {"json": {"name": "fraud", "version": number}}, DENIED,
            )
            for number in ("1", "2", "3", "03")
        },
        "webhooks": ("POST", f"{API}webhooks", {"json": {"name": "x", "url": "https://x"}}, NO_ROUTE),
        "list webhooks": ("GET", f"{API}webhooks", {}, NO_ROUTE),
        "test a webhook": ("POST", f"{API}webhooks/x/test", {"json": {}}, NO_ROUTE),
    }  # fmt: skip


def evidence(world: World) -> dict[str, Try]:
    """Files, runs and logged models behind versions that are bound."""
    file, run, logged = f"{FILES}{world.folder()}/model/MLmodel", {"run_id": world.run}, {"model_id": world.logged}
    of_logged, mpu = f"{API}logged-models/{world.logged}", FILES.replace("/artifacts/", "/mpu/")
    maker = {"key": "mlflow.user", "value": "x"}
    return {
        "overwrite": ("PUT", file, {"body": "bad"}, DENIED),
        "overwrite as pages do": ("PUT", file.replace("/api/", "/ajax-api/"), {"body": "bad"}, DENIED),
        "overwrite what is asked for": ("PUT", f"{FILES}{world.folder(world.asked)}/x", {"body": "bad"}, DENIED),
        "overwrite a logged model": ("PUT", f"{FILES}{world.logged_file}", {"body": "bad"}, DENIED),
        "add a file": ("PUT", f"{FILES}{world.folder()}/model/python_model.pkl", {"body": "bad"}, DENIED),
        "delete a file": ("DELETE", file, {}, DENIED),
        "delete all files": ("DELETE", f"{FILES}{world.folder()}", {}, DENIED),
        "upload": (
            "POST", f"/ajax-api/2.0/mlflow/upload-artifact?run_uuid={world.run}&path=model/MLmodel",
            {"body": "bad"}, DENIED,
        ),
        "upload by the other prefix": (
            "POST", f"{API}upload-artifact?run_uuid={world.run}&path=model/MLmodel", {"body": "bad"}, NO_ROUTE,
        ),
        "upload with two runs": (
            "POST", f"/ajax-api/2.0/mlflow/upload-artifact?run_id={world.own_run}&run_uuid={world.run}&path=x",
            {"body": "bad"}, WRONG,
        ),
        **{
            f"in parts: {step}": (
                "POST", f"{mpu}{step}/{world.folder()}/model", {"json": {"path": "MLmodel", "num_parts": 1}}, DENIED,
            )
            for step in ("create", "complete", "abort")
        },
        "in parts that lead up": ("POST", f"{mpu}create/{world.folder(world.own_run, world.own)}",
                                  {"json": {"path": "..", "num_parts": 1}}, WRONG),
        "an address to write to": (
            "POST", f"{API}artifacts/presigned-upload-url", {"json": run | {"path": "x"}}, NO_ROUTE,
        ),
        "the run in another experiment": (
            "PUT", f"{FILES}{world.folder(experiment=world.own)}/model/MLmodel", {"body": "bad"}, NOWHERE,
        ),
        "who made the run": (
            "POST", f"{API}runs/set-tag", {"json": maker | {"run_id": world.own_run}}, DENIED,
        ),
        "who made it, in a batch": (
            "POST", f"{API}runs/log-batch",
            {"json": {"run_id": world.own_run, "tags": [maker]}}, DENIED,
        ),
        "delete the run": ("POST", f"{API}runs/delete", {"json": run}, DENIED),
        "delete what is asked for": ("POST", f"{API}runs/delete", {"json": {"run_id": world.asked}}, DENIED),
        "delete the experiment": (
            "POST", f"{API}experiments/delete", {"json": {"experiment_id": world.hidden}}, DENIED,
        ),
        "delete the logged model": ("DELETE", of_logged, {}, DENIED),
        "another state of it": ("PATCH", of_logged, {"json": logged | {"status": 3}}, DENIED),
        "another state, by another's address": (
            "PATCH", f"{API}logged-models/{world.own_logged}", {"json": logged | {"status": 3}}, WRONG,
        ),
    }  # fmt: skip


def paths(world: World) -> dict[str, Try]:
    """Paths that lead elsewhere than they say."""
    own = f"{FILES}{world.folder(world.own_run, world.own)}"
    return {
        "dots": ("PUT", f"{own}/../../../{world.folder()}/model/MLmodel", {"body": "bad"}, WRONG),
        "encoded dots": ("PUT", f"{own}/%2e%2e/%2e%2e/x", {"body": "bad"}, WRONG),
        "dots encoded twice": ("PUT", f"{own}/%252e%252e/x", {"body": "bad"}, WRONG),
        "an encoded slash": ("PUT", f"{own}/a%2f..%2fb", {"body": "bad"}, WRONG),
        "a slash encoded twice": ("PUT", f"{own}/a%252fb", {"body": "bad"}, WRONG),
        "a backslash": ("PUT", f"{own}/..%5c..%5cx", {"body": "bad"}, WRONG),
        "an empty part": ("PUT", f"{own}//x", {"body": "bad"}, WRONG),
        "nobody's place": ("PUT", f"{FILES}MLmodel", {"body": "bad"}, NOWHERE),
    }  # fmt: skip


def sources(world: World) -> dict[str, Try]:
    """New versions of files that lie elsewhere than they are said to."""
    root = f"mlflow-artifacts:/{world.folder()}"
    tried = {
        "a bucket": {"source": "s3://others/model"},
        "the disk": {"source": "file:///etc/passwd"},
        "a path": {"source": "/etc/passwd"},
        "the web": {"source": "http://169.254.169.254/latest"},
        "a run that is not named": {"source": f"{root}/model"},
        "another run": {"source": f"{root}/model", "run_id": world.own_run},
        "up out of the run": {"source": f"{root}/../../x", "run_id": world.run},
        "encoded": {"source": f"{root}/%2e%2e/x", "run_id": world.run},
        "a folder that begins alike": {"source": f"{root}2/model", "run_id": world.run},
        "whatever is in Production": {"source": "models:/fraud/Production"},
        "whatever is newest": {"source": "models:/fraud/latest"},
        "an alias": {"source": "models:/fraud@champion"},
        "another registry": {"source": "models://other/fraud/1"},
        "a query": {"source": "models:/fraud/1?x=1"},
    }
    path = f"{API}model-versions/create"
    like = ("POST", path, {"json": {"name": "own", "source": f"models:/{world.logged}/1"}}, NOWHERE)
    refused = {name: ("POST", path, {"json": {"name": "own"} | sent}, WRONG) for name, sent in tried.items()}
    return refused | {"a name like a logged model's": like}
