"""The summary of an approved card in a real MLflow: written once, around what people wrote, whatever fails."""

from datetime import timedelta

import pytest
from django.utils import timezone

from apps.approvals import services as approvals
from apps.approvals.models import DriftFinding, Review
from apps.audit.models import AuditEvent
from apps.jobs import services as jobs
from apps.jobs.models import Job
from apps.jobs.tasks import run_job
from apps.modelcards import lifecycle, services, writing_back
from apps.modelcards.models import Card
from apps.modelcards.summary import BEGIN, described, tags_of
from apps.registry import describing, sync
from apps.registry import services as mirror
from apps.registry.models import ModelVersion, RegisteredModel
from tests.builders import make_policy
from tests.modelcards.conftest import LACKING, fill

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.mlflow]


@pytest.fixture
def switched_on(settings) -> None:
    settings.CARD_SUMMARY = True
    settings.PUBLIC_URL = "https://assent.example.org"


@pytest.fixture
def submitted(mlflow_registry, alice, erin) -> Card:
    """A complete card of churn v1, in review, of a version that MLflow really has."""
    mlflow_registry.model("churn", tags={"risk": "low"})
    mlflow_registry.version("churn", metrics={"accuracy": 0.9})
    described_as(mlflow_registry, "Trained on May data.")
    sync.synchronise(requested_by="test")
    mirror.read_due_details()
    RegisteredModel.objects.update(risk="low")
    ModelVersion.objects.update(artifact_digest="f" * 64)
    services.start("churn", 1, by=alice)
    fill(alice)
    return lifecycle.take("submit", "churn", 1, seen=Card.objects.get().digest, by=alice)


def described_as(registry, text: str) -> None:
    registry.call("PATCH", "model-versions/update", name="churn", version="1", description=text)


def in_mlflow(registry) -> dict:
    return registry.call("GET", "model-versions/get", name="churn", version="1")["model_version"]


def tags(registry) -> dict[str, str]:
    return {row["key"]: row["value"] for row in in_mlflow(registry).get("tags", [])}


def approve(erin) -> Job | None:
    lifecycle.take("approve", "churn", 1, seen=Card.objects.get().digest, by=erin)
    return Job.objects.filter(kind=writing_back.SUMMARY_JOB).last()


def summaries() -> list[tuple[str, str]]:
    rows = AuditEvent.objects.filter(action="card.summary_written").order_by("id")
    return list(rows.values_list("outcome", "actor"))


def test_nothing_is_written_while_the_switch_is_off(submitted, erin):
    assert approve(erin) is None


def test_an_approval_is_summarised_beside_what_people_wrote(submitted, erin, mlflow_registry, switched_on):
    run_job(approve(erin).pk)
    text = in_mlflow(mlflow_registry)["description"]
    assert text.startswith(f"Trained on May data.\n\n{BEGIN}")
    assert "approved by erin" in text
    assert tags(mlflow_registry)["assent.card_digest"] == Card.objects.get().digest
    assert tags(mlflow_registry)["assent.card_url"].startswith("https://assent.example.org/models/churn/v/1/")
    assert summaries() == [("done", "system:cards")]


def test_the_mirror_knows_whose_write_it_was(submitted, erin, mlflow_registry, switched_on):
    run_job(approve(erin).pk)
    version = ModelVersion.objects.get()
    assert (version.description, version.tags) == (in_mlflow(mlflow_registry)["description"], tags(mlflow_registry))
    sync.synchronise(requested_by="test")
    assert not AuditEvent.objects.filter(action="version.changed", actor="mlflow", data__after__has_key="tags").exists()
    assert DriftFinding.objects.count() == 0


def test_what_others_wrote_meanwhile_is_theirs_and_stays(submitted, erin, mlflow_registry, switched_on):
    job = approve(erin)
    described_as(mlflow_registry, "Trained on June data.")
    run_job(job.pk)
    assert in_mlflow(mlflow_registry)["description"].startswith("Trained on June data.")
    assert AuditEvent.objects.filter(action="version.changed", actor="mlflow").exists()


