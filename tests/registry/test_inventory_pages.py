"""The page of models: what it shows, to whom, in which order, and what it makes of any address."""

import re
from datetime import timedelta
from html import unescape

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from apps.accounts import grants
from apps.accounts.roles import VIEWER
from apps.registry.models import Connection, RegisteredModel, SyncRun, SyncState
from tests.builders import make_model, make_version
from tests.registry.rows import THEN, model, version
from tests.registry.test_views import AWKWARD, text_of

HTMX = {"HX-Request": "true", "HX-Target": "rows"}


@pytest.fixture
def reader(client, charlie):
    client.force_login(charlie)
    return client


@pytest.fixture
def guest(client, mallory):
    """Somebody who may read two of three models, and nothing else."""
    for name in ("a", "b", "secret"):
        row = version(model(name, tags={"owner": name, "team": "x"}), 1, f"alias-{name}", stage="Production").model
        if name != "secret":
            group = grants.Group.objects.create(name=f"readers of {name}")
            grants.set_role(group, [VIEWER], row)
            mallory.groups.add(group)
    client.force_login(mallory)
    return client


def listed(response) -> list[str]:
    """Return the names of the models that a list shows, in order."""
    return [
        unescape(name) for name in re.findall(r'strong-link" href="/models/[^"]*">([^<]*)<', response.content.decode())
    ]


def counted(client, query: str = "") -> dict[str, dict[str, int]]:
    """Return what the facets say: facet → value → count."""
    panels = client.get(f"/models/?counts=on&{query}").context["panels"]["facets"]
    return {panel.name: {str(box.label): box.count for box in panel.boxes} for panel in panels}


def count_of(client, path: str = "/models/") -> int:
    """Return how many queries a page takes."""
    with CaptureQueriesContext(connection) as queries:
        assert client.get(path).status_code == 200
    return len(queries)


def test_model_list_shows_names_in_order(reader):
    model("b")
    model("a")
    assert listed(reader.get("/models/")) == ["a", "b"]


def test_model_list_hides_what_may_not_be_seen(client, mallory):
    model("secret")
    client.force_login(mallory)
    assert listed(client.get("/models/")) == []


@pytest.mark.parametrize(
    ("query", "names"), [("", ["here"]), ("deleted=on", ["gone", "here"]), ("deleted=only", ["gone"])]
)
def test_model_list_leaves_deleted_models_out_unless_asked(reader, query, names):
    model("gone", deleted_at=THEN)
    model("here")
    assert listed(reader.get(f"/models/?{query}")) == names


@pytest.mark.parametrize(
    "words", ["CHURN", "ninety", "retention", "équipe", "ÉQUIPE", "@champ", "ninety churn", " churn  ", "team=reten"]
)
def test_search_finds_words_of_name_description_tags_and_aliases(reader, words):
    tags = {"team": "retention", "groupe": "équipe"}
    version(model("churn", description="Who leaves within ninety days", tags=tags), 1, "champion")
    model("other", tags={"team": "risk"})
    assert listed(reader.get("/models/", {"q": words})) == ["churn"]


@pytest.mark.parametrize("words", ["churn other", "%", "_", "ch%n", "c_urn", "\\", '"', "'", "\u202echurn", "x" * 250])
def test_search_takes_every_sign_as_it_is(reader, words):
    model("churn", tags={"team": "risk"})
    model("other")
    assert listed(reader.get("/models/", {"q": words})) == []


@pytest.mark.parametrize("name", ["50%", "a_b", "back\\slash", 'say "hi"', "it's", "\u202eabc"])
def test_search_finds_names_of_strange_signs(reader, name):
    model(name)
    model("other")
    assert listed(reader.get("/models/", {"q": name})) == [name]


@pytest.mark.parametrize(
    "query",
    ["stage=Production", "alias=champion", "tag=team", "tag=team%3Drisk", "owner=risk", "risk=high",
     "framework=sklearn", "state=current", "stage=Production&stage=Archived", "owner=nobody&owner=risk",
     "tag=team&owner=risk", "drift=open", "requests=open", "connection=eu", "no=risk&risk=high&owner=risk",
     "requests=open&requests=none&drift=open"],
)  # fmt: skip
def test_model_list_filters(reader, query):
    Connection.objects.create(name="eu")
    churn = model(
        "churn", connection_id="eu", tags={"team": "risk", "risk_tier": "high"}, open_drift=1, open_requests=2
    )
    flavors = {"flavors": {"python_function": {}, "sklearn": {}}}
    version(churn, 1, "champion", stage="Production", details_state="loaded", mlmodel=flavors)
    version(model("other"), 1, stage="Staging")
    assert listed(reader.get(f"/models/?{query}")) == ["eu:churn"]


