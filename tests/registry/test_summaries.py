"""What lists show and filter by, kept beside each model."""

import pytest

from apps.registry import summaries
from apps.registry.models import DetailsState, ModelFacet, ModelVersion, RegisteredModel
from tests.registry.rows import THEN, model, version

pytestmark = pytest.mark.django_db


def summary(of: RegisteredModel, *names: str) -> list:
    of.refresh_from_db()
    return [getattr(of, name) for name in names]


def facets(of: RegisteredModel) -> set[tuple[str, str]]:
    return set(ModelFacet.objects.filter(model=of).values_list("facet", "value"))


def test_production_is_the_newest_version_in_that_stage():
    churn = model()
    for number, stage in enumerate(["Production", "Production", "None"], 1):
        version(churn, number, stage=stage, stage_since=THEN)
    assert summary(churn, "production_number", "production_since") == [2, THEN]


def test_candidate_is_the_newest_version_in_staging():
    churn = model()
    for number, stage in enumerate(["Production", "Staging", "Staging", "None"], 1):
        version(churn, number, stage=stage)
    assert summary(churn, "candidate_number", "candidate_stage") == [3, "Staging"]


def test_candidate_without_staging_is_the_newest_version_after_production():
    churn = model()
    for number, stage in enumerate(["None", "Production", "None", "None"], 1):
        version(churn, number, stage=stage)
    assert summary(churn, "candidate_number", "candidate_stage") == [4, "None"]


def test_version_older_than_production_is_no_candidate():
    churn = model()
    for number, stage in enumerate(["None", "Production", "Archived"], 1):
        version(churn, number, stage=stage)
    assert summary(churn, "candidate_number", "candidate_stage") == [None, ""]


def test_framework_is_the_own_flavor_of_the_version_in_production():
    churn = model()
    version(churn, 1, stage="Production", mlmodel={"flavors": {"python_function": {}, "sklearn": {}}})
    version(churn, 2, mlmodel={"flavors": {"xgboost": {}, "python_function": {}}})
    assert summary(churn, "framework") == ["sklearn"]


def test_framework_is_python_function_where_there_is_nothing_else():
    churn = model()
    version(churn, 1, mlmodel={"flavors": {"python_function": {}}})
    assert summary(churn, "framework") == ["python_function"]


@pytest.mark.parametrize("flavors", [None, [], "sklearn", {}])
def test_framework_of_a_strange_mlmodel_is_unknown(flavors):
    churn = model()
    version(churn, 1, mlmodel={"flavors": flavors})
    assert summary(churn, "framework") == [""]


def test_owner_and_risk_come_from_the_configured_tags(settings):
    settings.INVENTORY_OWNER_TAGS, settings.INVENTORY_RISK_TAGS = ["squad", "owner"], ["tier"]
    churn = model(tags={"owner": "risk team", "squad": "growth", "tier": "high"})
    assert summary(churn, "owner", "risk") == ["growth", "high"]


@pytest.mark.parametrize(
    ("state", "shown"),
    [(DetailsState.PENDING, "reading"), (DetailsState.LOADED, "current"), (DetailsState.FAILED, "unreadable")],
)
def test_sync_state_is_that_of_the_version_that_stands_for_the_model(state, shown):
    churn = model()
    version(churn, 1, stage="Production", details_state=state)
    version(churn, 2, details_state=DetailsState.LOADED)
    assert summary(churn, "sync_state") == [shown]


def test_deleted_version_counts_for_nothing():
    churn = model()
    version(churn, 1)
    version(churn, 2, stage="Production", deleted_at=THEN)
    assert summary(churn, "version_count", "newest_number", "production_number") == [1, 1, None]


def test_facets_are_what_a_model_can_have_several_of():
    churn = model(tags={"team": "growth", "tier": "x"})
    version(churn, 1, "champion", stage="Production")
    version(churn, 2)
    assert facets(churn) == {
        ("stage", "Production"),
        ("stage", "None"),
        ("alias", "champion"),
        ("tag", "team"),
        ("tag", "tier"),
        ("pair", "team=growth"),
        ("pair", "tier=x"),
    }


def test_facets_that_no_longer_hold_are_removed():
    churn = model(tags={"team": "growth"})
    churn.tags = {}
    churn.save()
    summaries.refresh([churn.pk])
    assert facets(churn) == set()


def test_counts_of_requests_and_drift_survive_a_refresh():
    churn = model()
    summaries.set_counts(churn.pk, open_requests=2, open_drift=1)
    summaries.refresh([churn.pk])
    assert summary(churn, "open_requests", "open_drift") == [2, 1]


def test_one_count_leaves_the_other_alone():
    churn = model()
    summaries.set_counts(churn.pk, open_requests=2, open_drift=1)
    summaries.set_counts(churn.pk, open_drift=0)
    assert summary(churn, "open_requests", "open_drift") == [2, 0]


def test_long_values_are_cut_where_they_are_filtered_by():
    churn = model(tags={"k" * 300: "v"})
    assert {facet: len(value) for facet, value in facets(churn) if facet in ("tag", "pair")} == {
        "tag": 250,
        "pair": 250,
    }


def test_search_text_holds_reference_description_tags_and_aliases_in_small_letters():
    churn = model("Churn", description="Who LEAVES", tags={"Team": "Growth"})
    version(churn, 1, "Champion")
    assert summary(churn, "search_text") == ["churn\nwho leaves\nteam=growth\n@champion"]


def test_refresh_of_an_unchanged_model_writes_nothing():
    churn = model(tags={"team": "growth"})
    version(churn, 1, "champion", stage="Production")
    before = list(ModelFacet.objects.order_by("pk").values())
    summaries.refresh([churn.pk])
    assert list(ModelFacet.objects.order_by("pk").values()) == before


def test_refresh_costs_the_same_for_many_models(django_assert_num_queries):
    first = [model(f"a{number}") for number in range(2)]
    for row in first:
        version(row, 1, "champion")
    ModelVersion.objects.update(stage="Staging")
    with django_assert_num_queries(8):
        summaries.refresh([row.pk for row in first])
    more = [model(f"b{number}") for number in range(20)]
    for row in more:
        version(row, 1, "champion")
    ModelVersion.objects.filter(model__in=more).update(stage="Staging")
    with django_assert_num_queries(8):
        summaries.refresh([row.pk for row in more])
