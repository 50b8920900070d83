"""The comparison alone: no database, no MLflow."""

from datetime import UTC, datetime, timedelta

from apps.registry.models import ModelVersion, RegisteredModel
from apps.registry.planning import Local, Plan, Remote, plan
from apps.registry.remote import RemoteModel, RemoteVersion

THEN = datetime(2026, 1, 1, tzinfo=UTC)
LATER = THEN + timedelta(days=1)


def local(name: str = "churn", *versions: ModelVersion, created: datetime = THEN, **fields) -> Local:
    row = RegisteredModel(name=name, created_at=created, updated_at=created, **fields)
    return Local(row, {version.number: version for version in versions})


def row(number: int = 1, **fields) -> ModelVersion:
    return ModelVersion(number=number, created_at=THEN, **{"updated_at": THEN, **fields})


def remote(*models: RemoteModel, versions: tuple[RemoteVersion, ...] = ()) -> Remote:
    listing = Remote({model.name: model for model in models})
    for version in versions:
        listing.versions.setdefault(version.name, {})[version.number] = version
    return listing


def theirs(name: str = "churn", *, created: datetime = THEN, updated: datetime | None = None, **fields) -> RemoteModel:
    return RemoteModel(name, created, updated or created, **fields)


def version(number: int = 1, *, name: str = "churn", stage: str = "None", updated: datetime = THEN, **fields):
    return RemoteVersion(name, number, stage, THEN, updated, **fields)


def test_equal_registries_need_nothing():
    assert plan(remote(theirs(), versions=(version(),)), [local("churn", row())]) == Plan()


def test_new_changed_and_missing_rows_are_told_apart():
    mine = local("churn", row(1), row(2))
    listing = remote(theirs(), theirs("new"), versions=(version(1, stage="Staging", updated=LATER), version(3)))
    seen = plan(listing, [mine, local("gone", created=LATER)])
    assert [model.name for model in seen.new_models] == ["new"]
    assert [(change.row.number, change.stage) for _, change in seen.changed_versions] == [(1, "Staging")]
    assert [number.number for _, number in seen.new_versions] == [3]
    assert [missing.number for _, missing in seen.gone_versions] == [2]
    assert [missing.row.name for missing in seen.gone_models] == ["gone"]


def test_a_name_with_another_creation_time_is_another_model():
    seen = plan(remote(theirs(created=LATER)), [local()])
    assert ([old.row.name for old in seen.replaced_models], [new.name for new in seen.new_models]) == (
        ["churn"],
        ["churn"],
    )


def test_the_same_creation_times_under_a_new_name_are_a_rename():
    seen = plan(remote(theirs("new"), versions=(version(name="new"),)), [local("old", row())])
    assert [(change.before, change.after) for change in seen.changed_models] == [({"name": "old"}, {"name": "new"})]
    assert seen.groups() == [{"old", "new"}]


def test_two_candidates_for_a_rename_are_no_rename():
    seen = plan(remote(theirs("b"), theirs("c")), [local("a")])
    assert ([old.row.name for old in seen.gone_models], len(seen.new_models)) == (["a"], 2)


def test_a_stage_that_is_being_written_is_left_alone_and_the_rest_is_not():
    mine = local("churn", row(pending_stage="Production"))
    listing = remote(theirs(), versions=(version(stage="Production", description="new"),))
    (change,) = [change for _, change in plan(listing, [mine]).changed_versions]
    assert (change.stage, change.after) == (None, {"description": "new"})


def test_an_older_row_is_ignored_unless_trusted():
    mine = local("churn", row(stage="Production", updated_at=LATER))
    listing = remote(theirs(), versions=(version(),))
    assert plan(listing, [mine]) == Plan()
    assert [change.stage for _, change in plan(listing, [mine], trust_older=True).changed_versions] == ["None"]


def test_a_version_marked_as_deleted_that_is_listed_comes_back():
    mine = local("churn", row(deleted_at=LATER))
    assert len(plan(remote(theirs(), versions=(version(),)), [mine]).changed_versions) == 1


def test_the_versions_of_a_prompt_are_not_compared():
    prompt = {"mlflow.prompt.is_prompt": "true"}
    mine = local("greeting", kind="prompt", tags=prompt)
    assert plan(remote(theirs("greeting", tags=prompt), versions=(version(name="greeting"),)), [mine]) == Plan()


def test_only_the_differing_tags_are_told_and_long_texts_are_cut():
    mine = local("churn", tags={"same": "1", "old": "2"})
    (change,) = plan(remote(theirs(tags={"same": "1", "new": "x" * 1000})), [mine]).changed_models
    assert (change.before, change.after) == ({"tags": {"old": "2"}}, {"tags": {"new": "x" * 300 + "…"}})
