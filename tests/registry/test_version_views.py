"""The pages of one model and of one version, and the check of somebody's data."""

import io
import json
import re
from html import unescape

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import transaction
from django.utils import timezone

from apps.audit.actions import Action
from apps.audit.services import Actor, Target, record
from apps.jobs.models import Job
from apps.registry.models import ModelVersion
from tests.builders import make_model, make_version
from tests.registry.rows import model, version

pytestmark = pytest.mark.django_db
INPUTS = [{"name": "age", "type": "long", "required": True}, {"name": "plan", "type": "string", "required": False}]
MLMODEL = {"signature": {"inputs": json.dumps(INPUTS), "outputs": '[{"type": "long"}]'}}
PAGE, CHECK = "/models/churn/v/1/", "/models/churn/v/1/check-data/"
API = "/api/v1/models/churn/versions/1/check-data/"


@pytest.fixture
def reader(client, charlie):
    client.force_login(charlie)
    return client


def text_of(response) -> str:
    """Return what a page says, without its markup."""
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", response.content.decode())).split())


def send(client, content: str | bytes, name: str = "rows.csv"):
    body = content.encode() if isinstance(content, str) else content
    return client.post(CHECK, {"file": SimpleUploadedFile(name, body)})


def moved(of, number: int, before: str, after: str, by: str = "bob") -> None:
    """Record that a version changed its stage."""
    with transaction.atomic():
        record(
            Action.VERSION_STAGE_CHANGED, by=Actor(by), target=Target("version", f"{of.reference} v{number}", of.pk),
            before={"stage": before}, after={"stage": after},
        )  # fmt: skip


def test_model_page_draws_a_metric_with_its_table(reader):
    churn = model()
    for number, value in enumerate([0.8, None, 0.9], 1):
        stage = "Production" if number == 3 else "None"
        version(churn, number, stage=stage, metrics={"accuracy": value} if value else {}, details_state="loaded")
    response = reader.get("/models/churn/")
    text = text_of(response)
    assert [point.value for point in response.context["chart"].points] == [0.8, None, 0.9]
    assert "Lowest 0.8 in v1, highest 0.9 in v3, newest 0.9 in v3." in text
    assert "v3 0.9 Production v2 not logged v1 0.8" in text


@pytest.mark.parametrize("metric", ["log_loss", "a.b", 'say "hi"', "0", "-1", "é", "$x", "%s"])
def test_model_page_draws_the_metric_that_is_asked_for(reader, metric):
    version(model(), 1, metrics={"accuracy": 0.9, metric: 0.25}, details_state="loaded")
    chart = reader.get("/models/churn/", {"metric": metric}).context["chart"]
    assert [point.value for point in chart.points] == [0.25]


def test_model_page_reads_infinite_values_alike_from_both_databases(reader):
    churn = model()
    for number, value in enumerate(["NaN", "Infinity", "-Infinity", 1], 1):
        version(churn, number, metrics={"loss": value}, details_state="loaded")
    chart = reader.get("/models/churn/?metric=loss").context["chart"]
    assert [point.value for point in chart.points] == ["NaN", "Infinity", "-Infinity", 1]


@pytest.mark.parametrize(("query", "field"), [("metric=%00", "metric"), (f"metric={'x' * 251}", "metric"),
                                              ("cursor=x", "cursor")])  # fmt: skip
def test_model_page_names_the_malformed_field(reader, query, field):
    model()
    response = reader.get(f"/models/churn/?{query}")
    assert (response.status_code, f"“{field}” cannot be understood" in text_of(response)) == (400, True)


def test_model_page_leads_through_all_versions_and_back(reader):
    churn = model()
    ModelVersion.objects.bulk_create(
        ModelVersion(model=churn, number=number, created_at=churn.created_at, updated_at=churn.created_at)
        for number in range(1, 61)
    )
    seen, cursor = [], ""
    while cursor is not None:
        page = reader.get("/models/churn/", {"cursor": cursor}).context["page"]
        seen += [row.number for row in page.rows]
        cursor = page.next or None
    back = reader.get("/models/churn/", {"cursor": page.previous}).context["page"]
    assert (seen, back.rows[-1].number) == (list(range(60, 0, -1)), 11)


def test_model_page_names_every_version_that_is_in_production(reader):
    churn = make_model()
    for number in (1, 2, 3):
        make_version(churn, number, stage="Production" if number != 2 else "Archived")
    assert "v3 is in Production. No request in Assent put it there. Also in Production: v1 ." in text_of(
        reader.get("/models/churn/")
    )


