"""The page of a comparison, its exports and its pictures."""

import csv
import json
import re
from html import unescape
from io import StringIO

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from apps.audit.services import Actor
from apps.jobs.models import Job
from apps.registry import stages
from apps.registry.details import keeping
from apps.registry.models import Connection, MetricDirection, ModelVersion, RegisteredModel
from tests.builders import make_model, make_version
from tests.registry.test_views import text_of
from tests.servers.broken import Reply

PNG = b"\x89PNG\r\n\x1a\n" + b"\0" * 20
FIVE = "/compare/?base=churn@1" + "".join(f"&candidate=churn@{number}" for number in range(2, 6))


@pytest.fixture
def reader(client, charlie):
    client.force_login(charlie)
    return client


@pytest.fixture
def churn(db) -> RegisteredModel:
    """Five versions: the first in Production, each with another parameter and a better metric."""
    model = make_model("churn")
    for number in range(1, 6):
        stage = "Production" if number == 1 else "None"
        make_version(model, number, stage=stage, params={"C": str(number), "solver": "lbfgs"},
                     metrics={"accuracy": number / 10, "epochs": number},
                     environment={keeping.COMPLETE: True})  # fmt: skip
    return model


def links(response) -> list[str]:
    """Return where the page's links lead."""
    return [unescape(link) for link in re.findall(r'href="([^"#]+)', response.content.decode())]


def versions_in(response) -> list[str]:
    return [f"{row.model.reference}@{row.number}" for row in response.context["comparison"].versions]


def test_up_to_five_versions_stand_in_the_order_of_the_address(reader, churn):
    page = reader.get("/compare/?base=churn@3&candidate=churn@5&candidate=churn@1&candidate=churn@2&candidate=churn@4")
    assert versions_in(page) == ["churn@3", "churn@5", "churn@1", "churn@2", "churn@4"]


def test_a_sixth_version_is_refused_by_name(reader, churn):
    page = reader.get(f"{FIVE}&candidate=churn@1")
    assert (page.status_code, "At most 5 versions stand side by side" in text_of(page)) == (400, True)


def test_versions_of_models_on_other_connections_are_compared(reader, churn):
    Connection.objects.create(name="eu", url="http://127.0.0.1:9")
    other = RegisteredModel.objects.create(
        name="a@b", connection_id="eu", created_at=churn.created_at, updated_at=churn.updated_at
    )
    make_version(other, 7)
    page = reader.get("/compare/", {"base": "churn@1", "candidate": "eu:a@b@7"})
    assert (versions_in(page), "eu:a@b v7" in text_of(page)) == (["churn@1", "eu:a@b@7"], True)


@pytest.mark.parametrize("query", ["base=churn@1&candidate=secret@1", "base=secret@1", "candidate=nothing@1"])
def test_one_version_that_may_not_be_seen_hides_the_comparison(client, mallory, churn, query):
    make_version(make_model("secret"), 1)
    client.force_login(mallory)
    for path in ("/compare/", "/compare/export.json", "/compare/export.csv"):
        assert client.get(f"{path}?{query}").status_code == 404


def test_pickers_and_suggestions_name_only_what_may_be_seen(client, mallory, churn):
    client.force_login(mallory)
    assert "churn" not in text_of(client.get("/compare/"))
    assert client.get("/compare/").context["suggestions"] == []


def test_nothing_chosen_asks_for_two_versions_with_suggestions(reader, churn):
    page = reader.get("/compare/")
    assert ([picker.name for picker in page.context["pickers"]], page.context["suggestions"]) == (
        ["base", "candidate"],
        ["churn@5"],
    )


def test_each_candidate_can_become_the_base_or_be_removed(reader, churn):
    found = links(reader.get("/compare/?base=churn@1&candidate=churn@2&candidate=churn@3"))
    assert [link for link in found if link.startswith("/compare/?")] == [
        "/compare/?base=churn%402&candidate=churn%401&candidate=churn%403",
        "/compare/?base=churn%401&candidate=churn%403",
        "/compare/?base=churn%403&candidate=churn%402&candidate=churn%401",
        "/compare/?base=churn%401&candidate=churn%402",
    ]


