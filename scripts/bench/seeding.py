"""Ten thousand models in MLflow's own database, by COPY: through its API they would take hours.

The rows are what MLflow itself would have written: versions of a model come one after the other, a model is as new as
its newest version, at most one version is in Production. Everything lies hours to a year back, so that a sync which
looks at the last minutes sees none of it as new. The same numbers come out in every run.
"""

import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from random import Random
from typing import Any

import psycopg

MODELS, VERSIONS, RUNS_OF = 10_000, 10, 500
LONG_MODEL, LONG_VERSIONS = "ledger-anomaly-archive", 2_000
HOUR, YEAR = 3_600_000, 365 * 24 * 3_600_000  # milliseconds
TEAMS = ("payments", "search", "logistics", "pricing", "support", "growth", "platform", "claims", "energy", "media")
TOPICS = ("fraud", "churn", "demand", "ranking", "routing", "credit", "uplift", "intent", "quality", "forecast",
          "returns", "latency", "spam", "basket", "tariff", "wear", "weather", "image", "speech", "price")  # fmt: skip
KINDS = ("classifier", "regressor", "ranker", "embedder")
RISKS = ("high", "medium", "low")
METRICS = ("accuracy", "auc", "f1", "log_loss", "rmse", "latency_ms")
PARAMS = ("max_depth", "learning_rate", "n_estimators", "subsample", "seed", "window", "features", "optimizer")
TABLES = {
    "registered_models": ("name", "creation_time", "last_updated_time", "description"),
    "model_versions": ("name", "version", "creation_time", "last_updated_time", "description", "user_id",
                       "current_stage", "source", "storage_location", "run_id", "run_link", "status"),
    "registered_model_tags": ("name", "key", "value"),
    "model_version_tags": ("name", "version", "key", "value"),
    "registered_model_aliases": ("name", "alias", "version"),
    "runs": ("run_uuid", "name", "source_type", "source_name", "entry_point_name", "user_id", "status", "start_time",
             "end_time", "source_version", "lifecycle_stage", "artifact_uri", "experiment_id"),
    "params": ("key", "value", "run_uuid"),
    "metrics": ("key", "value", "timestamp", "step", "is_nan", "run_uuid"),
    "latest_metrics": ("key", "value", "timestamp", "step", "is_nan", "run_uuid"),
}  # fmt: skip


@dataclass(frozen=True)
class Seeded:
    """One model with its versions, before it becomes rows."""

    number: int
    name: str
    created: int  # milliseconds, as all times here
    versions: tuple[int, ...]  # when each was created
    stages: tuple[str, ...]
    runs: bool

    @property
    def updated(self) -> int:
        return self.versions[-1]

    def run(self, version: int) -> str:
        """The number of the run that made a version."""
        return f"{self.number:08x}{version:024x}"


def names(first: int, last: int) -> list[str]:
    """The models' names: a topic stands in one of twenty, a number in one."""
    return [f"{TOPICS[n % 20]}-{TEAMS[n // 20 % 10]}-{KINDS[n % 4]}-{n:05}" for n in range(first, last)]


