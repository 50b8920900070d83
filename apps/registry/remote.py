"""What MLflow's REST API says, as plain values. Parsing refuses a wrong shape by ValueError; nothing is guessed."""

import math
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

PROMPT_TAG = "mlflow.prompt.is_prompt"
STAGES = ("None", "Staging", "Production", "Archived")
MAX_NUMBER = 2**31 - 1


def now() -> datetime:
    """The time by our clock."""
    return datetime.now(UTC)


@dataclass(frozen=True)
class RemoteModel:
    """A registered model. `aliases` maps alias to version number."""

    name: str
    created_at: datetime
    updated_at: datetime
    description: str = ""
    tags: dict[str, str] = field(default_factory=dict)
    aliases: dict[str, int] = field(default_factory=dict)
    asked_at: datetime = field(default_factory=now, compare=False)  # our clock, before the request was sent

    @property
    def is_prompt(self) -> bool:
        """Whether MLflow treats it as a prompt."""
        return self.tags.get(PROMPT_TAG, "").lower() == "true"


@dataclass(frozen=True)
class RemoteVersion:
    """A model version. Its aliases are known on the model only."""

    name: str
    number: int
    stage: str
    created_at: datetime
    updated_at: datetime
    description: str = ""
    tags: dict[str, str] = field(default_factory=dict)
    source: str = ""
    run_id: str = ""
    status: str = "READY"
    asked_at: datetime = field(default_factory=now, compare=False)  # our clock, before the request was sent


@dataclass(frozen=True)
class RemoteRun:
    """A run with the last value of each metric; a metric that is not finite is the text NaN, Infinity or -Infinity."""

    run_id: str
    name: str
    status: str
    user: str
    experiment_id: str
    lifecycle_stage: str
    started_at: datetime | None
    ended_at: datetime | None
    tags: dict[str, str]
    params: dict[str, str]
    metrics: dict[str, float | str]
    datasets: list[dict[str, str]]
    dataset_facts: list[dict[str, str]] = field(default_factory=list)  # beside `datasets`: source, schema, profile
    artifact_uri: str = ""


@dataclass(frozen=True)
class RemoteFile:
    """An entry of a folder of artifacts. `size` is in bytes, None for a folder or where MLflow does not say."""

    path: str
    is_folder: bool
    size: int | None


def clean(value: Any) -> Any:
    """Replace what no database stores as text: NUL and lone surrogates. Works through lists and dicts."""
    if isinstance(value, str):
        return value.replace("\0", "\N{REPLACEMENT CHARACTER}").encode("utf-8", "replace").decode()
    if isinstance(value, list):
        return [clean(item) for item in value]
    if isinstance(value, dict):
        return {clean(key): clean(item) for key, item in value.items()}
    return value


def parse_model(raw: Any, asked_at: datetime) -> RemoteModel:
    """Read one registered model. Raises ValueError for a wrong shape."""
    raw = _object(raw)
    created = _time(raw.get("creation_timestamp"))
    return RemoteModel(
        name=_name(raw.get("name")),
        created_at=created,
        updated_at=_time(raw.get("last_updated_timestamp", raw.get("creation_timestamp"))),
        description=_text(raw.get("description")),
        tags=pairs(raw.get("tags")),
        aliases={_name(row.get("alias")): _number(row.get("version")) for row in _objects(raw.get("aliases"))},
        asked_at=asked_at,
    )


def written(model: RemoteModel) -> dict[str, Any]:
    """Write a model as MLflow would, so that `parse_model` reads it back."""
    return {
        "name": model.name,
        "creation_timestamp": _milliseconds(model.created_at),
        "last_updated_timestamp": _milliseconds(model.updated_at),
        "description": model.description,
        "tags": [{"key": key, "value": value} for key, value in model.tags.items()],
        "aliases": [{"alias": alias, "version": number} for alias, number in model.aliases.items()],
    }


