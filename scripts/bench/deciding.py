"""What a decision costs: until MLflow shows it, a long request, a long queue, a large version's evidence.

Needs Django set up for the bench's database.
"""

import os
import time

from django.db import connection
from django.utils import timezone

from apps.accounts.models import User
from apps.approvals import evidence, findings, services, waiting
from apps.approvals.models import ApprovalPolicy, ApprovalRequest, Review
from apps.approvals.policies import drafting, publishing
from apps.demo import commands
from apps.jobs.models import ACTIVE_STATES, Job
from apps.registry.models import DetailsState, ModelVersion, RegisteredModel
from scripts.bench import seeding, visitors
from scripts.bench.asking import Caller
from scripts.bench.measuring import Times, head, in_turns, say, verdict
from scripts.bench.servers import Processes, wait_for

API = "/api/2.0/mlflow"
QUEUE = 5_000
DECISIONS, MOST_DECISION_MS, PATIENCE = 30, 1_000, 30.0
NEEDED, REVIEWS, METRICS, FILES, MOST_PAGE_MS, MOST_QUEUE_MS = 10, 200, 500, 300, 150, 100
LARGE_METRICS, LARGE_FILES, MOST_DIGEST_MS = 1_000, 2_000, 20
LOOK_EVERY, START_SECONDS = 0.02, 5.0  # seconds
TARGET = "Staging"


def measure(processes: Processes, mlflow: Caller) -> None:
    people = visitors.committee(REVIEWS)
    port = int(os.environ["PORT"])
    processes.start("web", commands.web(port))
    wait_for(port)
    pages = visitors.with_session(f"http://127.0.0.1:{port}", people[0])
    head("sign-off, PostgreSQL", "median / p95, ms", "target")
    _tell("evidence digest, 1,000 metrics and 2,000 files", digest_times(), MOST_DIGEST_MS)
    number = fill_request(people)
    _tell("page of a request, 200 reviews, 500 metrics, 300 files", _page(pages, f"/requests/{number}/"), MOST_PAGE_MS)
    fill_queue(people)
    _tell("review queue with 5,000 open requests", _page(pages, "/reviews/"), MOST_QUEUE_MS)
    _publish(1, stage="Archived")
    visitors.read_details(*(decided_name(turn) for turn in range(DECISIONS + 1)))
    processes.start("worker", commands.worker())
    time.sleep(START_SECONDS)
    times = [decide(people, mlflow, turn) for turn in range(DECISIONS + 1)][1:]  # the first one warms up
    _tell("last approval until MLflow shows the stage", Times.of(times), MOST_DECISION_MS)


def digest_times() -> Times:
    """What the evidence of a large version costs, from the mirror's row to its digest."""
    version = _version(1, metrics=LARGE_METRICS, files=LARGE_FILES)
    request = ApprovalRequest(version=version, from_stage="None", to_stage=TARGET, archive_existing=False)

    def once() -> None:
        evidence.take(request)

    return in_turns(once)[0]


def fill_request(people: list[User]) -> int:
    """Make a request with a word of 200 people, one short of what it needs still standing, and return its number."""
    version = _version(2, metrics=METRICS, files=FILES)
    _publish(NEEDED, version.model, TARGET)
    request = services.open_request(version.pk, TARGET, reason="To be measured.", by=people[-1])
    Review.objects.bulk_create(
        Review(
            request=request, requester=people[-1], reviewer=person, counts_for=person, verdict="approve",
            comment="Looked at everything that changed.", evidence_digest=request.evidence_digest,
            signed_name=str(person), standing=place < NEEDED - 1,
            statement="I approve this request on the evidence shown.",
        )
        for place, person in enumerate(people[:REVIEWS])
    )  # fmt: skip
    return int(request.pk)


def fill_queue(people: list[User]) -> None:
    """Make 5,000 requests that wait, each with what the queue finds it by."""
    policy = _publish(1, stage="Production")
    versions = ModelVersion.objects.filter(stage="None", deleted_at=None).select_related("model").order_by("-pk")
    for version in versions[:QUEUE]:
        request = ApprovalRequest(
            version=version, from_stage="None", to_stage="Production", archive_existing=True, requester=people[-1],
            reason="The month's build.", policy=policy, evidence={}, evidence_digest="0" * 64,
            submitted_at=timezone.now(),
        )  # fmt: skip
        findings.take(request)
        request.save()
        waiting.note(request)
    _analyse()


def decide(people: list[User], mlflow: Caller, turn: int) -> float:
    """Open a request, give the approval that it waits for, and return the seconds until MLflow shows the stage."""
    name = decided_name(turn)
    version = ModelVersion.objects.get(model__name=name, number=seeding.VERSIONS)
    request = services.open_request(version.pk, "Archived", reason="To be measured.", by=people[-1])
    _wait_until_idle()
    began = time.perf_counter()
    services.act(request.pk, "approve", by=people[0], evidence_digest=request.evidence_digest)
    while time.perf_counter() < began + PATIENCE:
        seen = mlflow.json(f"{API}/model-versions/get", name=name, version=str(version.number))
        if seen["model_version"]["current_stage"] == "Archived":
            return time.perf_counter() - began
        time.sleep(LOOK_EVERY)
    raise TimeoutError(f"{version} did not reach its stage within {PATIENCE:g} seconds.")


def _wait_until_idle() -> None:
    """Wait until the worker has nothing to do: the other requests of the model before were looked at again."""
    deadline = time.monotonic() + PATIENCE
    while Job.objects.filter(state__in=ACTIVE_STATES).exists():
        if time.monotonic() > deadline:
            raise TimeoutError(f"The worker was still busy after {PATIENCE:g} seconds.")
        time.sleep(LOOK_EVERY)


def decided_name(turn: int) -> str:
    """Return the model of a turn: one of those whose runs were seeded."""
    every = seeding.MODELS // seeding.RUNS_OF
    return seeding.names(turn * every, turn * every + 1)[0]


def _version(number: int, *, metrics: int, files: int) -> ModelVersion:
    """Make the newest model's version `number` as large as that, as if it had been read."""
    version = ModelVersion.objects.select_related("model").filter(number=number).latest("model")
    version.metrics = {f"metric_{place:04}": place / 7 for place in range(metrics)}
    version.params = {f"param_{place:03}": str(place) for place in range(metrics // 10)}
    version.files = [{"path": f"data/part-{place:05}.bin", "size": place * 997} for place in range(files)]
    version.details_state, version.details_at, version.details_due_at = DetailsState.LOADED, timezone.now(), None
    version.save()
    return version


def _publish(needed: int, model: RegisteredModel | None = None, stage: str = "") -> ApprovalPolicy:
    """Publish a policy as the operator of the server does."""
    values = {"stage": stage, "model": model, "reason": "To be measured."}
    drafted = drafting.draft(values, [{"needed": needed}], by=None)
    return publishing.publish(drafted.pk, by=None)


def _tell(name: str, times: Times, most: float) -> None:
    say(name, str(times), verdict(times.p95 <= most, f"p95 ≤ {most} ms"))


def _page(caller: Caller, path: str) -> Times:
    return in_turns(lambda: caller.get(path))[0]


def _analyse() -> None:
    with connection.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE")