def test_the_timeline_names_what_changed_in_mlflow(reader):
    record(
        Action.MODEL_CHANGED, by=Actor("mlflow"), target=Target("model", "churn", make_model().pk),
        before={"description": "a"}, after={"description": "b", "aliases": {"champion": 1}},
    )  # fmt: skip
    assert "Model changed in MLflow aliases, description by mlflow" in text_of(reader.get("/models/churn/"))


def test_model_page_compares_with_the_version_that_was_in_production_before(reader):
    churn = make_model()
    for number in (1, 2, 3):
        make_version(churn, number, stage="Production" if number == 3 else "Archived")
    moved(churn, 2, "Staging", "Production")
    moved(churn, 2, "Production", "Archived")
    moved(churn, 1, "None", "Archived")
    response = reader.get("/models/churn/")
    assert (response.context["previous"].number, "Compare v3 with v2 before it" in text_of(response)) == (2, True)


def test_model_page_tells_what_happened_to_this_model_only(reader):
    churn, other = make_model(), make_model("other")
    make_version(churn, 1)
    moved(churn, 1, "None", "Staging")
    moved(other, 1, "None", "Archived", by="erin")
    text = text_of(reader.get("/models/churn/"))
    assert ("churn v1 None → Staging by bob" in text, "erin" in text) == (True, False)


def test_model_page_says_how_to_load_it(reader, settings):
    settings.MLFLOW_PUBLIC_URL = "https://mlflow.example.org"
    version(model(), 1, "champion", stage="Production")
    text = text_of(reader.get("/models/churn/"))
    wanted = ['mlflow.set_tracking_uri("https://mlflow.example.org")', '"models:/churn@champion"',
              '"models:/churn/Production"', '"models:/churn/1"']  # fmt: skip
    assert [part for part in wanted if part not in text] == []


def test_model_page_sends_clients_to_assent_where_mlflow_is_not_published(reader, settings):
    settings.MLFLOW_PUBLIC_URL, settings.PUBLIC_URL = "/mlflow", "https://assent.example.org"
    version(model(), 1)
    assert 'mlflow.set_tracking_uri("https://assent.example.org")' in text_of(reader.get("/models/churn/"))


def test_version_page_shows_files_environment_and_links(reader):
    make_version(
        make_model(), 1, tags={"semver": "2.1.0"},
        files=[{"path": "MLmodel", "size": 2048}, {"path": "code/", "size": None}],
        environment={"complete": True, "conda": {"channels": ["conda-forge"], "dependencies": ["python=3.11"]}},
        run={"tags": {"ci_job_url": "https://ci.example.org/1"}},
        requirements=["x @ https://ann:secret@example.org/x.whl"],
    )  # fmt: skip
    response = reader.get(PAGE)
    text = text_of(response)
    wanted = ["Version 2.1.0", "MLmodel 2.0 KB", "conda python=3.11 from conda-forge", "CI job ci.example.org/1",
              "Input example example.json"]  # fmt: skip
    assert [part for part in wanted if part not in text] == []
    assert "secret" not in response.content.decode()


def test_a_version_that_was_read_thoroughly_is_not_read_again(reader):
    make_version(make_model(), 1, environment={"complete": True})
    reader.get(PAGE)
    assert Job.objects.count() == 0


def test_signature_is_a_file_of_json(reader):
    make_version(make_model(), 1)
    response = reader.get("/models/churn/v/1/signature.json")
    assert response.headers["Content-Disposition"] == 'attachment; filename="signature-v1.json"'
    assert response.json()["signature"]["inputs"] == [{"name": "age", "type": "long", "required": True}]


def test_check_says_that_a_file_fits(reader):
    make_version(make_model(), 1, mlmodel=MLMODEL)
    assert "The file fits: 2 rows were checked." in text_of(send(reader, "age,plan\n1,a\n2,\n"))


def test_check_says_what_does_not_fit(reader):
    make_version(make_model(), 1, mlmodel=MLMODEL)
    text = text_of(send(reader, "age,city\nx,Bonn\n"))
    assert "age wrong type 1 value is not long. 1 x" in text
    assert "city unexpected The model does not know this column." in text


def test_check_reads_json_whatever_its_name(reader):
    make_version(make_model(), 1, mlmodel=MLMODEL)
    assert "The file fits: 1 row was checked." in text_of(send(reader, '\ufeff [{"age": 1}]', "rows.txt"))


@pytest.mark.parametrize(("content", "words"), [(b"", "The file is empty"), (b"\xff", "not UTF-8")])
def test_check_says_why_a_file_cannot_be_read(reader, content, words):
    make_version(make_model(), 1, mlmodel=MLMODEL)
    response = send(reader, content)
    assert (response.status_code, words in text_of(response)) == (400, True)


