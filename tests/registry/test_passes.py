"""Each kind of pass against a real MLflow: which sees what, and what it costs."""

from collections.abc import Callable
from typing import Any

import pytest
from django.utils import timezone

from apps.registry import summaries
from apps.registry.models import (
    DEFAULT_CONNECTION,
    Connection,
    ModelFacet,
    ModelVersion,
    RegisteredModel,
    SyncKind,
    SyncRun,
)
from apps.registry.sync import synchronise
from apps.registry.syncing import changes, complete, runs, touched
from tests.servers.broken import Reply
from tests.servers.mlflow import MlflowRegistry

pytestmark = pytest.mark.django_db
Operation = Callable[[MlflowRegistry], Any]
BEFORE: Operation = lambda registry: None  # noqa: E731


def look(kind: SyncKind, *names: str) -> SyncRun:
    """Run a pass of this kind, due or not."""
    with runs.opened(DEFAULT_CONNECTION, kind, "a test") as opened:
        if kind == SyncKind.MODELS:
            touched.work_names(opened, set(names))
        else:
            {SyncKind.CHANGES: changes, SyncKind.COMPLETE: complete}[kind].work(opened)
    return opened.run


def mirrored() -> dict[str, Any]:
    """What the mirror says, in the words of `in_mlflow`."""
    found = {}
    for row in RegisteredModel.objects.filter(deleted_at=None):
        found[row.name] = {
            "description": row.description,
            "tags": row.tags,
            "aliases": dict(row.aliases.values_list("alias", "version__number")),
            "versions": {
                version.number: (version.stage, version.description, version.tags)
                for version in row.versions.filter(deleted_at=None)
            },
        }
    return found


def in_mlflow(registry: MlflowRegistry) -> dict[str, Any]:
    """What MLflow says: models with description, tags, aliases and versions."""
    models = registry.call("GET", "registered-models/search", max_results="1000").get("registered_models", [])
    versions = registry.call("GET", "model-versions/search", max_results="1000").get("model_versions", [])
    found = {}
    for row in models:
        own = [version for version in versions if version["name"] == row["name"]]
        found[row["name"]] = {
            "description": row.get("description", ""),
            "tags": _pairs(row),
            "aliases": {alias["alias"]: int(alias["version"]) for alias in row.get("aliases", [])},
            "versions": {
                int(version["version"]): (version["current_stage"], version.get("description", ""), _pairs(version))
                for version in own
            },
        }
    return found


def _pairs(row: dict[str, Any]) -> dict[str, str]:
    return {tag["key"]: tag["value"] for tag in row.get("tags", [])}


def describe_model(registry: MlflowRegistry) -> None:
    registry.call("PATCH", "registered-models/update", name="churn", description="Who leaves")


def describe_version(registry: MlflowRegistry) -> None:
    registry.call("PATCH", "model-versions/update", name="churn", version="1", description="The first")


def tag_version(registry: MlflowRegistry) -> None:
    registry.call("POST", "model-versions/set-tag", name="churn", version="1", key="validated", value="true")


