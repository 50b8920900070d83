"""What it costs that people see a part: 10,000 models, 200 groups, 5,000 grants, 500 name patterns among them.

The pages of whoever manages them are asked for too, with 2,000 people, each in three of the groups.

The mirror is filled without an MLflow: who sees what is Assent's own question.
"""

import os
import tempfile
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path

from scripts.bench import large, seeding
from scripts.bench.measuring import head, in_turns, say, seconds, verdict
from scripts.bench.servers import Processes, database, free_port, redis, wait_for
from tests.servers.postgres import postgres_url

GROUPS, GRANTS, PATTERNS, OF_PERSON = 200, 5_000, 500, 5  # a person is in so many of the groups
MADE = {"reason": "Bench", "made_by": "bench"}
MOST_MS = 60  # p95 of the list
PEOPLE, GROUPS_EACH, MANAGED_MS = 2_000, 3, 150  # p95 of each page about people
ROLES = ("viewer", "data_scientist", "reviewer", "ml_engineer")
PAGES = (
    ("first page", "/models/"),
    ("sorted by the last change", "/models/?sort=-updated"),
    ("one team's", "/models/?tag=team%3Dpayments"),
    ("name search", "/models/?q=fraud"),
)
MANAGED = (
    ("people and groups", "/people/"),
    ("people and groups, search", "/people/?q=person+1"),
    ("roles, with who holds them", "/people/roles/"),
    ("roles, one role on models", "/people/roles/?role=viewer&scope=model"),
    ("grants", "/people/grants/"),
)
EVERYBODY = ("conflicts, where everybody has one", "/people/conflicts/")  # no promise: nobody's registry is so


def main() -> None:
    """Start what is needed, measure, and drop it all."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="assent-bench-")))
        processes = Processes(folder / "log")
        ours = stack.enter_context(database(postgres_url(), "visibility"))
        stack.callback(processes.stop)
        os.environ |= large.environment(folder, ours, mlflow=free_port(), redis=redis(processes, folder))
        large.migrate(ours)
        import django

        django.setup()
        measure(processes)


def measure(processes: Processes) -> None:
    """Fill, ask for the list as somebody who sees about half of it, and as somebody with patterns alone."""
    from django.db import connection

    from apps.accounts import granting
    from apps.demo import commands
    from scripts.bench import visitors

    fill_models()
    half, few = fill_grants()
    fill_people()
    admin = visitors.admin()
    took = seconds(lambda: granting.complete(repair=False))
    with connection.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE")
    port = int(os.environ["PORT"])
    processes.start("web", commands.web(port))
    wait_for(port)
    address = f"http://127.0.0.1:{port}"
    head("visibility, PostgreSQL, median / p95, ms", *(f"sees {seen:,}" for _person, seen in (half, few)), "target")
    callers = [visitors.with_session(address, person) for person, _seen in (half, few)]
    for name, path in PAGES:
        times = in_turns(*(lambda caller=caller, path=path: caller.get(path) for caller in callers))
        holds = verdict(max(side.p95 for side in times) <= MOST_MS, f"≤ {MOST_MS} ms")
        say(name, *(str(side) for side in times), holds)
    head("pages about people, PostgreSQL, median / p95, ms", f"{PEOPLE:,} people", "target")
    manager = visitors.with_session(address, admin)
    for name, path in MANAGED:
        (took_here,) = in_turns(lambda path=path: manager.get(path))
        say(name, str(took_here), verdict(took_here.p95 <= MANAGED_MS, f"≤ {MANAGED_MS} ms"))
    say(EVERYBODY[0], str(in_turns(lambda: manager.get(EVERYBODY[1]))[0]), "")
    head("all grants worked out anew", "seconds")
    say(f"{GRANTS:,} grants, {seeding.MODELS:,} models", f"{took:.1f}")


def fill_models() -> None:
    """Mirror the models, with the teams and tiers that they have in the other parts."""
    from apps.registry import summaries
    from apps.registry.models import RegisteredModel

    began = datetime(2026, 1, 1, tzinfo=UTC)
    rows = [
        RegisteredModel(
            name=name,
            tags={"team": seeding.TEAMS[n % 10], "risk_tier": seeding.RISKS[n % 3]},
            created_at=began + timedelta(minutes=n),
            updated_at=began + timedelta(minutes=(n * 7919) % seeding.MODELS),
        )
        for n, name in enumerate(seeding.names(0, seeding.MODELS))
    ]
    RegisteredModel.objects.bulk_create(rows, batch_size=2000)
    summaries.refresh(row.pk for row in rows)


def fill_grants() -> tuple[tuple, tuple]:
    """Give each group its grants. Returns two people, each with how many models they see."""
    from django.contrib.auth.models import Group
    from django.db import transaction

    from apps.accounts import granting, grants
    from apps.accounts.models import Grant, User
    from apps.registry.models import RegisteredModel

    groups = Group.objects.bulk_create(Group(name=f"group {n:03}") for n in range(GROUPS))
    keys = list(RegisteredModel.objects.order_by("pk").values_list("pk", flat=True))
    new = []
    for n in range(GRANTS):
        group, role = groups[n % GROUPS], ROLES[(n // GROUPS) % 4]
        scope, value, key = _scope(n, keys)
        new.append(Grant(**MADE, group=group, role=role, scope=scope, value=value, model_id=key))
    Grant.objects.bulk_create(new, batch_size=1000)
    with transaction.atomic():
        granting.complete(repair=True)
    half, few = (User.objects.create_user(name) for name in ("half", "few"))
    half.groups.set(groups[:: GROUPS // OF_PERSON])
    own = Group.objects.create(name="few")
    few.groups.add(own)
    with transaction.atomic():
        for value in ("fraud-payments-*", "churn-*-classifier-*"):
            Grant.objects.create(**MADE, group=own, role="viewer", scope="pattern", value=value)
        granting.bring_up(own)
    models = RegisteredModel.objects.all()
    return tuple((person, grants.visible_to(person, models).count()) for person in (half, few))  # type: ignore[return-value]


def fill_people() -> None:
    """Add the people, each in some of the groups."""
    from django.contrib.auth.models import Group

    from apps.accounts.models import User

    people = User.objects.bulk_create(User(username=f"person {n:04}") for n in range(PEOPLE))
    groups = list(Group.objects.filter(name__startswith="group ").order_by("pk"))
    through = User.groups.through
    through.objects.bulk_create(
        through(user=person, group=groups[(n * 7 + k * 61) % GROUPS])
        for n, person in enumerate(people)
        for k in range(GROUPS_EACH)
    )


def _scope(n: int, keys: list[int]) -> tuple[str, str, int]:
    """Return where grant `n` counts: one in ten by a pattern, one in twenty-five by a tag, the others on one model."""
    if n < PATTERNS:
        topic, team, kind = seeding.TOPICS[n % 20], seeding.TEAMS[n // 20 % 10], seeding.KINDS[n % 4]
        return "pattern", (f"{topic}-{team}-*", f"{topic}-*-{kind}-*{n % 10}", f"*-{n % 100:02}")[n // 200 % 3], 0
    if n < PATTERNS + GROUPS:
        return "tag", f"team={seeding.TEAMS[n % 10 if n % 2 else n // 10 % 10]}", 0
    return "model", "", keys[(n * 37) % len(keys)]


if __name__ == "__main__":
    main()
