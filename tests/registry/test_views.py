"""The registry's pages: what they show, to whom, and at what cost."""

import re
from html import unescape

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from apps.jobs.models import Job
from apps.registry.models import SyncRun, SyncState
from tests.builders import make_model, make_version
from tests.registry.rows import THEN, model, version

AWKWARD = [
    "<script>alert(1)</script>",
    "a/b",
    'say "hi"',
    "50% off",
    "two words",
    "感情分析",
    "x" * 250,
    "..",
    "a@3",
    "a&b=c",
]


@pytest.fixture
def reader(client, charlie):
    client.force_login(charlie)
    return client


def listed(response) -> list[str]:
    """Return the names of the models that a list shows, in order."""
    return [
        unescape(name) for name in re.findall(r'strong-link" href="/models/[^"]*">([^<]*)<', response.content.decode())
    ]


def text_of(response) -> str:
    """Return what a page says, without its markup."""
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", response.content.decode())).split())


@pytest.mark.parametrize("path", ["/models/", "/models/churn/", "/models/churn/v/1/", "/compare/", "/sync/"])
def test_pages_ask_strangers_to_sign_in(client, db, path):
    assert client.get(path).headers["Location"] == f"/sign-in/?next={path}"


def test_model_page_costs_the_same_for_1_10_and_100_versions(reader):
    churn = model()
    costs = []
    for have, want in ((0, 1), (1, 10), (10, 100)):
        for number in range(have + 1, want + 1):
            version(churn, number, metrics={"accuracy": 0.9}, description="x")
        costs.append(count_of(reader, "/models/churn/"))
    assert costs == [costs[0]] * 3


def count_of(client, path: str = "/models/") -> int:
    """Return how many queries a page takes."""
    with CaptureQueriesContext(connection) as queries:
        assert client.get(path).status_code == 200
    return len(queries)


@pytest.mark.parametrize("name", AWKWARD)
def test_awkward_names_lead_to_a_comparison(reader, name):
    churn = make_model(name)
    make_version(churn, 1, stage="Production")
    make_version(churn, 2)
    page = reader.get(reverse("registry:version-detail", args=[name, 2])).content.decode()
    link = unescape(re.search(r'href="(/compare/\?[^"]*)"', page)[1])
    assert reader.get(link).context["comparison"].candidate.model.name == name


UNKNOWN = [
    "/models/nope/",
    "/models/churn/v/9/",
    "/models/churn/v/99999999999999999999/",
    "/models/%00/",
    "/compare/?candidate=nope@1",
    "/compare/?candidate=churn@9",
]


@pytest.mark.parametrize("path", UNKNOWN)
def test_unknown_models_and_versions_are_not_found(reader, path):
    make_version(make_model(), 1)
    assert reader.get(path).status_code == 404


@pytest.mark.parametrize("path", ["/models/churn/", "/models/churn/v/1/", "/compare/?candidate=churn@1"])
def test_what_may_not_be_seen_is_not_found(client, mallory, path):
    make_version(make_model(), 1)
    client.force_login(mallory)
    assert client.get(path).status_code == 404


def test_version_page_shows_its_evidence(reader):
    make_version(make_model(), 1)
    text = text_of(reader.get("/models/churn/v/1/"))
    wanted = ["accuracy 0.9", "depth 3", "age input long required", "scikit-learn==1.7.0 exact", "may train d1 local",
              "Commit abc", "note x", "Trained on May data."]  # fmt: skip
    assert [part for part in wanted if part not in text] == []


def test_version_page_names_its_gaps(reader):
    make_version(make_model(), 1, metrics={}, params={}, signature=None, requirements=None, datasets=[], run={})
    text = text_of(reader.get("/models/churn/v/1/"))
    gaps = ["No metric was logged", "No parameter was logged", "No signature was logged",
            "There is no requirements.txt", "No data set was logged", "Commit not recorded"]  # fmt: skip
    assert [gap for gap in gaps if gap not in text] == []


def test_version_page_does_not_call_a_gap_what_was_not_read_yet(reader):
    version(model(), 1)
    text = text_of(reader.get("/models/churn/v/1/"))
    assert ("have not been read yet" in text, "No signature was logged" in text) == (True, False)


def test_version_page_says_why_details_failed(reader):
    version(model(), 1, details_state="failed", details_error="MLmodel is larger than 1 MB")
    assert "MLmodel is larger than 1 MB" in text_of(reader.get("/models/churn/v/1/"))


def test_version_page_compares_with_production(reader):
    churn = make_model()
    make_version(churn, 1, stage="Production", metrics={"loss": 0.2})
    make_version(churn, 2, metrics={"loss": 0.3})
    assert "loss 0.3 0.2 +0.1 (+50 %) worse" in text_of(reader.get("/models/churn/v/2/"))


def test_keys_of_strangers_do_not_shadow_the_template(reader):
    make_version(make_model(), 1, params={"items": "x", "keys": "y"}, tags={"items": "z"})
    text = text_of(reader.get("/models/churn/v/1/"))
    assert ("items x" in text, "items z" in text) == (True, True)


def test_comparison_takes_production_as_base(reader):
    churn = make_model()
    first, second = make_version(churn, 1, stage="Production"), make_version(churn, 2)
    assert reader.get("/compare/?candidate=churn@2").context["comparison"].versions == (first, second)


def test_comparison_says_in_short_what_differs(reader):
    churn = make_model()
    make_version(churn, 1, metrics={"accuracy": 0.9, "loss": 0.2})
    make_version(churn, 2, metrics={"accuracy": 0.95, "loss": 0.3}, requirements=["scikit-learn==1.7.1"])
    text = text_of(reader.get("/compare/?base=churn@1&candidate=churn@2"))
    assert "1 metric better 1 metric worse (loss +50 %) signature unchanged 1 package changed" in text