OPERATIONS: dict[str, tuple[Operation, Operation, bool]] = {  # what was there, what happens, whether changes see it
    "create a model": (BEFORE, lambda r: r.model("another", tags={"team": "growth"}), True),
    "create a version": (BEFORE, lambda r: r.bare_version("churn", tags={"a": "b"}), True),
    "describe a model": (BEFORE, describe_model, True),
    "describe a version": (BEFORE, describe_version, True),
    "move a version": (BEFORE, lambda r: r.stage("churn", 1, "Staging"), True),
    "move a version and archive the others": (
        lambda r: r.stage("churn", 1, "Production"),
        lambda r: r.stage("churn", 2, "Production", archive=True),
        True,
    ),
    "tag a model": (BEFORE, lambda r: r.tag("churn", "team", "growth"), False),
    "take a model's tag away": (
        lambda r: r.tag("churn", "team", "growth"),
        lambda r: r.call("DELETE", "registered-models/delete-tag", name="churn", key="team"),
        False,
    ),
    "tag a version": (BEFORE, tag_version, False),
    "take a version's tag away": (
        tag_version,
        lambda r: r.call("DELETE", "model-versions/delete-tag", name="churn", version="1", key="validated"),
        False,
    ),
    "set an alias": (BEFORE, lambda r: r.alias("churn", "champion", 1), False),
    "move an alias": (
        lambda r: r.alias("churn", "champion", 1),
        lambda r: r.alias("churn", "champion", 2),
        False,
    ),
    "delete an alias": (
        lambda r: r.alias("churn", "champion", 1),
        lambda r: r.call("DELETE", "registered-models/alias", name="churn", alias="champion"),
        False,
    ),
    "delete a version": (lambda r: r.alias("churn", "champion", 2), lambda r: r.delete_version("churn", 2), True),
    "rename a model": (lambda r: r.alias("churn", "champion", 2), lambda r: r.rename("churn", "leavers"), True),
    "delete a model": (BEFORE, lambda r: r.delete_model("churn"), False),
}


SEEN = [(name, SyncKind.COMPLETE) for name in OPERATIONS]
SEEN += [(name, SyncKind.CHANGES) for name, (_, _, changes_see) in OPERATIONS.items() if changes_see]


@pytest.mark.mlflow
@pytest.mark.parametrize(("operation", "kind"), SEEN)
def test_a_pass_sees_what_happened(mlflow_registry, operation, kind):
    before, happens, _ = OPERATIONS[operation]
    mlflow_registry.model("churn")
    for _ in range(2):
        mlflow_registry.bare_version("churn")
    mlflow_registry.bare_version(mlflow_registry.model("bystander"))
    before(mlflow_registry)
    look(SyncKind.COMPLETE)
    happens(mlflow_registry)
    look(kind)
    assert mirrored() == in_mlflow(mlflow_registry)


@pytest.mark.mlflow
@pytest.mark.parametrize("models", [3, 60])
def test_a_pass_over_changes_asks_three_questions_when_nothing_changed(mlflow_registry, models):
    for number in range(models):
        mlflow_registry.bare_version(mlflow_registry.model(f"model {number}"))
    look(SyncKind.COMPLETE)
    assert look(SyncKind.CHANGES).counts["calls"] == 3


@pytest.mark.mlflow
def test_a_pass_over_changes_costs_what_changed(mlflow_registry):
    for number in range(30):
        mlflow_registry.bare_version(mlflow_registry.model(f"model {number}"))
    look(SyncKind.COMPLETE)
    calls = []
    for changed in (1, 10, 20):
        for number in range(changed):
            mlflow_registry.stage(f"model {number}", 1, "Staging" if changed != 10 else "Archived")
        calls.append(look(SyncKind.CHANGES).counts["calls"])
    assert calls == [4, 4, 4]  # one more, for all versions of the changed models
    assert ModelVersion.objects.filter(stage="Staging").count() == 20


@pytest.mark.mlflow
def test_a_model_renamed_while_its_name_is_given_to_another_keeps_its_row_in_a_pass_over_changes(mlflow_registry):
    for name in "ab":
        mlflow_registry.bare_version(mlflow_registry.model(name))
    look(SyncKind.COMPLETE)
    a, b = (RegisteredModel.objects.get(name=name).pk for name in "ab")
    for old, new in (("b", "x"), ("a", "b"), ("x", "a")):
        mlflow_registry.rename(old, new)
    look(SyncKind.CHANGES)
    assert dict(RegisteredModel.objects.values_list("pk", "name")) == {a: "b", b: "a"}


@pytest.mark.mlflow
def test_a_model_read_by_name_whose_name_is_new_to_it_waits_for_a_pass_over_changes(mlflow_registry):
    for name in "ab":
        mlflow_registry.bare_version(mlflow_registry.model(name))
    look(SyncKind.COMPLETE)
    a, b = (RegisteredModel.objects.get(name=name).pk for name in "ab")
    mlflow_registry.rename("b", "c")
    mlflow_registry.rename("a", "b")
    look(SyncKind.MODELS, "b")
    assert dict(RegisteredModel.objects.values_list("pk", "name")) == {a: "a", b: "b"}
    synchronise(requested_by="a test", model="b")
    assert dict(RegisteredModel.objects.values_list("pk", "name")) == {a: "b", b: "c"}


