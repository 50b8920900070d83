"""What MLflow knows of a version, as values of card fields: facts, and suggestions. Reads the mirror alone."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from django.conf import settings

from apps.masking import masked
from apps.modelcards.content import digest_of, value_from
from apps.modelcards.schema.fields import BY_NAME, Field, Origin
from apps.modelcards.schema.kinds import MAX_LINE, MAX_ROWS, Refused
from apps.registry import directions
from apps.registry.figures import metric_text
from apps.registry.models import ModelVersion
from apps.registry.pages.provenance import DataSet, datasets
from apps.registry.summaries import tag_value

Said = tuple[str, str, Any]  # field, source, value
TRAINING = frozenset({"train", "training", "fit", ""})  # contexts of a run's data sets; without one: training
LICENSE_TAGS = ("license", "licence")
TASK_TAGS = ("task", "pipeline_tag")
ESTIMATORS = {"Classifier": "tabular-classification", "Regressor": "tabular-regression"}
MOST_SHAPE, SHORT = 8, 24  # parameters in a sentence about the architecture; characters of a value
IMPACT_TAGS = ("hardware", "hours", "kwh", "co2e")


@dataclass(frozen=True)
class Fact:
    """What MLflow says of one field. `source`: registry, run, mlmodel, requirements, files, or tag:<name>."""

    field: Field
    value: Any
    source: str

    @property
    def locked(self) -> bool:
        """Whether it stands unless a person says otherwise, with a reason; else it is a suggestion."""
        return self.field.origin is Origin.FACT

    @property
    def digest(self) -> str:
        """By which a card tells that MLflow says something else now: of the locked parts alone."""
        return digest_of(locked_parts(self.field, self.value))


def facts_of(version: ModelVersion) -> dict[str, Fact]:
    """Return {field: fact} for what is known of a version with its model; one query, for the directions of metrics.

    What a card would not take (a name of 2,000 characters) is left out: a person writes it.
    """
    found: dict[str, Fact] = {}
    for name, source, value in _said(version):
        try:
            kept = value_from(BY_NAME[name], masked(value))
        except Refused:
            continue
        if kept is not None:
            found[name] = Fact(BY_NAME[name], kept, source)
    return found


def locked_parts(field: Field, value: Any) -> Any:
    """Return what of a value MLflow answers for: the whole of it, or the locked parts of each record."""
    if isinstance(value, list):
        return [locked_parts(field, row) for row in value] if field.locked else value
    if isinstance(value, dict) and field.locked:
        return {name: text for name, text in value.items() if name in field.locked}
    return value


def _said(version: ModelVersion) -> Iterator[Said]:
    yield "model_name", "registry", version.model.name
    yield "version", "registry", version.number
    yield "date", "registry", version.created_at.date().isoformat()
    yield from _of_tags(version)
    yield from _of_run(version)
    yield from _of_files(version)
    yield "performance_metrics", "run", _metrics(version)
    yield "figures", "run", [_only(picture, "path", "title") for picture in version.pictures][:MAX_ROWS]


def _of_tags(version: ModelVersion) -> Iterator[Said]:
    """Tags of the version go before those of its model."""
    tags = {**version.model.tags, **version.tags}
    yield "owner_team", "tag", tag_value(tags, settings.INVENTORY_OWNER_TAGS)
    yield "license", "tag", tag_value(tags, LICENSE_TAGS)
    yield "environment", "tag", {name: str(tags[name]) for name in IMPACT_TAGS if name in tags}
    if task := tag_value(tags, TASK_TAGS):
        yield "task", "tag", task


def _of_run(version: ModelVersion) -> Iterator[Said]:
    run_tags = version.run.get("tags") or {}
    author = version.run.get("user") or run_tags.get("mlflow.user")
    yield "authors", "run", [{"name": author}] if author else []
    yield "hyperparameters", "run", dict(list(version.params.items())[:MAX_ROWS])
    used = datasets(version)
    of_training = [row for row in used if str(row.context).lower() in TRAINING]
    of_tests = [row for row in used if row not in of_training]
    yield "training_data", "run", [_dataset(row) for row in of_training][:MAX_ROWS]
    yield "test_data", "run", [_dataset(row) for row in of_tests][:MAX_ROWS]
    yield (
        "code",
        "run",
        {
            "repository": run_tags.get("mlflow.source.git.repoURL", ""),
            "commit": run_tags.get("mlflow.source.git.commit", ""),
            "entry_point": run_tags.get("mlflow.source.name", ""),
            "run_id": version.run_id,
        },
    )


def _of_files(version: ModelVersion) -> Iterator[Said]:
    signature, mlmodel = version.signature or {}, version.mlmodel
    given = mlmodel.get("flavors")  # whatever somebody's file says: perhaps no mapping
    flavors = {name: item for name, item in given.items() if isinstance(item, dict)} if isinstance(given, dict) else {}
    yield "inputs", "mlmodel", _columns(signature.get("inputs"))[:MAX_ROWS]
    yield "outputs", "mlmodel", _columns(signature.get("outputs"))[:MAX_ROWS]
    if version.requirements is not None:
        yield "dependencies_ref", "requirements", f"sha256:{digest_of(version.requirements)}"
    if version.artifact_digest:
        yield "package_ref", "files", f"sha256:{version.artifact_digest}"
    python = (flavors.get("python_function") or {}).get("python_version", "")
    named = sorted(set(flavors) - {"python_function"})
    yield (
        "runtime",
        "mlmodel",
        {"python": python, "mlflow": mlmodel.get("mlflow_version", ""), "flavors": ", ".join(named)},
    )
    formats = {str(flavors[name].get("serialization_format") or "") for name in named} - {""}
    yield from _of_estimator(version, named, sorted(formats))


def _of_estimator(version: ModelVersion, flavors: list[str], formats: list[str]) -> Iterator[Said]:
    """What the estimator is called says what kind of model it is, and often for what it is."""
    tags = version.run.get("tags") or {}
    estimator = str(version.params.get("estimator") or tags.get("estimator_name") or "")
    if estimator or flavors:
        yield "model_type", "run" if estimator else "mlmodel", estimator or ", ".join(flavors)
    for ending, task in ESTIMATORS.items():
        if estimator.endswith(ending):
            yield "task", "run", task
    if estimator and flavors:
        yield "architecture", "run", f"{estimator} ({', '.join([*flavors, *formats])}){_shape(version.params)}"


def _shape(params: dict[str, Any]) -> str:
    """Return the first parameters of an estimator, those that are short, as they stand behind its name."""
    short = [f"{name}={value}" for name, value in params.items() if name != "estimator" and len(str(value)) <= SHORT]
    return f": {', '.join(short[:MOST_SHAPE])}" if short else ""


def _metrics(version: ModelVersion) -> list[dict[str, str]]:
    known = directions.load()
    rows = []
    for name in sorted(version.metrics, key=lambda name: (name.startswith("system/"), name))[:MAX_ROWS]:
        row = {"name": name, "value": metric_text(version.metrics[name]), "run_id": version.run_id}
        rows.append(row | ({"direction": way} if (way := known.of(name)) else {}))
    return rows


def _dataset(row: DataSet) -> dict[str, str]:
    """Source and rows are filled in once, where MLflow knows them; people may say it better."""
    source = row.source if len(row.source) <= MAX_LINE and row.source.isprintable() else ""
    rows = "" if row.rows is None else str(row.rows)
    return {"name": str(row.name), "digest": str(row.digest), "source": source, "rows": rows}


def _columns(rows: list[dict[str, Any]] | None) -> list[dict[str, str]]:
    """A tensor has no name: its place stands for it, as in MLflow."""
    needed = {True: "yes", False: "no"}
    return [
        {
            "name": str(row.get("name") or place),
            "type": str(row.get("type", "")),
            "required": needed.get(row.get("required", True), ""),
        }
        for place, row in enumerate(rows or [])
    ]


def _only(row: dict[str, Any], *names: str) -> dict[str, str]:
    return {name: str(row[name]) for name in names if row.get(name)}