def test_two_versions_are_swapped_in_one_click(reader, churn):
    page = reader.get("/compare/?base=churn@1&candidate=churn@2")
    assert ("/compare/?base=churn%402&candidate=churn%401" in links(page), "Swap" in text_of(page)) == (True, True)


def test_an_empty_field_for_one_more_version_is_ignored(reader, churn):
    page = reader.get("/compare/?base=churn@1&candidate=churn@2&candidate=")
    assert versions_in(page) == ["churn@1", "churn@2"]


def test_a_version_chosen_twice_stands_once(reader, churn):
    page = reader.get("/compare/?base=churn@1&candidate=churn@2&candidate=churn@2")
    assert (versions_in(page), "A version was chosen twice." in text_of(page)) == (["churn@1", "churn@2"], True)


def test_a_picker_keeps_an_old_version_that_is_chosen(reader, churn):
    for number in range(6, 70):
        make_version(churn, number)
    ((_name, options),) = reader.get("/compare/?base=churn@69&candidate=churn@2").context["groups"]
    assert (len(options), options[-1][0]) == (51, "churn@2")


def test_production_and_the_version_before_it_are_one_click_away(reader, churn):
    with transaction.atomic():
        row = ModelVersion.objects.get(model=churn, number=2)
        stages.record_move(row, "churn", "Production", by=Actor("alice"))
    page = reader.get("/compare/?base=churn@3&candidate=churn@4")
    assert page.context["bases"] == [
        ("Compare with v1, in Production now", "/compare/?base=churn%401&candidate=churn%404"),
        ("Compare with v2, in Production before", "/compare/?base=churn%402&candidate=churn%404"),
    ]


def test_parameters_that_differ_come_first_and_the_others_are_folded_away(reader, churn):
    section = reader.get("/compare/?base=churn@1&candidate=churn@2").context["sections"][0]
    assert ([line.name for line in section.changed], [line.name for line in section.same]) == (["C"], ["solver"])


def test_three_versions_are_each_judged_beside_the_base(reader, churn):
    text = text_of(reader.get("/compare/?base=churn@2&candidate=churn@1&candidate=churn@3"))
    assert "accuracy higher is better 0.2 0.1 −0.1 (−50 %) worse 0.3 +0.1 (+50 %) better" in text


def test_versions_with_no_parameter_in_common_are_said_to_have_none(reader, churn):
    make_version(make_model("trees"), 1, params={"depth": "3"})
    text = text_of(reader.get("/compare/?base=churn@1&candidate=trees@1"))
    assert "No parameter has the same name in two versions" in text


def test_other_data_is_said_above_the_metrics(reader, churn):
    make_version(churn, 6, datasets=[{"name": "june", "digest": "d2", "context": "evaluation"}])
    seen = {number: text_of(reader.get(f"/compare/?base=churn@1&candidate=churn@{number}")) for number in (2, 6)}
    assert ["Not measured on the same data." in seen[number] for number in (2, 6)] == [False, True]


def test_columns_in_another_order_are_noted(reader, churn):
    a, b = ({"name": name, "type": "long", "required": True} for name in "ab")
    make_version(churn, 6, signature={"inputs": [a, b], "outputs": [], "params": []})
    make_version(churn, 7, signature={"inputs": [b, a], "outputs": [], "params": []})
    text = text_of(reader.get("/compare/?base=churn@6&candidate=churn@7"))
    assert ("the same signature in another order" in text, "In another order than in the base: v7." in text) == (
        True,
        True,
    )


def test_the_short_summary_names_what_breaks_and_what_got_worse(reader, churn):
    more = [{"name": f"x{n}", "type": "long", "required": True} for n in range(20)]
    make_version(churn, 6, metrics={"auc": 0.8, "log_loss": 0.1}, requirements=["a==1.0", "b==1"])
    make_version(churn, 7, metrics={"auc": 0.9, "log_loss": 0.261}, requirements=["a==2.0", "b==1"],
                 signature={"inputs": [{"name": "age", "type": "long", "required": True}, *more],
                            "outputs": [{"name": "", "type": "long", "required": True}], "params": []})  # fmt: skip
    points = reader.get("/compare/?base=churn@6&candidate=churn@7").context["shorts"][0][1]
    assert [(point.tone, point.text) for point in points] == [
        ("good", "1 metric better"),
        ("bad", "1 metric worse (log_loss +161 %)"),
        ("bad", "20 inputs added (breaking)"),
        ("warn", "1 package changed (1 by a major version)"),
    ]


