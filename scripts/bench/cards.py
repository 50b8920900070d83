"""Model cards on PostgreSQL: the page of a card with 500 metrics, and completeness of 10,000 cards, page by page.

The mirror is filled without an MLflow: cards are Assent's own.
"""

import os
import tempfile
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from scripts.bench import large, seeding, visibility
from scripts.bench.measuring import head, in_turns, say, seconds, verdict
from scripts.bench.servers import Processes, database, free_port, redis, wait_for
from tests.servers.postgres import postgres_url

METRICS = 500
BEGAN = datetime(2026, 1, 1, tzinfo=UTC)
NAME = "card-of-many-metrics"
PROSE = "Supports the retention team in choosing **whom to call first**, never in deciding anything by itself.\n\n" * 8
WRITTEN = {
    "intended_use": PROSE, "architecture": PROSE, "metric_rationale": PROSE, "fairness": PROSE,
    "human_oversight": PROSE, "monitoring_plan": PROSE, "rollback_plan": PROSE, "users": ["Retention team"],
    "limitations": [PROSE] * 5, "recommendations": [PROSE] * 5, "owner_team": "growth", "license": "MIT",
    "biases": [{"harm": PROSE, "group": f"group {n}", "mitigation": PROSE} for n in range(5)],
}  # fmt: skip
PAGES = (
    ("page of a card with 500 metrics", f"/models/{NAME}/v/2/card/", 80),
    ("two cards with 500 metrics compared", f"/models/{NAME}/v/2/card/compare/?with=1", 250),
    ("badge of a card", f"/models/{NAME}/v/2/card/badge.svg", 30),
    ("list of 50 models with their cards", "/models/?sort=-updated", 60),
)


def main() -> None:
    """Start what is needed, measure, and drop it all."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="assent-bench-")))
        processes = Processes(folder / "log")
        ours = stack.enter_context(database(postgres_url(), "cards"))
        stack.callback(processes.stop)
        os.environ |= large.environment(folder, ours, mlflow=free_port(), redis=redis(processes, folder))
        large.migrate(ours)
        import django

        django.setup()
        measure(processes)


def measure(processes: Processes) -> None:
    """Fill, and ask for the pages as somebody who may do everything."""
    from django.db import connection

    from apps.accounts.roles import ADMIN, DATA_SCIENTIST
    from apps.demo import commands
    from scripts.bench import visitors

    visibility.fill_models()
    person = _member(ADMIN, DATA_SCIENTIST)
    fill_cards(person)
    with connection.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE")
    port = int(os.environ["PORT"])
    processes.start("web", commands.web(port))
    wait_for(port)
    caller = visitors.with_session(f"http://127.0.0.1:{port}", person)
    head("cards, PostgreSQL, ms", "median / p95", "target at p95")
    for name, path, most in PAGES:
        (times,) = in_turns(lambda path=path: caller.get(path))
        say(name, str(times), verdict(times.p95 <= most, f"≤ {most}"))
    _completeness_of_all()
    _preview(person)


def _member(*roles: Any) -> Any:
    from django.contrib.auth.models import Group

    from apps.accounts import grants
    from apps.accounts.models import User
    from apps.registry.models import RegisteredModel

    group, person = Group.objects.create(name="everybody"), User.objects.create_user("everybody")
    grants.set_role(group, list(roles), None, model_class=RegisteredModel)
    person.groups.add(group)
    return person


def fill_cards(person: Any) -> None:
    """Give each model a version in Production with a card, and one model two cards with everything."""
    from apps.modelcards import services
    from apps.modelcards.filling import Edit
    from apps.modelcards.models import Card
    from apps.registry import summaries
    from apps.registry.models import DetailsState, ModelVersion, RegisteredModel

    large_one = RegisteredModel.objects.create(name=NAME, created_at=BEGAN, updated_at=BEGAN)
    for number in (1, 2):
        metrics = {f"metric_{n:03}": (n * number % 997) / 997 for n in range(METRICS)}
        ModelVersion.objects.create(
            model=large_one, number=number, metrics=metrics, details_state=DetailsState.LOADED, run_id=f"run{number}",
            created_at=BEGAN, updated_at=BEGAN, stage_since=BEGAN,
        )  # fmt: skip
        services.start(NAME, number, by=person)
        edit = Edit(WRITTEN | {"language": f"en {number}"}, confirm=frozenset(WRITTEN))
        services.save(NAME, number, edit, base=1, by=person)
    models = list(RegisteredModel.objects.exclude(pk=large_one.pk).order_by("pk"))
    versions = ModelVersion.objects.bulk_create(
        [ModelVersion(model=model, number=1, stage="Production", created_at=BEGAN, updated_at=BEGAN, stage_since=BEGAN)
         for model in models],
        batch_size=2000,
    )  # fmt: skip
    standing, digest = Card.objects.values_list("standing", "digest").latest("pk")
    Card.objects.bulk_create(
        [
            Card(
                version=version,
                model_id=version.model_id,
                version_number=version.number,
                number=1,
                digest=digest,
                standing=standing,
            )
            for version in versions
        ],
        batch_size=2000,
    )
    summaries.refresh([large_one.pk, *(model.pk for model in models)])


def _completeness_of_all() -> None:
    """Ask how complete every card is, fifty at a time, as the list of models does."""
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    from apps.modelcards.reading import beside
    from apps.registry.models import RegisteredModel

    models = list(RegisteredModel.objects.order_by("pk").values("id", "risk", "production_number")[: seeding.MODELS])
    rows = [{**model, "href": ""} for model in models]
    pages = [rows[first : first + 50] for first in range(0, len(rows), 50)]
    with CaptureQueriesContext(connection) as asked:
        shown = beside.card_cells(pages[0])
    took = seconds(lambda: [beside.card_cells(page) for page in pages])
    head("completeness of all cards", "pages of 50", "cards on one", "queries of a page", "seconds in all")
    say(f"{len(rows):,} models", str(len(pages)), str(len(shown)), str(len(asked)), f"{took:.2f}")


def _preview(person: Any) -> None:
    """Ask what a stricter requirement set would change."""
    from apps.modelcards.reading import previewing

    took = seconds(lambda: previewing.preview({"language": {"high": "S"}}, reason="Texts.", seen=0, by=person))
    head("what a requirement set would change", "seconds")
    say(f"{seeding.MODELS:,} cards in use", f"{took:.2f}")


if __name__ == "__main__":
    main()
