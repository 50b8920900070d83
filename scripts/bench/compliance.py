"""How thousands of models stand to the controls: 5,000 models, each with a version in Production by a request.

The mirror is filled without an MLflow: what is judged is what is stored.
"""

import os
import tempfile
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from scripts.bench import large, seeding
from scripts.bench.measuring import head, in_turns, say, seconds, verdict
from scripts.bench.servers import Processes, database, free_port, redis, wait_for
from tests.servers.postgres import postgres_url

MODELS = 5_000
PAGES = (
    ("matrix, first page, 50 rows", "/compliance/", 150),
    ("matrix at a moment", "/compliance/?date=2026-09-01T00:00", 200),
    ("matrix with counts that are kept", "/compliance/?counts=on", 150),
    ("controls and clauses, judged by a worker", "/compliance/controls/?counts=on", 150),
)
ASKED = ("/compliance/?counts=on", "/compliance/controls/?counts=on")
EXPORTS = ("csv", "json")
BEGAN = datetime(2026, 3, 1, tzinfo=UTC)


def main() -> None:
    """Start what is needed, measure, and drop it all."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="assent-bench-")))
        processes = Processes(folder / "log")
        ours = stack.enter_context(database(postgres_url(), "compliance"))
        stack.callback(processes.stop)
        os.environ |= large.environment(folder, ours, mlflow=free_port(), redis=redis(processes, folder))
        large.migrate(ours)
        import django

        django.setup()
        measure(processes)


def measure(processes: Processes) -> None:
    """Fill; ask for counts that no worker has made yet; let one make them, and ask for the pages."""
    from django.db import connection

    from apps.demo import commands
    from scripts.bench import visitors

    fill()
    reader = visitors.reader()
    with connection.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE")
    port = int(os.environ["PORT"])
    processes.start("web", commands.web(port))
    wait_for(port)
    caller = visitors.with_session(f"http://127.0.0.1:{port}", reader)
    caller.get("/models/")
    head(f"compliance of {MODELS:,} models, PostgreSQL", "median / p95, ms", "target")
    first = [seconds(lambda path=path: caller.get(path)) for path in ASKED]
    slowest = max(first) * 1000
    say("counts that no worker made yet, the slower page", f"{slowest:.1f}", verdict(slowest <= 500, "≤ 500 ms"))
    counting = [seconds(job) for job in jobs()]
    for name, path, most in PAGES:
        times = in_turns(lambda path=path: caller.get(path), turns=40)[0]
        say(name, str(times), verdict(times.p95 <= most, f"≤ {most} ms"))
    head("by a worker, or line by line", "seconds")
    for name, took in zip(("counts of the matrix", "coverage of the clauses"), counting, strict=True):
        say(name, f"{took:.1f}")
    for kind in EXPORTS:
        say(f"export as {kind}", f"{seconds(lambda kind=kind: caller.get(f'/compliance/export.{kind}')):.1f}")


def jobs() -> list:
    """Return what a worker would run for each count that waits, in the order in which they were asked for."""
    from apps.compliance.matrix import keeping
    from apps.jobs.models import Job
    from apps.jobs.tasks import run_job

    numbers = Job.objects.filter(kind=keeping.KIND, state="queued").order_by("pk").values_list("pk", flat=True)
    return [lambda number=number: run_job(number) for number in numbers]


def fill() -> None:
    """Make models with a described version each, brought to Production by a request that somebody approved."""
    from apps.registry import summaries

    versions = _versions()
    requests = _requests(versions)
    _events(requests)
    summaries.refresh(version.model_id for version in versions)


def _versions() -> list[Any]:
    from apps.registry.models import DetailsState, ModelVersion, RegisteredModel

    times = [BEGAN + timedelta(minutes=20 * n) for n in range(MODELS)]
    models = RegisteredModel.objects.bulk_create(
        RegisteredModel(
            name=name, description="What it is for.", created_at=times[n], updated_at=times[n],
            tags={"team": seeding.TEAMS[n % 10], "risk_tier": seeding.RISKS[n % 3]},
        )
        for n, name in enumerate(seeding.names(0, MODELS))
    )  # fmt: skip
    return ModelVersion.objects.bulk_create(
        ModelVersion(
            model=model, number=1, description="Trained on the month.", source=f"models:/m-{model.pk}",
            run_id=f"run{model.pk}", details_state=DetailsState.LOADED, details_at=model.created_at, stage="Production",
            metrics={f"metric_{place}": place / 7 for place in range(30)}, params={"depth": "3"},
            requirements=["scikit-learn==1.7.0"], files=[{"path": f"part-{n}", "size": n} for n in range(20)],
            created_at=model.created_at, updated_at=model.created_at, stage_since=model.created_at,
        )
        for model in models
    )  # fmt: skip


def _requests(versions: list[Any]) -> list[Any]:
    from apps.accounts.models import User
    from apps.approvals import evidence
    from apps.approvals.models import ApprovalPolicy, ApprovalRequest, RequestState, Review
    from apps.registry.models import PlacedBy, Placement

    policy = ApprovalPolicy.objects.create(
        stage="Production", revision=1, reason="Bench", state="published", published_by="bench", published_at=BEGAN
    )
    asker, reviewer = (User.objects.create_user(name) for name in ("asker", "reviewer"))
    requests = []
    for version in versions:
        signed = evidence.material(version)
        requests.append(
            ApprovalRequest(
                version=version, from_stage="None", to_stage="Production", archive_existing=True, requester=asker,
                reason="The month's build.", policy=policy, state=RequestState.APPLIED, submitted_at=version.created_at,
                closed_at=version.created_at, evidence=signed, evidence_digest=evidence.digest(signed),
            )
        )  # fmt: skip
    ApprovalRequest.objects.bulk_create(requests, batch_size=1000)
    Review.objects.bulk_create(
        Review(
            request=request, requester=asker, reviewer=reviewer, counts_for=reviewer, verdict="approve",
            evidence_digest=request.evidence_digest, signed_name="reviewer", statement="I approve this.",
        )
        for request in requests
    )  # fmt: skip
    Placement.objects.bulk_create(
        Placement(
            model=request.version.model, version=request.version, stage="Production", since=request.closed_at,
            source=PlacedBy.ASSENT, request=request.pk,
        )
        for request in requests
    )  # fmt: skip
    return requests


def _events(requests: list[Any]) -> None:
    from django.db import transaction

    from apps.audit import services as audit
    from apps.audit.actions import Action
    from apps.audit.services import Actor, Target

    with transaction.atomic():
        for request in requests:
            model, version = request.version.model, request.version
            for action, target in (
                (Action.MODEL_MIRRORED, Target("model", model.name, model.pk)),
                (Action.VERSION_MIRRORED, Target("version", str(version), model.pk)),
            ):
                audit.record(action, by=Actor("system:sync"), target=target)
            audit.record(
                Action.REQUEST_APPLIED, by=Actor("system:approvals"), version=str(version), to_stage="Production",
                target=Target("request", f"request {request.pk}", model.pk),
            )  # fmt: skip


if __name__ == "__main__":
    main()
