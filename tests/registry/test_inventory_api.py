"""The inventory over the API: pages by cursor, facets, and a schema that says what is taken and given."""

import pytest

from apps.registry.inventory import address
from apps.registry.inventory.serializers import FacetQuery, ModelOut, ModelQuery
from tests.registry.rows import model, version


@pytest.fixture
def api(client, charlie):
    client.force_login(charlie)
    return client


def test_pages_follow_each_other_by_their_links(api):
    for number in range(5):
        model(f"m{number}")
    pages, link = [], "/api/v1/models/?page_size=2&ordering=-name&q=m"
    while link:
        answer = api.get(link).json()
        pages.append([row["name"] for row in answer["results"]])
        link = answer["next"]
    back = api.get(answer["previous"]).json()
    assert (pages, [row["name"] for row in back["results"]]) == ([["m4", "m3"], ["m2", "m1"], ["m0"]], ["m2", "m1"])


def test_the_only_page_has_no_links(api):
    model()
    answer = api.get("/api/v1/models/").json()
    assert (answer["next"], answer["previous"], sorted(answer)) == (None, None, ["next", "previous", "results"])


def test_a_cursor_does_not_serve_another_order(api):
    model("a")
    model("b")
    link = api.get("/api/v1/models/?page_size=1").json()["next"]
    answer = api.get(link + "&ordering=-name")
    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (400, "cursor")


def test_facets_count_what_one_would_find(api):
    version(model("a", tags={"owner": "x"}), 1, "champion", stage="Production")
    model("b", tags={"owner": "y"})
    answer = api.get("/api/v1/facets/?owner=x").json()
    wanted = {name: answer["facets"][name] for name in ("owner", "stage", "alias", "tag")}
    assert (answer["count"], wanted) == (
        1,
        {
            "owner": [{"value": "x", "count": 1}, {"value": "y", "count": 1}],
            "stage": [{"value": "Production", "count": 1}],
            "alias": [{"value": "champion", "count": 1}],
            "tag": [{"value": "owner", "count": 1}],
        },
    )


def test_facets_count_nothing_for_a_stranger(client, mallory):
    version(model("a", tags={"owner": "x"}), 1, "champion", stage="Production")
    client.force_login(mallory)
    answer = client.get("/api/v1/facets/").json()
    assert (answer["count"], {name for name, values in answer["facets"].items() if values}) == (0, set())


def test_the_schema_says_what_a_row_holds(api):
    model()
    assert sorted(api.get("/api/v1/models/").json()["results"][0]) == sorted(ModelOut().fields)


def test_the_schema_says_what_may_be_asked():
    page_only = {"sort", "counts", "more"}
    assert set(ModelQuery().fields) - {"ordering", "page_size"} == set(address.InventoryForm.base_fields) - page_only
    assert set(ModelQuery().fields) - {"ordering", "page_size", "cursor"} == set(FacetQuery().fields) - {"more"}


def test_what_is_asked_is_read_once_however_many_rows_there_are(api, django_assert_num_queries):
    for number in range(3):
        version(model(f"m{number}"), 1, "champion", stage="Production")
    with django_assert_num_queries(3):  # session, person with permissions, and the rows
        api.get("/api/v1/models/?q=m&tag=x&stage=Production&ordering=-open_drift&page_size=1000")


@pytest.mark.parametrize("ordering", ["name", "-owner"])
def test_a_filtered_list_goes_on_and_back_where_it_stood(api, ordering):
    for number in range(5):
        model(f"m{number}", tags={"kind": "x"} | ({"owner": f"o{number}"} if number % 2 else {}))
        model(f"n{number}")
    address = f"/api/v1/models/?tag=kind&ordering={ordering}"
    whole = [row["name"] for row in api.get(address).json()["results"]]
    first = api.get(f"{address}&page_size=2").json()
    second = api.get(first["next"]).json()
    back = api.get(second["previous"]).json()
    pages = [[row["name"] for row in page["results"]] for page in (first, second, back)]
    assert (sorted(whole), pages) == ([f"m{number}" for number in range(5)], [whole[:2], whole[2:4], whole[:2]])
