import pytest
from django.utils import timezone

from apps.errors import NotVisible
from apps.registry import queries
from tests.registry import rows


def test_get_model_prefers_the_live_model_of_a_name(charlie):
    rows.model(deleted_at=timezone.now())
    live = rows.model()
    assert queries.get_model(charlie, "churn") == live


def test_get_model_finds_the_last_deleted_one_when_none_lives(charlie):
    rows.model(deleted_at=timezone.now())
    last = rows.model(deleted_at=timezone.now())
    assert queries.get_model(charlie, "churn") == last


def test_a_prompt_is_not_a_model(charlie):
    rows.model("greeting", kind="prompt")
    with pytest.raises(NotVisible):
        queries.get_model(charlie, "greeting")


@pytest.mark.parametrize("number", [2, 0, 2**31, 10**30])
def test_an_unknown_version_does_not_exist(charlie, number):
    rows.version(rows.model())
    with pytest.raises(NotVisible):
        queries.get_version(charlie, "churn", number)


def test_a_stranger_sees_no_model_and_no_id(mallory):
    rows.version(rows.model())
    assert (list(queries.visible_models(mallory)), list(queries.visible_model_ids(mallory))) == ([], [])
    with pytest.raises(NotVisible):
        queries.get_version(mallory, "churn", 1)


def test_production_version_is_the_newest_that_lives(charlie):
    churn = rows.model()
    rows.version(churn, 1, stage="Production")
    rows.version(churn, 2, stage="Production")
    rows.version(churn, 3, stage="Production", deleted_at=timezone.now())
    rows.version(churn, 4)
    assert queries.production_version(churn).number == 2