def test_direction_that_is_not_known_can_be_set_by_those_who_may(client, charlie, admin, churn):
    offered = []
    for person in (charlie, admin):
        client.force_login(person)
        offered.append("/metrics/?metric=epochs" in links(client.get("/compare/?candidate=churn@2")))
    assert offered == [False, True]


def test_a_direction_that_was_set_judges_the_metric(reader, churn):
    MetricDirection.objects.create(metric="epochs", direction="lower", set_by="admin")
    rows = reader.get("/compare/?candidate=churn@2").context["comparison"].metrics
    assert {row.name: row.verdict for row in rows} == {"accuracy": "better", "epochs": "worse"}


def test_what_nobody_opened_yet_is_read_for_the_comparison(reader, churn):
    ModelVersion.objects.filter(number=2).update(environment={})
    for _time in range(2):
        page = reader.get("/compare/?base=churn@1&candidate=churn@2")
    asked = [job.args["version"] for job in Job.objects.all()]
    assert asked == [ModelVersion.objects.get(number=2).pk]
    assert "are being read from MLflow" in text_of(page)


def test_a_comparison_of_what_is_read_reads_nothing(reader, churn):
    page = reader.get("/compare/?base=churn@1&candidate=churn@2")
    assert (Job.objects.count(), "are being read from MLflow" in text_of(page)) == (0, False)


def test_five_versions_of_a_model_cost_as_many_queries_as_two(reader, churn):
    costs = []
    for address in ("/compare/?base=churn@1&candidate=churn@2", FIVE):
        with CaptureQueriesContext(connection) as asked:
            assert reader.get(address).status_code == 200
        costs.append(len(asked))
    assert costs[1] <= costs[0]


@pytest.mark.parametrize("kind", ["json", "csv"])
def test_an_export_is_a_file_named_after_what_is_compared(reader, churn, kind):
    make_version(make_model("a/b “c”"), 3)
    answer = reader.get(f"/compare/export.{kind}", {"base": "churn@1", "candidate": ["churn@2", "a/b “c”@3"]})
    assert answer["Content-Disposition"] == f'attachment; filename="compare-churn-v1-v2-a-b-c-v3.{kind}"'


def test_the_json_export_is_what_the_api_answers(reader, churn):
    query = {"base": "churn@1", "candidate": "churn@2"}
    exported, answered = reader.get("/compare/export.json", query), reader.get("/api/v1/compare/", query)
    assert json.loads(exported.content) == answered.json()


def test_the_csv_export_has_a_line_for_each_thing_compared(reader, churn):
    lines = list(csv.reader(StringIO(reader.get("/compare/export.csv?candidate=churn@2").content.decode())))
    assert lines[:4] == [
        ["part", "name", "change", "churn@1", "churn@2", "direction",
         "difference churn@2", "percent churn@2", "verdict churn@2"],
        ["metric", "accuracy", "changed", "0.1", "0.2", "higher", "0.1", "100.0", "better"],
        ["metric", "epochs", "changed", "1", "2", "", "1", "100.0", "unknown"],
        ["parameter", "C", "changed", "1", "2", "", "", "", ""],
    ]  # fmt: skip


@pytest.mark.parametrize("path", ["/compare/export.csv", "/compare/export.json"])
@pytest.mark.parametrize("query", ["", "?base=churn@1", "?base=&candidate=churn@2"])
def test_there_is_nothing_to_export_before_two_versions_are_chosen(reader, churn, path, query):
    page = reader.get(f"{path}{query}")
    assert (page.status_code, "Choose at least two versions" in text_of(page)) == (400, True)


@pytest.fixture
def pictured(churn, broken, settings) -> str:
    """The address of a picture of a version whose MLflow is the server that misbehaves."""
    settings.MLFLOW_BACKEND_URL = broken.url
    make_version(churn, 6, run_id="r6", pictures=[{"path": "plots/cm.png", "title": "Confusion matrix"}])
    return "/models/churn/v/6/pictures/0/"


