"""Paging through MLflow's listings, without a database."""

from datetime import UTC, datetime

import pytest

from apps.registry.mlflow import MlflowClient, MlflowUnavailable
from apps.registry.planning import Remote
from apps.registry.syncing.listing import Place, add_versions, model_pages, newest_versions
from tests.servers.broken import Reply

MODEL = {"name": "churn", "creation_timestamp": 1000}
VERSION = {"name": "churn", "version": "1", "creation_timestamp": 1000}
REFUSED = Reply.json({"error_code": "INVALID_PARAMETER_VALUE", "message": "no such page"}, status=400)


def client(server) -> MlflowClient:
    return MlflowClient(server.url, timeout=3)


def names(pages) -> list[str]:
    return [model.name for page in pages for model in page.models]


def test_models_are_listed_page_by_page_and_prompts_after_them(broken):
    def pages(path, query):
        if "filter" in query:
            return Reply.json({"registered_models": [MODEL | {"name": "a prompt"}]})
        if "page_token" in query:
            return Reply.json({"registered_models": [MODEL | {"name": "second"}]})
        return Reply.json({"registered_models": [MODEL | {"name": "first"}], "next_page_token": "more"})

    broken.decide = pages
    with client(broken) as mlflow:
        listed = list(model_pages(mlflow))
        assert names(listed) == ["first", "second", "a prompt"]
        assert [page.after for page in listed] == [Place(0, "more"), Place(1), None]
        assert names(model_pages(mlflow, Place(0, "more"))) == ["second", "a prompt"]
        assert names(model_pages(mlflow, Place(1))) == ["a prompt"]


def test_a_place_is_read_as_it_was_written():
    assert [Place.read(str(place)) for place in (Place(), Place(1, "a:b"))] == [Place(), Place(1, "a:b")]


def test_pages_that_never_end_are_an_error(broken):
    broken.always(Reply.json({"registered_models": [], "next_page_token": "again"}))
    with client(broken) as mlflow, pytest.raises(MlflowUnavailable) as caught:
        list(model_pages(mlflow))
    assert str(caught.value) == "MLflow's answer cannot be understood: its pages do not end."


def test_a_listing_whose_page_is_refused_begins_again_once(broken):
    asked = []

    def expires(path, query):
        asked.append(query.get("page_token", ""))
        if asked[-1] and asked.count(asked[-1]) == 1 and "filter" not in query:
            return REFUSED
        first = {"registered_models": [MODEL], "next_page_token": "more"}
        return Reply.json({} if asked[-1] or "filter" in query else first)

    broken.decide = expires
    with client(broken) as mlflow:
        assert names(model_pages(mlflow)) == ["churn", "churn"]
    assert asked == ["", "more", "", "more", ""]


def test_a_page_that_is_refused_again_is_a_plain_error(broken):
    first = Reply.json({"registered_models": [MODEL], "next_page_token": "more"})
    broken.decide = lambda path, query: REFUSED if "page_token" in query else first
    with client(broken) as mlflow, pytest.raises(MlflowUnavailable) as caught:
        list(model_pages(mlflow))
    assert str(caught.value) == (
        "MLflow does not go on with its own listing. MLflow refused (INVALID_PARAMETER_VALUE): no such page"
    )


def test_the_newest_are_listed_until_those_known_already(broken):
    rows = [VERSION | {"version": str(n), "last_updated_timestamp": 9000 - n * 1000} for n in range(1, 5)]
    broken.decide = lambda path, query: Reply.json({"model_versions": rows, "next_page_token": "more"})
    since = datetime.fromtimestamp(6, UTC)
    with client(broken) as mlflow:
        assert [version.number for version in newest_versions(mlflow, lambda: since)] == [1, 2]
    assert len(broken.asked) == 1


def test_versions_of_many_models_are_asked_for_at_once_and_one_by_one_where_mlflow_refuses_that(broken):
    def knows_no_in(path, query):
        if " IN " in query["filter"]:
            return REFUSED
        return Reply.json({"model_versions": [VERSION | {"name": query["filter"].split("'")[1]}]})

    broken.decide = knows_no_in
    remote = Remote()
    with client(broken) as mlflow:
        add_versions(mlflow, remote, ["a", "b"])
    assert (sorted(remote.versions), sorted(remote.complete)) == (["a", "b"], ["a", "b"])


def test_a_filter_of_many_names_fits_into_an_address(broken):
    lengths = []

    def measure(path, query):
        lengths.append(len(query["filter"]))
        return Reply.json({})

    broken.decide = measure
    with client(broken) as mlflow:
        add_versions(mlflow, remote := Remote(), [f"{'m' * 200} {number}" for number in range(40)])
    assert (len(remote.complete), len(lengths), max(lengths) < 3500) == (40, 3, True)