def parse_version(raw: Any, asked_at: datetime) -> RemoteVersion:
    """Read one model version. Raises ValueError for a wrong shape."""
    raw = _object(raw)
    stage = raw.get("current_stage", "None")
    if stage not in STAGES:
        raise ValueError(f"unknown stage {stage!r}")
    return RemoteVersion(
        name=_name(raw.get("name")),
        number=_number(raw.get("version")),
        stage=stage,
        created_at=_time(raw.get("creation_timestamp")),
        updated_at=_time(raw.get("last_updated_timestamp", raw.get("creation_timestamp"))),
        description=_text(raw.get("description")),
        tags=pairs(raw.get("tags")),
        source=_text(raw.get("source")),
        run_id=_text(raw.get("run_id"))[:64],
        status=_text(raw.get("status", "READY"))[:40],
        asked_at=asked_at,
    )


def parse_run(raw: Any) -> RemoteRun:
    """Read one run. Raises ValueError for a wrong shape."""
    raw = _object(raw)
    info, data = _object(raw.get("info")), _object(raw.get("data", {}))
    tags = pairs(data.get("tags"))
    used = _objects(_object(raw.get("inputs", {})).get("dataset_inputs"))
    return RemoteRun(
        run_id=_name(info.get("run_id")),
        name=_text(info.get("run_name")) or tags.get("mlflow.runName", ""),
        status=_text(info.get("status")),
        user=_text(info.get("user_id")) or tags.get("mlflow.user", ""),
        experiment_id=_text(info.get("experiment_id")),
        lifecycle_stage=_text(info.get("lifecycle_stage")),
        started_at=_time(info["start_time"]) if info.get("start_time") else None,
        ended_at=_time(info["end_time"]) if info.get("end_time") else None,
        tags=tags,
        params=pairs(data.get("params")),
        metrics={_name(row.get("key")): _metric(row.get("value", 0.0)) for row in _objects(data.get("metrics"))},
        datasets=[_dataset(row) for row in used],
        dataset_facts=[_dataset_facts(row) for row in used],
        artifact_uri=_text(info.get("artifact_uri")),
    )


def parse_file(raw: Any) -> RemoteFile:
    """Read one entry of a list of artifacts. Raises ValueError for a wrong shape."""
    raw = _object(raw)
    folder = raw.get("is_dir") is True
    size = None if folder or raw.get("file_size") is None else int(raw["file_size"])
    return RemoteFile(_name(raw.get("path")), folder, size)


def pairs(raw: Any) -> dict[str, str]:
    """Read MLflow's [{"key", "value"}] as a dict."""
    return {_text(row.get("key")): _text(row.get("value")) for row in _objects(raw)}


def _dataset(row: dict[str, Any]) -> dict[str, str]:
    dataset, tags = _object(row.get("dataset")), pairs(row.get("tags"))
    return {
        "name": _text(dataset.get("name")),
        "digest": _text(dataset.get("digest")),
        "context": tags.get("mlflow.data.context", ""),
        "source_type": _text(dataset.get("source_type")),
    }


def _dataset_facts(row: dict[str, Any]) -> dict[str, str]:
    """Read what MLflow knows of a data set beyond its name: texts that are mostly JSON."""
    dataset = _object(row.get("dataset"))
    return {key: _text(dataset.get(key)) for key in ("source", "schema", "profile")}


def _metric(value: Any) -> float | str:
    number = float(value)  # the REST API writes NaN and the infinities as text
    if math.isfinite(number):
        return number
    return "NaN" if math.isnan(number) else "Infinity" if number > 0 else "-Infinity"


def _time(milliseconds: Any) -> datetime:
    try:
        return datetime.fromtimestamp(int(milliseconds) / 1000, tz=UTC)
    except (TypeError, OverflowError, OSError) as error:
        raise ValueError(f"{milliseconds!r} is not a time in milliseconds") from error


def _milliseconds(moment: datetime) -> int:
    return round(moment.timestamp() * 1000)


def _number(value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int | str) or not 0 < int(value) <= MAX_NUMBER:
        raise ValueError(f"{value!r} is not a version number")
    return int(value)


def _name(value: Any) -> str:
    if not isinstance(value, str) or not value:
        raise ValueError("a name is missing")
    return value


def _text(value: Any) -> str:
    if value is None:
        return ""
    if not isinstance(value, str):
        raise ValueError(f"{value!r} is not text")
    return value


def _object(value: Any) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise ValueError("an object is missing")
    return value


def _objects(value: Any) -> list[dict[str, Any]]:
    if value is None:
        return []
    if not isinstance(value, list):
        raise ValueError("a list is missing")
    return [_object(row) for row in value]
