"""A real worker is killed at each place of an apply; another one ends the work, once."""

import time
import uuid
from contextlib import contextmanager

import pytest
from django.db import connection, transaction

from apps.approvals import services
from apps.approvals.models import ApprovalRequest, DriftFinding, ProtectedAlias
from apps.audit import chain
from apps.audit.actions import Action
from apps.audit.models import AuditEvent, ChainHead
from apps.jobs.models import Job
from apps.registry import services as mirror
from apps.registry import sync
from apps.registry.models import ModelAlias, ModelVersion
from tests.approvals.holding_proxy import holding_proxy
from tests.approvals.worker import crew
from tests.builders import make_policy
from tests.servers.redis import redis_url

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.mlflow, pytest.mark.worker]


@pytest.fixture
def broker() -> dict[str, str]:
    """The broker's environment: files in the data directory beside SQLite, Redis beside PostgreSQL, as they are run.

    On Redis with keys of this test's own.
    """
    if connection.vendor == "sqlite":
        return {}
    if (url := redis_url()) is None:
        pytest.skip("no Redis: TEST_REDIS_URL, a server on this machine, or the program redis-server")
    return {"REDIS_URL": url, "REDIS_KEY_PREFIX": f"assent-test-{uuid.uuid4().hex}:"}


@pytest.fixture
def approved(mlflow_registry, alice, bob) -> ApprovalRequest:
    """An approved request to move version 2 to Production, where version 1 is."""
    mlflow_registry.model("churn")
    for _ in range(2):
        mlflow_registry.version("churn", metrics={"accuracy": 0.9})
    mlflow_registry.stage("churn", 1, "Production")
    sync.synchronise(requested_by="test")
    mirror.read_due_details()
    make_policy()
    version = ModelVersion.objects.get(number=2)
    asked = services.open_request(version.pk, "Production", reason="Better.", by=alice)
    return services.act(asked.pk, "approve", by=bob, evidence_digest=asked.evidence_digest)


@pytest.mark.parametrize("place", ["write", "written", "read back"])
def test_a_worker_killed_while_applying_is_followed_by_one_that_ends_the_work(
    approved, mlflow_registry, mlflow_server, broker, place, tmp_path
):
    with (
        holding_proxy(mlflow_server, place) as proxy,
        crew(tmp_path / "data", MLFLOW_BACKEND_URL=proxy.url, **broker) as team,
    ):
        team.beat()
        first = team.worker()
        team.wait(proxy.holding.is_set, f"the call to hold ({place})")
        assert state_of(approved) == "applying"
        if place == "read back":
            with nobody_commits():
                proxy.release.set()  # the answer arrives; the commit cannot
                time.sleep(1)
                team.kill(first)
        else:
            team.kill(first)
        assert (state_of(approved), proxy.writes) == ("applying", 0 if place == "write" else 1)
        proxy.release.set()
        team.worker()
        team.wait(lambda: state_of(approved) == "applied", "the end of the apply")
        team.wait(lambda: not Job.objects.exclude(state="done").exists(), "the end of the job")
        assert proxy.writes == 1
    assert [mlflow_registry.stage_of("churn", number) for number in (1, 2)] == ["Archived", "Production"]
    assert list(ModelVersion.objects.order_by("number").values_list("stage", "pending_stage")) == [
        ("Archived", ""),
        ("Production", ""),
    ]
    actions = list(AuditEvent.objects.filter(target=f"request {approved.pk}").values_list("action", flat=True))
    assert sorted(actions) == sorted(
        [
            Action.REQUEST_OPENED,
            Action.REQUEST_EVIDENCE_CHANGED,  # completed: the files are read in full before a sign-off
            Action.REQUEST_REVIEWED,
            Action.REQUEST_APPROVED,
            Action.REQUEST_APPLY_STARTED,
            Action.REQUEST_APPLIED,
        ]
    )
    assert AuditEvent.objects.filter(action=Action.VERSION_STAGE_CHANGED).count() == 2
    assert chain.first_misfit(AuditEvent.objects.order_by("id")) is None


@pytest.fixture
def with_alias(mlflow_registry, alice, bob) -> ApprovalRequest:
    """An approved request to move version 2 to Production, where version 1 is, and the alias with it."""
    mlflow_registry.model("churn")
    for _ in range(2):
        mlflow_registry.version("churn", metrics={"accuracy": 0.9})
    mlflow_registry.stage("churn", 1, "Production")
    mlflow_registry.alias("churn", "champion", 1)
    sync.synchronise(requested_by="test")
    mirror.read_due_details()
    ProtectedAlias.objects.create(alias="champion", added_by="admin")
    make_policy(moves_alias="champion")
    asked = services.open_request(ModelVersion.objects.get(number=2).pk, "Production", reason="Better.", by=alice)
    return services.act(asked.pk, "approve", by=bob, evidence_digest=asked.evidence_digest)