def fill(address: str, first: int, last: int, *, long_model: bool = False) -> None:
    """Write the models from number `first` up to `last`, and perhaps the one with LONG_VERSIONS versions."""
    now = int(time.time() * 1000)
    models = [
        _model(number, name, now, VERSIONS, runs=number % (MODELS // RUNS_OF) == 0)
        for number, name in enumerate(names(first, last), start=first)
    ]
    if long_model:
        models.append(_model(MODELS, LONG_MODEL, now, LONG_VERSIONS, runs=True))
    with psycopg.connect(address) as connection:
        for table, columns in TABLES.items():
            with connection.cursor().copy(f"COPY {table} ({', '.join(columns)}) FROM STDIN") as copy:
                for row in _rows(table, models):
                    copy.write_row(row)
    with psycopg.connect(address, autocommit=True) as connection:
        connection.execute("VACUUM ANALYZE")


def _model(number: int, name: str, now: int, count: int, *, runs: bool) -> Seeded:
    chance = Random(number)  # noqa: S311 - the same in every run
    created = now - HOUR - chance.randrange(2 * YEAR // 3, YEAR)
    steps = sorted(chance.randrange(created, now - 2 * HOUR) for _ in range(count))
    stages = ["None"] * count
    if number % 5 == 0:
        stages[-3], stages[: count // 2] = "Production", ["Archived"] * (count // 2)
    if number % 10 == 0:
        stages[-2] = "Staging"
    return Seeded(number, name, created, tuple(steps), tuple(stages), runs)


def _rows(table: str, models: Iterable[Seeded]) -> Iterator[tuple[Any, ...]]:
    for model in models:
        if table in OF_MODEL:
            yield from OF_MODEL[table](model)
        else:
            for version, created in enumerate(model.versions, start=1):
                yield from OF_VERSION[table](model, version, created)


def _registered(model: Seeded) -> Iterator[tuple[Any, ...]]:
    text = f"Trained each month; number {model.number} of its family. Ask the owner before you rely on it."
    yield model.name, model.created, model.updated, text


def _model_tags(model: Seeded) -> Iterator[tuple[Any, ...]]:
    team, risk = TEAMS[model.number // 20 % 10], RISKS[model.number % 3]
    for key, value in (("team", team), ("risk_tier", risk), ("cost_centre", f"cc-{model.number % 97:03}")):
        yield model.name, key, value


def _aliases(model: Seeded) -> Iterator[tuple[Any, ...]]:
    if model.number % 5 < 2:
        yield model.name, "champion", len(model.versions) - 2
    if model.number % 10 < 3:
        yield model.name, "challenger", len(model.versions) - 1


def _version(model: Seeded, version: int, created: int) -> Iterator[tuple[Any, ...]]:
    run = model.run(version) if model.runs else None
    source = f"{_artifacts(run)}/model" if run else f"s3://models/{model.name}/{version}"
    text = f"Build {version} with the data of that month." if version % 3 == 0 else None
    stage, user = model.stages[version - 1], f"person{model.number % 50}"
    yield model.name, version, created, created, text, user, stage, source, None, run, None, "READY"


def _version_tags(model: Seeded, version: int, created: int) -> Iterator[tuple[Any, ...]]:
    yield model.name, version, "validated", "true" if version % 2 else "false"
    if version % 5 == 0:
        yield model.name, version, "semver", f"1.{version}.0"


def _run(model: Seeded, version: int, created: int) -> Iterator[tuple[Any, ...]]:
    if model.runs:
        run, user = model.run(version), f"person{model.number % 50}"
        yield (
            run, f"build-{version}", "LOCAL", "train.py", "", user, "FINISHED", created - HOUR, created, "",
            "active", _artifacts(run), 0,
        )  # fmt: skip


def _params(model: Seeded, version: int, created: int) -> Iterator[tuple[Any, ...]]:
    if model.runs:
        for place, key in enumerate(PARAMS):
            yield key, str((version * (place + 3)) % 17), model.run(version)


def _metrics(model: Seeded, version: int, created: int) -> Iterator[tuple[Any, ...]]:
    if model.runs:
        for place, key in enumerate(METRICS):
            value = 0.5 + ((version * 7 + place * 13 + model.number) % 100) / 250
            yield key, value, created - HOUR, 0, False, model.run(version)


def _artifacts(run: str | None) -> str:
    return f"mlflow-artifacts:/0/{run}/artifacts"


OF_MODEL = {
    "registered_models": _registered,
    "registered_model_tags": _model_tags,
    "registered_model_aliases": _aliases,
}
OF_VERSION = {
    "model_versions": _version,
    "model_version_tags": _version_tags,
    "runs": _run,
    "params": _params,
    "metrics": _metrics,
    "latest_metrics": _metrics,
}
