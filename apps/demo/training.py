"""Train the demo's models and register them in MLflow. Run as a process: `python -m apps.demo.training URL MARKER`.

Everything goes through the ordinary mlflow client. A run that was interrupted goes on where it stopped: versions that
are registered are not made again. MARKER is a file that is written when all is done; it names the server.
"""

import logging
import os
import sys
import time
import urllib.request
import warnings
from importlib.metadata import version as installed
from pathlib import Path

import mlflow
import numpy as np
import pandas as pd
from mlflow import MlflowClient
from mlflow.data.pandas_dataset import from_pandas
from mlflow.models import infer_signature
from sklearn import metrics
from sklearn.model_selection import train_test_split

from apps.demo.recipes import RECIPES, Recipe, Version

AUTHOR = "alice"
PROMPT = "ticket-reply"
SERVER_WAIT_SECONDS = 120


def main(url: str, marker: Path) -> None:
    """Register every recipe and one prompt at `url`."""
    os.environ.setdefault("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "3")
    warnings.simplefilter("ignore")
    logging.getLogger("mlflow").setLevel(logging.ERROR)
    trials = [(recipe, [_Trial(recipe, version) for version in recipe.versions]) for recipe in RECIPES]
    _say("models fitted, waiting for MLflow")
    _wait_for(url)
    mlflow.set_tracking_uri(url)
    client = MlflowClient(url)
    for recipe, versions in trials:
        _register(client, recipe, versions)
    _register_prompt(client)
    marker.write_text(f"{url}\n")


class _Trial:
    """One fitted estimator with what was measured about it."""

    def __init__(self, recipe: Recipe, version: Version) -> None:
        table = recipe.table()
        features = list(version.columns) or [name for name in table.columns if name != recipe.target]
        train, test = train_test_split(table[[*features, recipe.target]], test_size=0.3, random_state=1)
        self.version = version
        self.train = train.iloc[: int(len(train) * version.rows)]
        self.features = features
        self.estimator = version.estimator().fit(self.train[features], self.train[recipe.target])
        self.predicted = self.estimator.predict(test[features])
        truth = test[recipe.target]
        if recipe.kind == "regression":
            self.metrics = _regression(truth, self.predicted)
        else:
            self.metrics = _classification(truth, self.predicted, self._scores(test[features], truth))

    def _scores(self, rows: pd.DataFrame, truth: pd.Series) -> np.ndarray | None:
        if truth.nunique() != 2:
            return None
        return self.estimator.predict_proba(rows)[:, 1]


def _regression(truth: pd.Series, predicted: np.ndarray) -> dict[str, float]:
    return {
        "rmse": float(np.sqrt(metrics.mean_squared_error(truth, predicted))),
        "mae": float(metrics.mean_absolute_error(truth, predicted)),
        "r2": float(metrics.r2_score(truth, predicted)),
    }


def _classification(truth: pd.Series, predicted: np.ndarray, scores: np.ndarray | None) -> dict[str, float]:
    found = {
        "accuracy": float(metrics.accuracy_score(truth, predicted)),
        "f1": float(metrics.f1_score(truth, predicted, average="macro")),
        "precision": float(metrics.precision_score(truth, predicted, average="macro", zero_division=0)),
        "recall": float(metrics.recall_score(truth, predicted, average="macro")),
    }
    if scores is not None:
        found["roc_auc"] = float(metrics.roc_auc_score(truth, scores))
        found["log_loss"] = float(metrics.log_loss(truth, scores))
    return found


def _register(client: MlflowClient, recipe: Recipe, trials: list[_Trial]) -> None:
    """Register the missing versions of one model, then everything that is set on a registered one."""
    mlflow.set_experiment(recipe.name)
    done = len(client.search_model_versions(f"name='{recipe.name}'"))
    for number, trial in enumerate(trials[done:], start=done + 1):
        _log_run(recipe, trial, number)
    client.update_registered_model(recipe.name, recipe.description)
    for key, value in recipe.tags.items():
        client.set_registered_model_tag(recipe.name, key, value)
    for number, trial in enumerate(trials, start=1):
        version = trial.version
        client.update_model_version(recipe.name, str(number), version.description)
        if version.stage != "None":
            client.transition_model_version_stage(recipe.name, str(number), version.stage)
        for alias in version.aliases:
            client.set_registered_model_alias(recipe.name, alias, str(number))
    _say(f"{recipe.name}: {len(trials)} versions")


def _log_run(recipe: Recipe, trial: _Trial, number: int) -> None:
    """Log one run and register its model."""
    example = trial.train[trial.features].head(3)
    name = type(trial.estimator.steps[-1][1] if hasattr(trial.estimator, "steps") else trial.estimator).__name__
    packages = ("scikit-learn", "cloudpickle", "numpy", "pandas")
    requirements = [f"{package}=={installed(package)}" for package in packages]
    if not trial.version.pinned:
        requirements[0] = "scikit-learn"
    tags = {"mlflow.user": AUTHOR, "mlflow.source.name": "train.py", "data": recipe.dataset}
    with mlflow.start_run(run_name=f"{name}-{number}", tags=tags):
        table = from_pandas(trial.train, targets=recipe.target, name=recipe.dataset)
        mlflow.log_input(table, context="training")
        mlflow.log_params(
            {"estimator": name, "features": len(trial.features), "rows": len(trial.train), **_params(trial)}
        )
        mlflow.log_metrics(trial.metrics)
        mlflow.sklearn.log_model(
            trial.estimator,
            name="model",
            registered_model_name=recipe.name,
            signature=infer_signature(example, trial.estimator.predict(example)) if trial.version.signature else False,
            input_example=example if trial.version.signature else None,
            pip_requirements=requirements,
            serialization_format="cloudpickle",
        )


def _params(trial: _Trial) -> dict[str, str]:
    """The last step's settings that a reader cares about."""
    last = trial.estimator.steps[-1][1] if hasattr(trial.estimator, "steps") else trial.estimator
    wanted = {"C", "alpha", "kernel", "learning_rate", "max_depth", "max_iter", "n_estimators", "n_neighbors"}
    return {key: str(value) for key, value in last.get_params(deep=False).items() if key in wanted}


def _register_prompt(client: MlflowClient) -> None:
    """Register one prompt, which MLflow keeps among its models and Assent shows apart from them."""
    if client.search_prompts(f"name='{PROMPT}'"):
        return
    text = "Write a friendly first answer to this {{topic}} ticket: {{ticket}}"
    client.register_prompt(PROMPT, text, commit_message="First wording", tags={"team": "support"})
    _say(f"{PROMPT}: a prompt")


def _wait_for(url: str) -> None:
    """Wait for the server. Raises TimeoutError."""
    deadline = time.monotonic() + SERVER_WAIT_SECONDS
    while True:
        try:
            with urllib.request.urlopen(f"{url}/health", timeout=5):  # noqa: S310 - the address is our own
                return
        except OSError as error:
            if time.monotonic() > deadline:
                raise TimeoutError(f"MLflow did not answer at {url}") from error
            time.sleep(0.2)


def _say(text: str) -> None:
    sys.stdout.write(f"> {text}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