def test_check_wants_a_file(reader):
    make_version(make_model(), 1, mlmodel=MLMODEL)
    response = reader.post(CHECK)
    assert (response.status_code, "This field is required." in text_of(response)) == (400, True)


def test_check_refuses_what_is_too_large_and_keeps_none_of_it(reader, tmp_path, settings):
    settings.FILE_UPLOAD_TEMP_DIR = str(tmp_path)
    make_version(make_model(), 1, mlmodel=MLMODEL)
    response = send(reader, b"age\n" + b"1\n" * (6 * 1024 * 1024))
    assert (response.status_code, "The file is larger than 10 MB." in text_of(response)) == (413, True)
    assert list(tmp_path.iterdir()) == []


def test_check_explains_that_a_version_has_no_signature(reader):
    make_version(make_model(), 1, mlmodel={}, signature=None)
    assert "This version has no signature of its inputs" in text_of(reader.get(CHECK))


def test_check_shows_what_people_send_as_text(reader):
    make_version(make_model(), 1, mlmodel=MLMODEL)
    page = send(reader, "<script>alert(1)</script>\n<b>\n").content.decode()
    assert ("<script>alert" in page, "&lt;script&gt;" in page) == (False, True)


def test_api_checks_csv_and_json_alike(reader):
    make_version(make_model(), 1, mlmodel=MLMODEL)
    csv = reader.post(API, "age,plan\n1,a\nx,b\n", content_type="text/csv").json()
    sent = [{"age": 1, "plan": "a"}, {"age": "x", "plan": "b"}]
    as_json = reader.post(API, json.dumps(sent), content_type="application/json").json()
    finding = {"column": "age", "problem": "type", "expected": "long", "count": 1, "rows": [2], "example": "x",
               "detail": "1 value is not long."}  # fmt: skip
    assert csv == as_json == {"fits": False, "rows": 2, "columns": 2, "findings": [finding], "more": 0}


@pytest.mark.parametrize(("body", "kind", "status"), [("", "text/csv", 400), ("x", "application/json", 400),
                                                      ("age\n1\n", "text/plain", 415)])  # fmt: skip
def test_api_refuses_what_it_cannot_read(reader, body, kind, status):
    make_version(make_model(), 1, mlmodel=MLMODEL)
    response = reader.post(API, body, content_type=kind)
    assert (response.status_code, response.headers["Content-Type"]) == (status, "application/problem+json")


def test_api_refuses_a_table_that_announces_more_than_the_limit(reader):
    make_version(make_model(), 1, mlmodel=MLMODEL)
    body = io.BytesIO(b"age\n" + (b"1" * 99_999 + b"\n") * 110)
    response = reader.generic("POST", API, body.getvalue(), content_type="text/csv")
    assert (response.status_code, "10 MB" in response.json()["detail"]) == (413, True)


def test_api_says_that_there_is_nothing_to_check_against(reader):
    make_version(make_model(), 1, mlmodel={}, signature=None)
    assert reader.post(API, "age\n1\n", content_type="text/csv").status_code == 409


@pytest.mark.parametrize("gone", ["model", "version"])
def test_what_mlflow_deleted_is_not_offered_for_loading(reader, gone):
    row = version(model("churn", deleted_at=timezone.now() if gone == "model" else None), 1)
    ModelVersion.objects.filter(pk=row.pk).update(deleted_at=timezone.now())
    page = reader.get(PAGE).content.decode()
    assert ("load_model" in page, "Open in MLflow" in page) == (False, False)


@pytest.mark.parametrize(
    ("example", "words"),
    [
        ('{"plan": ["<b>basic"]}', 'Input example {"plan": ["<b>basic"]}'),
        ("https://bob:s3cr3t@example.org/x", "Input example https://…@example.org/x"),
        (None, "Its content has not been read yet."),
        ("", "Its content cannot be shown"),
    ],
)
def test_version_page_shows_how_the_input_example_begins(reader, example, words):
    make_version(make_model(), 1, input_example=example)
    response = reader.get(PAGE)
    page = unescape(re.sub(r"</?(h3|pre|p|div)\b[^>]*>", " ", response.content.decode()))
    assert (words in " ".join(page.split()), "<b>basic" in response.content.decode()) == (True, False)


def test_an_example_that_was_never_read_is_read_for_whoever_opens_the_page(reader):
    make_version(make_model(), 1, input_example=None, environment={"complete": True})
    reader.get(PAGE)
    assert Job.objects.count() == 1