def test_comparison_of_a_version_with_itself_is_explained(reader):
    make_version(make_model(), 1)
    assert "Both sides are the same version" in text_of(reader.get("/compare/?base=churn@1&candidate=churn@1"))


@pytest.mark.parametrize("query", ["base=churn", "base=@1", "base=churn@x", "base=churn@", "base=%00@1"])
def test_comparison_names_a_malformed_side(reader, query):
    response = reader.get(f"/compare/?{query}")
    assert (response.status_code, "“base” cannot be understood" in text_of(response)) == (400, True)


def test_sync_page_says_since_when_mlflow_fails(reader):
    SyncRun.objects.create(state=SyncState.FAILED, finished_at=THEN, requested_by="t", error="MLflow did not answer")
    text = text_of(reader.get("/sync/"))
    assert ("MLflow has not answered since" in text, "The last attempt said: MLflow could not be read." in text) == (
        True,
        True,
    )


def test_sync_button_is_for_those_who_may(client, charlie, admin):
    offered = []
    for person in (charlie, admin):
        client.force_login(person)
        offered.append("Sync now" in text_of(client.get("/sync/")))
    assert offered == [False, True]


def test_sync_page_counts_models_only_for_those_who_run_syncs(client, charlie, admin):
    SyncRun.objects.create(requested_by="test", state="done", finished_at=timezone.now(), counts={"models": 4321})
    counted = []
    for person in (charlie, admin):
        client.force_login(person)
        counted.append("4,321" in text_of(client.get("/sync/")))
    assert counted == [False, True]


def test_sync_starts_from_the_button(client, admin):
    client.force_login(admin)
    response = client.post("/sync/run/")
    assert (response.headers["Location"], Job.objects.filter(kind="registry.sync").count()) == ("/sync/", 1)


def test_sync_is_refused_without_the_permission(reader):
    assert (reader.post("/sync/run/").status_code, reader.get("/sync/run/").status_code) == (403, 405)


def test_theme_follows_the_cookie_only_when_it_is_one_of_ours(reader):
    seen = []
    for theme in ("dark", "light", "system", '"><b>'):
        reader.cookies["theme"] = theme
        seen.append(re.search(r"<html[^>]*>", reader.get("/models/").content.decode())[0])
    assert (
        seen == ['<html lang="en" data-theme="dark">', '<html lang="en" data-theme="light">'] + ['<html lang="en">'] * 2
    )


def test_pages_carry_no_inline_script_style_or_handler(reader):
    churn = make_model()
    make_version(churn, 1, stage="Production")
    make_version(churn, 2)
    paths = ["/models/", "/models/churn/", "/models/churn/v/2/", "/compare/?candidate=churn@2", "/sync/", "/nope/"]
    inline = re.compile(r"<script(?![^>]*\bsrc=)|<style|\sstyle=|\son[a-z]+=")
    assert [path for path in paths if inline.search(reader.get(path).content.decode())] == []


def test_comparison_calls_a_new_required_input_breaking(reader):
    churn = make_model()
    age, plan = ({"name": name, "type": "long", "required": True} for name in ("age", "plan"))
    tenure = {"name": "tenure", "type": "long", "required": False}
    make_version(churn, 1, signature={"inputs": [age], "outputs": [], "params": []})
    make_version(churn, 2, signature={"inputs": [age, plan, tenure], "outputs": [], "params": []})
    text = text_of(reader.get("/compare/?base=churn@1&candidate=churn@2"))
    assert re.findall(r"added (plan|tenure) (breaking)?", text) == [("plan", "breaking"), ("tenure", "")]


def test_model_page_leads_to_the_request_of_the_newest_version(client, alice):
    client.force_login(alice)
    churn = model()
    version(churn, 1, stage="Production")
    version(churn, 2)
    page = client.get("/models/churn/")
    assert (
        "Request promotion of v2" in text_of(page),
        'href="/models/churn/v/2/request/"' in page.content.decode(),
    ) == (
        True,
        True,
    )


def test_model_page_offers_no_request_for_what_is_in_production(client, alice):
    client.force_login(alice)
    version(model(), 1, stage="Production")
    assert "Request promotion" not in text_of(client.get("/models/churn/"))


@pytest.mark.parametrize(("stage", "alias"), [("Production", "champion"), ("Staging", "archived")])
def test_model_page_loads_by_the_alias_of_the_version_in_production(reader, stage, alias):
    churn = model()
    version(churn, 1, "archived")
    version(churn, 2, "champion", stage=stage)
    assert f'models:/churn@{alias}"' in text_of(reader.get("/models/churn/"))


@pytest.mark.parametrize("path", ["/models/churn/", "/models/churn/v/1/"])
@pytest.mark.parametrize("address", ["", "/mlflow", "https://mlflow.example.org"])
def test_pages_link_to_mlflow_where_it_is_published(reader, settings, path, address):
    settings.MLFLOW_PUBLIC_URL = address
    version(model(), 1, run_id="r1", run={"name": "brave-owl", "experiment_id": "3"})
    page = reader.get(path).content.decode()
    assert ("Open in MLflow" in page, f'href="{address}/#/models/churn' in page) == (bool(address), bool(address))


def test_version_page_names_the_run_without_a_link_where_mlflow_is_not_published(reader, settings):
    settings.MLFLOW_PUBLIC_URL = ""
    version(model(), 1, run_id="r1", run={"name": "brave-owl", "experiment_id": "3"})
    assert "Run brave-owl" in text_of(reader.get("/models/churn/v/1/"))