@pytest.mark.parametrize(
    "query", ["stage=Production&owner=none", "tag=team&tag=x&alias=no", "tag=team%3D", "owner=risk&requests=open"]
)
def test_facets_must_all_hold(reader, query):
    version(model("churn", tags={"team": "risk"}), 1, "champion", stage="Production")
    assert listed(reader.get(f"/models/?{query}")) == []


def test_tag_whose_key_holds_an_equals_sign_is_found(reader):
    model("churn", tags={"a=b": "c"})
    assert [listed(reader.get("/models/", {"tag": tag})) for tag in ("a=b", "a=b=c", "a")] == [["churn"], ["churn"], []]


def test_models_without_an_owner_are_found(reader):
    model("churn", tags={"owner": "risk"})
    model("orphan")
    assert listed(reader.get("/models/?no=owner")) == ["orphan"]


SORTED = {
    "name": ["a", "b", "c"],
    "-name": ["c", "b", "a"],
    "owner": ["b", "a", "c"],
    "-owner": ["a", "b", "c"],
    "production": ["b", "a", "c"],
    "-production": ["a", "b", "c"],
    "drift": ["b", "c", "a"],
    "-drift": ["a", "c", "b"],
    "updated": ["c", "a", "b"],
    "-versions": ["a", "b", "c"],
}


@pytest.mark.parametrize("sort", SORTED)
def test_model_list_sorts_by_any_column_and_puts_what_has_no_value_last(reader, sort):
    first = model("a", tags={"owner": "z"}, open_drift=2)
    second = model("b", tags={"owner": "y"})
    model("c", open_drift=1)
    version(first, 1, stage="Production", stage_since=THEN + timedelta(days=1))
    version(first, 2)
    version(second, 1, stage="Production", stage_since=THEN)
    for days, name in enumerate("cab"):
        RegisteredModel.objects.filter(name=name).update(updated_at=THEN + timedelta(days=days))
    assert listed(reader.get(f"/models/?sort={sort}")) == SORTED[sort]


@pytest.mark.parametrize(
    ("query", "field"),
    [("cursor=x", "cursor"), ("stage=Prod", "stage"), ("sort=id", "sort"), ("deleted=x", "deleted"),
     ("q=%00", "q"), (f"q={'x' * 251}", "q"), (f"q={'x' * 10_000}", "q"), ("owner=%00", "owner"),
     (f"tag={'x' * 251}", "tag"), ("no=stage", "no"), ("drift=perhaps", "drift"), ("more=colour", "more"),
     ("counts=x", "counts"), ("&".join(f"alias={at}" for at in range(51)), "alias")],
)  # fmt: skip
def test_model_list_names_the_malformed_field(reader, query, field):
    response = reader.get(f"/models/?{query}")
    assert (response.status_code, f"“{field}” cannot be understood" in text_of(response)) == (400, True)


def test_model_list_tells_an_empty_search_from_an_empty_registry(reader):
    SyncRun.objects.create(state=SyncState.DONE, finished_at=THEN, requested_by="t")
    empty, searched = text_of(reader.get("/models/")), text_of(reader.get("/models/?q=zzz"))
    assert ("There is no model for you to see" in empty, "No model fits these filters" in searched) == (True, True)


def test_model_list_says_when_nothing_was_read_yet(reader):
    assert "Nothing has been read from MLflow yet" in text_of(reader.get("/models/"))


def test_model_list_says_that_nothing_was_deleted(reader):
    model("churn")
    assert "No model was deleted" in text_of(reader.get("/models/?deleted=only"))


def test_model_list_answers_htmx_with_its_rows_alone(reader):
    model("churn")
    response = reader.get("/models/?q=ch&alias=&sort=", headers=HTMX)
    assert (listed(response), "<html" in response.content.decode()) == (["churn"], False)


def test_rows_for_htmx_put_the_clean_address_into_the_browser_and_ask_for_the_counts(reader):
    response = reader.get("/models/?q=ch&alias=&sort=", headers=HTMX)
    assert (response["HX-Push-Url"], response["HX-Trigger-After-Swap"]) == ("/models/?q=ch", "counts")