@pytest.mark.mlflow
def test_swapped_names_in_two_shards_keep_their_rows(mlflow_registry, monkeypatch):
    monkeypatch.setattr(complete, "SHARD_MODELS", 1)
    for name in "ab":
        mlflow_registry.bare_version(mlflow_registry.model(name))
    look(SyncKind.COMPLETE)
    a, b = (RegisteredModel.objects.get(name=name).pk for name in "ab")
    for old, new in (("b", "x"), ("a", "b"), ("x", "a")):
        mlflow_registry.rename(old, new)
    look(SyncKind.COMPLETE)
    assert dict(RegisteredModel.objects.values_list("pk", "name")) == {a: "b", b: "a"}


@pytest.mark.mlflow
def test_the_second_pass_of_each_kind_writes_nothing(mlflow_registry):
    mlflow_registry.bare_version(mlflow_registry.model("churn", tags={"team": "growth"}))
    mlflow_registry.alias("churn", "champion", 1)
    mlflow_registry.prompt("greeting")
    look(SyncKind.COMPLETE)
    seen = RegisteredModel.objects.values_list("name", "seen_at")
    before = list(seen)
    for kind in (SyncKind.CHANGES, SyncKind.COMPLETE):
        assert set(look(kind, "churn").counts) == {"models", "versions", "calls"}
    assert list(seen) == before


@pytest.mark.mlflow
def test_reading_single_models_that_are_unchanged_notes_only_when_they_were_seen(mlflow_registry):
    mlflow_registry.bare_version(mlflow_registry.model("churn", tags={"team": "growth"}))
    mlflow_registry.alias("churn", "champion", 1)
    mlflow_registry.model("bystander")
    look(SyncKind.COMPLETE)
    seen = dict(RegisteredModel.objects.values_list("name", "seen_at"))
    assert set(look(SyncKind.MODELS, "churn").counts) == {"models", "versions", "calls"}
    now = dict(RegisteredModel.objects.values_list("name", "seen_at"))
    assert (now["churn"] > seen["churn"], now["bystander"]) == (True, seen["bystander"])


def test_without_a_complete_listing_before_it_a_pass_over_changes_is_of_no_use(broken):
    with pytest.raises(runs.OtherKindNeeded):
        look(SyncKind.CHANGES)
    assert list(SyncRun.objects.all()) == []


def test_very_many_changes_make_a_complete_pass_cheaper(broken, monkeypatch):
    monkeypatch.setattr(changes, "MOST_CHANGES", 2)
    Connection.objects.update(listed_at=timezone.now())
    rows = [{"name": f"m{n}", "creation_timestamp": 9e12, "last_updated_timestamp": 9e12} for n in range(3)]
    broken.decide = lambda path, query: Reply.json({"registered_models": rows} if "models" in path else {})
    with pytest.raises(runs.OtherKindNeeded):
        look(SyncKind.CHANGES)


@pytest.mark.mlflow
def test_new_model_is_summed_up_as_a_refresh_would(mlflow_registry):
    name = mlflow_registry.model("churn", tags={"team": "growth", "risk": "high"})
    for stage in ("Archived", "Production", "Staging"):
        mlflow_registry.stage(name, mlflow_registry.bare_version(name), stage)
    mlflow_registry.alias(name, "zebra", 2)
    mlflow_registry.alias(name, "Champion", 3)
    look(SyncKind.COMPLETE)
    stored = [list(table.objects.order_by("pk").values()) for table in (RegisteredModel, ModelFacet)]
    summaries.refresh(RegisteredModel.objects.values_list("pk", flat=True))
    assert [list(table.objects.order_by("pk").values()) for table in (RegisteredModel, ModelFacet)] == stored