def test_pictures_stand_side_by_side_with_words_for_those_who_do_not_see_them(reader, churn, pictured):
    page = reader.get("/compare/?base=churn@1&candidate=churn@6")
    assert 'alt="Confusion matrix of v6"' in page.content.decode()
    assert "Confusion matrix not logged v1 v6" in text_of(page)


@pytest.mark.parametrize(
    ("body", "kind"),
    [(PNG, "image/png"), (b"\xff\xd8\xff\xe0" + b"\0" * 9, "image/jpeg"), (b"GIF89a" + b"\0" * 9, "image/gif"),
     (b"RIFF\0\0\0\0WEBPVP8 ", "image/webp")],
)  # fmt: skip
def test_a_picture_is_what_its_first_bytes_say(reader, pictured, broken, body, kind):
    broken.always(Reply(body, content_type="text/html"))
    answer = reader.get(pictured)
    assert (answer.content, answer["Content-Type"], answer["X-Content-Type-Options"]) == (body, kind, "nosniff")
    assert (answer["Cache-Control"], broken.asked) == ("private, max-age=600", ["/get-artifact"])


@pytest.mark.parametrize("body", [b"<svg onload='alert(1)'/>", b"<html>", b"", b"\x89PN", b"RIFF\0\0\0\0WAVE"])
def test_anything_else_is_not_shown(reader, pictured, broken, body):
    broken.always(Reply(body, content_type="image/png"))
    page = reader.get(pictured)
    assert (page.status_code, "is no PNG, JPEG, GIF or WebP image" in text_of(page)) == (403, True)


def test_a_picture_that_the_browser_has_is_not_sent_again(reader, pictured, broken):
    broken.always(Reply(PNG))
    tag = reader.get(pictured)["ETag"]
    again = reader.get(pictured, headers={"If-None-Match": tag})
    assert (again.status_code, again.content) == (304, b"")


@pytest.mark.parametrize(
    ("reply", "status", "words"),
    [
        (Reply(status=500), 503, "MLflow cannot read the files of this run (error 500)."),
        (Reply(PNG + b"\0" * 6_000_000), 503, "larger than 5120 KB"),
        (Reply.json({"error_code": "RESOURCE_DOES_NOT_EXIST", "message": "gone"}, status=404), 404, "no longer has"),
    ],
)
def test_a_picture_that_mlflow_does_not_deliver_is_a_sentence(reader, pictured, broken, reply, status, words):
    broken.always(reply)
    page = reader.get(pictured)
    assert (page.status_code, words in text_of(page)) == (status, True)


def test_a_silent_mlflow_keeps_nobody_waiting_for_a_picture(reader, pictured, broken, monkeypatch):
    monkeypatch.setattr("apps.registry.comparing.pictures.SECONDS", 0.3)
    broken.always(Reply(says_nothing=True))
    page = reader.get(pictured)
    assert (page.status_code, "MLflow did not answer within 0.3 seconds." in text_of(page)) == (503, True)


@pytest.mark.parametrize("path", ["/models/churn/v/6/pictures/1/", "/models/churn/v/1/pictures/0/"])
def test_a_picture_that_was_not_logged_is_not_found(reader, pictured, broken, path):
    assert (reader.get(path).status_code, broken.asked) == (404, [])


def test_a_stranger_sees_no_picture_and_mlflow_is_not_asked(client, mallory, pictured, broken):
    client.force_login(mallory)
    assert (client.get(pictured).status_code, broken.asked) == (404, [])


@pytest.mark.mlflow
def test_a_picture_comes_from_a_real_mlflow(reader, churn, mlflow_registry):
    info = mlflow_registry.run()
    mlflow_registry.file(info, "plots/cm ä.png", PNG)
    listed = [{"path": path, "title": "x"} for path in ("plots/cm ä.png", "plots/none.png", "../secret.png")]
    make_version(churn, 6, run_id=info["run_id"], pictures=listed)
    answers = [reader.get(f"/models/churn/v/6/pictures/{place}/") for place in range(3)]
    assert (answers[0].content, [answer.status_code for answer in answers]) == (PNG, [200, 404, 503])