def test_counts_for_htmx_come_alone(reader):
    model("churn", tags={"owner": "risk"})
    content = reader.get("/models/", headers=HTMX | {"HX-Target": "facets"}).content.decode()
    assert ('value="risk"' in content, "<table" in content, "<html" in content) == (True, False, False)


def test_page_without_javascript_leads_to_the_counts(reader):
    model("churn", tags={"owner": "risk"})
    plain = reader.get("/models/?q=churn").content.decode()
    link = unescape(re.search(r'href="([^"]*)">Show filters with counts', plain)[1])
    assert 'name="owner" value="risk"' in reader.get(f"/models/{link}").content.decode()


def test_filters_in_force_stay_in_the_form_until_the_counts_are_there(reader):
    content = reader.get("/models/?owner=risk&tag=a%3Db").content.decode()
    assert re.findall(r'<input type="hidden" name="(owner|tag)" value="([^"]*)"', content) == [
        ("owner", "risk"),
        ("tag", "a=b"),
    ]


def test_each_filter_in_force_can_be_taken_away(reader):
    response = reader.get("/models/?q=x&owner=a&owner=b&no=owner&deleted=on&sort=-updated")
    assert {str(link.label): link.href for link in response.context["chosen"]} == {
        "Owner: a": "?q=x&owner=b&no=owner&deleted=on&sort=-updated",
        "Owner: b": "?q=x&owner=a&no=owner&deleted=on&sort=-updated",
        "No owner": "?q=x&owner=a&owner=b&deleted=on&sort=-updated",
        "Deleted in MLflow too": "?q=x&owner=a&owner=b&no=owner&sort=-updated",
    }


def test_facets_count_models(reader):
    version(model("a", tags={"team": "x", "risk_tier": "high"}), 1, "champion", stage="Production")
    version(model("b", tags={"team": "x"}), 1, stage="Production")
    model("c", open_drift=3)
    assert counted(reader) == {
        "stage": {"Production": 2},
        "alias": {"champion": 1},
        "owner": {"x": 2, "No owner": 1},
        "risk": {"high": 1, "No risk tier": 2},
        "tag": {"team": 2, "risk_tier": 1},
        "state": {"Being read": 2, "Up to date": 1},
        "drift": {"To decide": 1},
    }


def test_a_facets_own_choice_does_not_narrow_its_counts_but_those_of_the_others(reader):
    model("a", tags={"owner": "x", "risk": "high"})
    model("b", tags={"owner": "y", "risk": "low"})
    found = counted(reader, "owner=x")
    assert (found["owner"], found["risk"]) == ({"x": 1, "y": 1}, {"high": 1})


def test_search_narrows_the_counts(reader):
    model("churn", tags={"owner": "x"})
    model("other", tags={"owner": "y"})
    assert counted(reader, "q=churn")["owner"] == {"x": 1}


def test_chosen_values_are_shown_though_nothing_has_them(reader):
    model("churn", tags={"owner": "x"})
    found = counted(reader, "owner=gone&alias=gone&tag=a%3Db&stage=Staging&requests=open")
    assert {facet: found[facet] for facet in ("owner", "alias", "tag", "stage", "requests")} == {
        "owner": {"gone": 0},
        "alias": {"gone": 0},
        "tag": {"a=b": 0},
        "stage": {"Staging": 0},
        "requests": {"Open": 0},
    }


@pytest.mark.parametrize(("query", "shown"), [("", 10), ("more=tag", 12)])
def test_facet_shows_its_ten_most_frequent_values_and_more_by_address(reader, query, shown):
    model("all", tags={f"k{at:02}": "v" for at in range(12)})
    model("one", tags={"k11": "v"})
    found = list(counted(reader, query)["tag"])
    assert (found[0], len(found)) == ("k11", shown)


def test_deleted_models_and_prompts_are_not_counted(reader):
    model("gone", tags={"owner": "x"}, deleted_at=THEN)
    model("greeting", tags={"owner": "y"}, kind="prompt")
    assert (counted(reader), counted(reader, "deleted=only").get("owner")) == ({}, {"x": 1})


def test_one_connection_is_no_choice_and_two_are(reader):
    model("a")
    alone = counted(reader)
    Connection.objects.create(name="eu")
    model("a", connection_id="eu")
    assert (alone.get("connection"), counted(reader)["connection"]) == (None, {"default": 1, "eu": 1})