def test_a_worker_that_died_after_the_write_is_followed_by_one_that_ends_it(
    submitted, erin, mlflow_registry, switched_on
):
    job = approve(erin)
    card = Card.objects.select_related("version__model__connection", "approved_by").get()
    wanted = writing_back.summary_of(card)
    describing.write(card.version, describing.read(card.version), lambda text: described(text, wanted), tags_of(wanted))
    before = in_mlflow(mlflow_registry)
    run_job(job.pk)
    job.refresh_from_db()
    assert (job.state, in_mlflow(mlflow_registry)) == ("done", before)
    assert ModelVersion.objects.get().description == before["description"]


def test_running_it_again_writes_nothing_more(submitted, erin, mlflow_registry, switched_on):
    job = approve(erin)
    run_job(job.pk)
    before = in_mlflow(mlflow_registry)
    Job.objects.update(state="queued", lease_until=None)
    run_job(job.pk)
    assert (in_mlflow(mlflow_registry), len(summaries())) == (before, 1)


def test_while_mlflow_is_away_it_waits_longer_and_longer(submitted, erin, mlflow_registry, switched_on, settings):
    job, there = approve(erin), settings.MLFLOW_BACKEND_URL
    settings.MLFLOW_BACKEND_URL = "http://127.0.0.1:9"
    run_job(job.pk)
    job.refresh_from_db()
    assert (job.state, job.not_before > timezone.now(), bool(job.error)) == ("queued", True, True)
    settings.MLFLOW_BACKEND_URL = there
    Job.objects.update(not_before=timezone.now() - timedelta(seconds=1))
    run_job(job.pk)
    assert BEGIN in in_mlflow(mlflow_registry)["description"]


def test_what_could_not_be_written_stands_in_the_trail(submitted, erin, switched_on, settings):
    job = approve(erin)
    settings.MLFLOW_BACKEND_URL = "http://127.0.0.1:9"
    Job.objects.update(attempts=writing_back.ATTEMPTS - 1)
    run_job(job.pk)
    assert (summaries(), Card.objects.get().state) == ([("failed", "system:cards")], "approved")


def test_a_version_that_mlflow_lost_is_not_tried_again(submitted, erin, mlflow_registry, switched_on):
    job = approve(erin)
    mlflow_registry.delete_version("churn", 1)
    run_job(job.pk)
    job.refresh_from_db()
    assert (job.state, summaries()) == ("failed", [("failed", "system:cards")])


def test_a_card_that_was_changed_since_is_not_summarised(submitted, erin, alice, mlflow_registry, switched_on):
    job = approve(erin)
    fill(alice, values={"references": ["RFC 9110"]})
    run_job(job.pk)
    assert (in_mlflow(mlflow_registry)["description"], summaries()) == ("Trained on May data.", [])


def test_no_vote_falls_by_it(submitted, erin, alice, bob, mlflow_registry, switched_on):
    make_policy("Staging", required_approvals=2)
    job = approve(erin)
    mirror.refresh_version(ModelVersion.objects.get().pk)
    asked = approvals.open_request(ModelVersion.objects.get().pk, "Staging", reason="Better.", by=alice)
    approvals.act(asked.pk, "approve", by=bob, evidence_digest=asked.evidence_digest)
    run_job(job.pk)
    sync.synchronise(requested_by="test")
    for row in Job.objects.filter(kind="approvals.refresh", state="queued"):
        run_job(row.pk)
    assert list(Review.objects.values_list("standing", flat=True)) == [True]


def test_a_card_that_is_approved_anew_while_the_job_ends_is_written_after_all(submitted, erin, alice, switched_on):
    job = jobs.claim(approve(erin).pk)
    fill(alice, values=LACKING)  # the worker reads that the card is a draft
    lifecycle.take("submit", "churn", 1, seen=Card.objects.get().digest, by=alice)
    assert approve(erin) == job  # there is an active one, so none is added
    writing_back.nothing_to_say(job)
    assert Job.objects.get(pk=job.pk).state == "queued"


def test_the_job_of_a_card_that_is_a_draft_again_ends(submitted, erin, alice, switched_on, mlflow_registry):
    job = approve(erin)
    fill(alice, values=LACKING)
    run_job(job.pk)
    assert Job.objects.get(pk=job.pk).state == "done"
    assert "assent" not in in_mlflow(mlflow_registry)["description"]
