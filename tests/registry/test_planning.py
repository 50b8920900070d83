"""The comparison alone: no database, no MLflow."""

from datetime import UTC, datetime, timedelta

from apps.registry.models import ModelVersion, RegisteredModel
from apps.registry.planning import Local, Plan, Remote, plan
from apps.registry.remote import RemoteModel, RemoteVersion

THEN = datetime(2026, 1, 1, tzinfo=UTC)
LATER = THEN + timedelta(days=1)
NOW = datetime.now(UTC)


def local(name: str = "churn", *versions: ModelVersion, created: datetime = THEN, **fields) -> Local:
    row = RegisteredModel(name=name, created_at=created, updated_at=created, **fields)
    return Local(row, {version.number: version for version in versions})


def row(number: int = 1, **fields) -> ModelVersion:
    return ModelVersion(number=number, created_at=THEN, **{"updated_at": THEN, **fields})


def remote(*models: RemoteModel, versions: tuple[RemoteVersion, ...] = (), missing: str = "") -> Remote:
    """A listing of these models with all their versions, in which these names, cut at blanks, are missing."""
    listing = Remote({model.name: model for model in models}, missing=dict.fromkeys(missing.split(), NOW))
    for version in versions:
        listing.add_version(version)
    listing.complete = dict.fromkeys(listing.models, NOW)
    return listing


def theirs(name: str = "churn", *, created: datetime = THEN, updated: datetime | None = None, **fields) -> RemoteModel:
    return RemoteModel(name, created, updated or created, **fields)


def version(number: int = 1, *, name: str = "churn", stage: str = "None", updated: datetime = THEN, **fields):
    return RemoteVersion(name, number, stage, THEN, updated, **fields)


def test_equal_registries_need_nothing():
    assert plan(remote(theirs(), versions=(version(),)), [local("churn", row())]) == Plan()


def test_new_changed_and_missing_rows_are_told_apart():
    mine = local("churn", row(1), row(2))
    listing = remote(
        theirs(), theirs("new"), versions=(version(1, stage="Staging", updated=LATER), version(3)), missing="gone"
    )
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
    seen = plan(remote(theirs("b"), theirs("c"), missing="a"), [local("a")])
    assert ([old.row.name for old in seen.gone_models], len(seen.new_models)) == (["a"], 2)


def test_a_stage_that_is_being_written_is_left_alone_and_the_rest_is_not():
    mine = local("churn", row(pending_stage="Production"))
    listing = remote(theirs(), versions=(version(stage="Production", description="new"),))
    (change,) = [change for _, change in plan(listing, [mine]).changed_versions]
    assert (change.stage, change.after) == (None, {"description": "new"})


def test_an_answer_that_was_asked_for_earlier_is_ignored():
    mine = local("churn", row(stage="Production", seen_at=NOW), seen_at=NOW)
    before = NOW - timedelta(seconds=1)
    old = remote(theirs(description="old", asked_at=before), versions=(version(asked_at=before),))
    assert plan(old, [mine]) == Plan()
    as_late = remote(theirs(description="new", asked_at=NOW), versions=(version(asked_at=NOW),))
    seen = plan(as_late, [mine])
    assert ([change.after for change in seen.changed_models], [c.stage for _, c in seen.changed_versions]) == (
        [{"description": "new"}],
        ["None"],
    )


def test_an_earlier_listing_is_no_reason_to_think_that_something_is_gone():
    mine, older = local("churn", row(1, seen_at=NOW)), local("older", seen_at=NOW)
    listing = remote(theirs())
    listing.complete["churn"] = listing.missing["older"] = NOW - timedelta(seconds=1)
    assert plan(listing, [mine, older]) == Plan()


def test_what_an_incomplete_listing_lacks_is_not_gone():
    listing = remote(theirs(), versions=(version(1),))
    listing.complete = {}
    assert plan(listing, [local("churn", row(1), row(2)), local("another", created=LATER)]) == Plan()


def test_versions_that_come_without_their_model_are_compared():
    listing = Remote()
    listing.add_version(version(1, stage="Staging"))
    listing.add_version(version(2))
    seen = plan(listing, [local("churn", row(1))])
    assert ([change.stage for _, change in seen.changed_versions], [new.number for _, new in seen.new_versions]) == (
        ["Staging"],
        [2],
    )


def test_a_model_without_all_its_versions_is_not_taken_for_a_renamed_one():
    listing = remote(theirs("new"))
    listing.complete = {}
    assert [model.name for model in plan(listing, [local("old")]).new_models] == ["new"]


def test_an_alias_of_a_version_that_is_not_mirrored_waits():
    mine = local("churn", row(1))
    assert plan(remote(theirs(aliases={"champion": 2}), versions=(version(1),)), [mine]) == Plan()


def test_of_two_answers_the_one_asked_for_later_counts():
    listing = Remote()
    listing.add_version(version(stage="Production", asked_at=NOW))
    listing.add_version(version(stage="Staging", asked_at=NOW - timedelta(seconds=1)))
    assert listing.versions["churn"][1].stage == "Production"


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