def test_guests_see_and_count_their_own_models_only(guest):
    found = counted(guest)
    assert (listed(guest.get("/models/")), found["owner"], found["alias"], found["stage"], found["tag"]) == (
        ["a", "b"], {"a": 1, "b": 1}, {"alias-a": 1, "alias-b": 1}, {"Production": 2}, {"owner": 2, "team": 2},
    )  # fmt: skip


def test_what_a_guest_may_not_see_is_neither_found_nor_counted_when_asked_for_by_name(guest):
    found = counted(guest, "owner=secret")
    assert (listed(guest.get("/models/?owner=secret")), listed(guest.get("/models/?q=secret")), found["owner"]) == (
        [], [], {"secret": 0, "a": 1, "b": 1},
    )  # fmt: skip


def test_counts_that_are_kept_for_those_who_see_everything_reach_nobody_else(guest, admin, client, settings):
    settings.INVENTORY_COUNTS_SECONDS = 60
    mine = counted(guest)["owner"]
    client.force_login(admin)
    everything = counted(client)["owner"]
    model("new", tags={"owner": "new"})
    kept = counted(client)["owner"]
    client.force_login(grants.User.objects.get(username="mallory"))
    assert (mine, everything, kept, counted(client)["owner"]) == (
        {"a": 1, "b": 1}, {"a": 1, "b": 1, "secret": 1}, {"a": 1, "b": 1, "secret": 1}, {"a": 1, "b": 1},
    )  # fmt: skip


def test_model_list_costs_the_same_for_1_10_and_100_rows(reader):
    def grow(to: int) -> None:
        for number in range(RegisteredModel.objects.count(), to):
            row = model(f"m{number:03}", description="x", tags={"a": "b"})
            version(row, 1, "champion", stage="Production")
            version(row, 2)

    costs = []
    for rows in (1, 10, 100):
        grow(rows)
        costs.append((count_of(reader), count_of(reader, "/models/?counts=on&stage=Production&owner=x")))
    assert costs == [costs[0]] * 3


def test_pages_of_the_list_follow_each_other(reader):
    for number in range(120):
        model(f"m{number:03}")
    first = reader.get("/models/?q=m")
    second = reader.get(f"/models/{first.context['next']}")
    third = reader.get(f"/models/{second.context['next']}")
    back = reader.get(f"/models/{third.context['previous']}")
    assert [len(listed(page)) for page in (first, second, third)] == [50, 50, 20]
    assert (listed(back), third.context["next"], first.context["previous"]) == (listed(second), "", "")


@pytest.mark.parametrize("name", AWKWARD)
def test_awkward_names_are_shown_and_linked(reader, name):
    make_version(make_model(name), 1)
    listing = reader.get("/models/")
    link = unescape(re.search(r'strong-link" href="([^"]*)"', listing.content.decode())[1])
    assert (listed(listing), reader.get(link).context["model"].name) == ([name], name)


@pytest.mark.parametrize("name", AWKWARD)
def test_awkward_values_can_be_chosen(reader, name):
    row = model("churn", tags={"owner": name, name: "v"})
    version(row, 1, name)
    model("other")
    page = reader.get("/models/?counts=on").content.decode()
    boxes = {
        field: unescape(value)
        for field, value in re.findall(r'type="checkbox" name="(owner|alias)" value="([^"]*)"', page)
    }
    assert [listed(reader.get("/models/", {field: value})) for field, value in boxes.items()] == [["churn"]] * 2


@pytest.mark.parametrize(
    ("ago", "words"),
    [(timedelta(0), "v1 · today"), (timedelta(days=1), "v1 · 1 day"), (timedelta(days=90), "v1 · 3 months"),
     (timedelta(days=800), "v1 · 2 years")],
)  # fmt: skip
def test_model_list_says_how_long_the_version_has_been_in_production(reader, ago, words):
    version(model(), 1, stage="Production", stage_since=timezone.now() - ago)
    assert words in text_of(reader.get("/models/"))


def test_row_shows_candidate_aliases_requests_and_drift(reader):
    row = model("churn", tags={"owner": "growth", "risk": "high"}, open_requests=1, open_drift=2)
    version(row, 7, "champion", stage="Production")
    version(row, 8, "challenger", stage="Staging")
    assert "churn growth high v7 @champion – v8 Staging – 1 open 2 to decide" in text_of(reader.get("/models/"))