@pytest.mark.parametrize("place", ["write", "written", "alias write", "alias written"])
def test_a_worker_killed_between_stage_and_alias_is_followed_by_one_that_moves_what_is_missing(
    with_alias, mlflow_registry, mlflow_server, broker, place, tmp_path
):
    with (
        holding_proxy(mlflow_server, place) as proxy,
        crew(tmp_path / "data", MLFLOW_BACKEND_URL=proxy.url, **broker) as team,
    ):
        team.beat()
        first = team.worker()
        team.wait(proxy.holding.is_set, f"the call to hold ({place})")
        team.kill(first)
        assert (state_of(with_alias), proxy.writes, proxy.alias_writes) == (
            "applying", 0 if place == "write" else 1, 1 if place == "alias written" else 0,
        )  # fmt: skip
        proxy.release.set()
        team.worker()
        team.wait(lambda: state_of(with_alias) == "applied", "the end of the apply")
        team.wait(lambda: not Job.objects.exclude(state="done").exists(), "the end of the job")
        assert (proxy.writes, proxy.alias_writes) == (1, 1)
    assert [mlflow_registry.stage_of("churn", number) for number in (1, 2)] == ["Archived", "Production"]
    assert ModelAlias.objects.get().version.number == 2
    assert not DriftFinding.objects.exists()
    request = ApprovalRequest.objects.get()
    assert (request.stage_before, request.alias_before) == ("None", "1")
    assert AuditEvent.objects.filter(action=Action.REQUEST_APPLIED).count() == 1
    assert chain.first_misfit(AuditEvent.objects.order_by("id")) is None


@pytest.fixture
def alias_only(with_alias, alice, bob) -> ApprovalRequest:
    """An approved request to point the alias from version 1 to version 2, and nothing else."""
    services.act(with_alias.pk, "withdraw", by=alice)
    Job.objects.filter(kind="approvals.apply").delete()
    make_policy("", alias="champion")
    version = ModelVersion.objects.get(number=2)
    asked = services.open_request(version.pk, alias="champion", reason="Better.", by=alice)
    return services.act(asked.pk, "approve", by=bob, evidence_digest=asked.evidence_digest)


# what is held, what the database says then (state, writes noted of the stage and of the alias), and how often it wrote
AT_STAGE = {
    "first read": ("approved", "", "", 0),
    "read again": ("applying", "", "", 0),
    "reading back": ("applying", "sent", "", 1),
}
AT_ALIAS = {
    "first read": ("approved", "", "", 0),
    "alias read again": ("applying", "", "", 0),
    "alias write": ("applying", "", "sent", 0),
    "alias written": ("applying", "", "sent", 1),
    "alias reading back": ("applying", "", "sent", 1),
    "alias read back": ("applying", "", "sent", 1),
}
AT_BOTH = AT_STAGE | {
    "alias read again": ("applying", "seen", "", 1),
    "alias reading back": ("applying", "seen", "sent", 2),
    "alias read back": ("applying", "seen", "sent", 2),
}
PLACES = [
    *(("approved", place, held) for place, held in AT_STAGE.items()),
    *(("alias_only", place, held) for place, held in AT_ALIAS.items()),
    *(("with_alias", place, held) for place, held in AT_BOTH.items()),
]


@pytest.mark.once(on="postgresql")  # the two tests above kill workers on both databases
@pytest.mark.parametrize(("what", "place", "held"), PLACES, ids=[f"{what}-{place}" for what, place, _ in PLACES])
def test_a_worker_killed_anywhere_is_followed_by_one_that_writes_each_part_once(
    request, mlflow_registry, mlflow_server, broker, what, place, held, tmp_path
):
    asked = request.getfixturevalue(what)
    with (
        holding_proxy(mlflow_server, place) as proxy,
        crew(tmp_path / "data", MLFLOW_BACKEND_URL=proxy.url, **broker) as team,
    ):
        team.beat()
        first = team.worker()
        team.wait(proxy.holding.is_set, f"the call to hold ({place})")
        if place.endswith("read back"):
            with nobody_commits():
                proxy.release.set()  # the answer arrives; the commit cannot
                time.sleep(1)
                team.kill(first)
        else:
            team.kill(first)
        asked.refresh_from_db()
        assert (asked.state, asked.stage_write, asked.alias_write, proxy.writes + proxy.alias_writes) == held
        proxy.release.set()
        team.worker()
        team.wait(lambda: state_of(asked) == "applied", "the end of the apply")
        team.wait(lambda: not Job.objects.exclude(state="done").exists(), "the end of the job")
        assert (proxy.writes, proxy.alias_writes) == (int(what != "alias_only"), int(what != "approved"))
    moved = ["Production", "None"] if what == "alias_only" else ["Archived", "Production"]
    assert [mlflow_registry.stage_of("churn", number) for number in (1, 2)] == moved
    assert list(ModelVersion.objects.order_by("number").values_list("stage", "pending_stage")) == [
        (stage, "") for stage in moved
    ]
    assert [alias.version.number for alias in ModelAlias.objects.all()] == ([] if what == "approved" else [2])
    assert not DriftFinding.objects.exists()
    assert AuditEvent.objects.filter(action=Action.REQUEST_APPLY_STARTED).count() == 1
    assert AuditEvent.objects.filter(action=Action.REQUEST_APPLIED).count() == 1
    assert chain.first_misfit(AuditEvent.objects.order_by("id")) is None


def state_of(request: ApprovalRequest) -> str:
    return ApprovalRequest.objects.get(pk=request.pk).state


@contextmanager
def nobody_commits():
    """Hold the end of the trail: whoever wants to record something waits, within their transaction."""
    with transaction.atomic():
        ChainHead.objects.select_for_update().get()
        yield
