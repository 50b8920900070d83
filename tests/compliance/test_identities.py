"""What a model was called at a moment, and its risk tier then, as the matrix tells them."""

import csv
import io
from datetime import datetime

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from apps.compliance.controls.configuring import configure
from apps.compliance.controls.facts import load
from apps.compliance.matrix import queries
from apps.compliance.matrix.queries import Wanted
from apps.registry.applying import apply
from apps.registry.applying import load as mirrored
from apps.registry.models import DEFAULT_CONNECTION, RegisteredModel
from apps.registry.planning import Remote, plan
from apps.registry.remote import RemoteModel, RemoteVersion
from tests.builders import make_model
from tests.compliance.conftest import START, at, mirror
from tests.compliance.test_matrix import signed_in

STAGES = {1: "None", 2: "Production"}


def rename(old: str, new: str, minute: int) -> None:
    """Let MLflow say that the model is called otherwise: it has the same versions under another name."""
    model = RemoteModel(new, START, at(minute), asked_at=at(minute))
    remote = Remote(models={new: model}, versions={new: {}}, complete={new: at(minute)}, missing={old: at(minute)})
    for number, stage in STAGES.items():
        remote.add_version(RemoteVersion(new, number, stage, START, at(minute), asked_at=at(minute)))
    with transaction.atomic():
        apply(DEFAULT_CONNECTION, plan(remote, mirrored(DEFAULT_CONNECTION, [old, new], lock=True)), remote)


def tagged(minute: int, **tags: str) -> datetime:
    """Mirror other tags; return a moment at which they were there."""
    mirror(minute, STAGES, tags=tags)
    return timezone.now()


def told(moment: datetime | None) -> tuple[str, str]:
    """What the matrix calls the model at a moment, and its tier."""
    [facts] = load(RegisteredModel.objects.all(), moment or timezone.now(), past=moment is not None)
    return facts.reference, facts.risk


def found(user, moment, **wanted) -> list[str]:
    page = queries.page_of(user, Wanted(at=moment, **wanted), timezone.now(), 50)
    return [row.facts.reference for row in page.rows]


def test_a_model_is_called_what_it_was_called_then(churn):
    before = timezone.now()
    rename("churn", "leavers", 20)
    between = timezone.now()
    rename("leavers", "goers", 30)
    assert [told(moment)[0] for moment in (before, between, timezone.now(), None)] == [
        "churn", "leavers", "goers", "goers",
    ]  # fmt: skip


def test_a_risk_tier_is_that_of_then(churn):
    moments = [timezone.now(), tagged(20, risk_tier="low"), tagged(30, risk_tier="high"), tagged(40, team="growth")]
    assert [told(moment)[1] for moment in (*moments, None)] == ["", "low", "high", "", ""]


def test_a_tag_that_changed_twice_was_what_it_was_before_the_first_change(churn):
    then = tagged(20, risk_tier="low")
    tagged(30, risk_tier="medium")
    tagged(40, risk_tier="high")
    assert told(then)[1] == "low"


def test_another_tag_names_the_tier_where_the_first_one_was_not_there_then(churn):
    then = tagged(20, risk="medium")
    tagged(30, risk="medium", risk_tier="high")
    assert (told(then)[1], told(None)[1]) == ("medium", "high")


def test_a_control_for_a_tier_is_asked_of_what_was_of_the_tier_then(churn, admin):
    configure("approval", by=admin, enabled=True, severity="high", tiers=["high"], reason="Only those.", seen=0)
    then = tagged(20, risk_tier="high")
    tagged(30, risk_tier="low")
    outcomes = [
        queries.row_of(RegisteredModel.objects.get(), moment, timezone.now()).cells[0].finding.outcome
        for moment in (then, None)
    ]
    assert outcomes == ["met", "not_applicable"]


def test_models_of_a_moment_are_found_by_their_tier_of_then(churn, charlie):
    make_model("other")
    then = tagged(20, risk_tier="low")
    now = tagged(30, risk_tier="high")
    RegisteredModel.objects.filter(name="other").update(risk="low", tags={"risk_tier": "low"})
    assert [found(charlie, moment, risk=risk) for moment, risk in ((then, "low"), (then, "high"), (now, "high"))] == [
        ["churn", "other"], [], ["churn"],
    ]  # fmt: skip


def test_models_of_a_moment_are_found_by_their_name_of_then(churn, charlie):
    make_model("other")
    then = timezone.now()
    rename("churn", "leavers", 20)
    assert (found(charlie, then, q="CHU"), found(charlie, then, q="leav"), found(charlie, None, q="chu")) == (
        ["churn"], ["churn"], [],
    )  # fmt: skip


def test_a_name_of_then_finds_nothing_that_the_reader_may_not_see(churn, mallory):
    then = timezone.now()
    rename("churn", "leavers", 20)
    assert found(mallory, then, q="churn") == []


def test_the_page_and_the_files_tell_the_name_of_then_and_that_of_now(churn, charlie):
    then = timezone.now().isoformat().replace("+00:00", "Z")
    rename("churn", "leavers", 20)
    client = signed_in(charlie)
    page = client.get("/compliance/", {"date": then}).content.decode()
    assert ('href="/models/leavers/">churn</a>' in page, "now called leavers" in page) == (True, True)
    answer = client.get("/compliance/export.csv", {"date": then})
    row = next(csv.DictReader(io.StringIO(b"".join(answer.streaming_content).decode())))
    assert (row["model"], row["name"]) == ("leavers", "churn")
    row = client.get("/api/v1/compliance/", {"at": then}).json()["results"][0]
    assert (row["model"], row["name"]) == ("leavers", "churn")


@pytest.mark.parametrize("past", [True, False])
def test_it_takes_as_many_queries_for_many_models(churn, past):
    taken = []
    for number in (1, 20):
        for name in range(number):
            make_model(f"m{number}-{name}")
        with CaptureQueriesContext(connection) as asked:
            load(RegisteredModel.objects.all(), timezone.now(), past=past)
        taken.append(len(asked))
    assert taken[0] == taken[1]
