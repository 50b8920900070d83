"""Passes that overlap: an older answer never overwrites a newer one."""

from datetime import timedelta

import pytest
from django.db import connections, transaction
from django.utils import timezone

from apps.audit.services import Actor
from apps.registry import aliases
from apps.registry.aliases import SeenAlias
from apps.registry.models import (
    DEFAULT_CONNECTION,
    ModelAlias,
    ModelVersion,
    RegisteredModel,
    SyncKind,
    SyncRun,
    TouchedModel,
)
from apps.registry.syncing import complete, runs
from apps.registry.syncing.listing import Place
from tests.registry.test_passes import look
from tests.servers.broken import Reply

pytestmark = pytest.mark.django_db(transaction=True)
MODEL = {"name": "churn", "creation_timestamp": 1000, "last_updated_timestamp": 1000}
VERSION = MODEL | {"version": "1"}


class Changing:
    """A registry of one model whose description, stage and clock change while a complete pass reads it."""

    def __init__(self) -> None:
        self.now = {"description": "old"}
        self.stage = "None"
        self.on_versions = lambda: None

    def __call__(self, path, query):
        if path.endswith("registered-models/search"):
            return Reply.json({} if "filter" in query else {"registered_models": [MODEL | self.now]})
        if path.endswith("registered-models/get"):
            return Reply.json({"registered_model": MODEL | self.now})
        if path.endswith("model-versions/search"):
            listed = {"model_versions": [VERSION | {"current_stage": self.stage}]}
            self.on_versions()
            return Reply.json(listed)
        return Reply.json({"model_version": VERSION | {"current_stage": self.stage}})


def test_a_model_read_again_during_a_complete_pass_keeps_its_newer_state(broken):
    changing = Changing()
    broken.decide = changing
    look(SyncKind.COMPLETE)

    def changes() -> None:
        changing.on_versions = lambda: None
        changing.now, changing.stage = {"description": "new", "last_updated_timestamp": 500}, "Production"
        look(SyncKind.MODELS, "churn")
        connections.close_all()

    changing.on_versions = changes
    look(SyncKind.COMPLETE)
    assert (RegisteredModel.objects.get().description, ModelVersion.objects.get().stage) == ("new", "Production")


class Registry:
    """A registry of one model; `aliases`, `versions` and `there` are what MLflow says now."""

    def __init__(self) -> None:
        self.versions, self.aliases, self.there = ["1"], {}, True
        self.updated_at = int(timezone.now().timestamp() * 1000)  # so that a pass over changes lists it
        self.on_versions = lambda: None

    def __call__(self, path, query):
        pairs = [{"alias": alias, "version": number} for alias, number in self.aliases.items()]
        model = MODEL | {"aliases": pairs, "last_updated_timestamp": self.updated_at}
        if path.endswith("registered-models/search"):
            return Reply.json({"registered_models": [model] if self.there and "filter" not in query else []})
        if path.endswith("registered-models/get"):
            return Reply.json({"registered_model": model}) if self.there else GONE
        if path.endswith("model-versions/search"):
            listed = [MODEL | {"version": number} for number in self.versions] if self.there else []
            self.on_versions()
            return Reply.json({"model_versions": listed})
        return GONE


GONE = Reply.json({"error_code": "RESOURCE_DOES_NOT_EXIST", "message": "gone"}, status=404)


@pytest.fixture
def registry(broken):
    broken.decide = Registry()
    return broken.decide


def meanwhile(registry: Registry, happens) -> None:
    """Have this happen once, when the next pass has been told the versions."""

    def once() -> None:
        registry.on_versions = lambda: None
        happens()
        connections.close_all()

    registry.on_versions = once


def test_a_version_that_was_denied_after_a_pass_asked_stays_deleted(registry):
    registry.versions = ["1", "2"]
    look(SyncKind.COMPLETE)

    def deleted() -> None:
        registry.versions = ["1"]
        look(SyncKind.MODELS, "churn")

    meanwhile(registry, deleted)
    look(SyncKind.COMPLETE)
    assert list(ModelVersion.objects.filter(deleted_at=None).values_list("number", flat=True)) == [1]


def listed_in_shards() -> SyncRun:
    """Let a shared pass list the models, and mirror none of them yet."""
    run = runs.start(DEFAULT_CONNECTION, SyncKind.COMPLETE, "a test", page_token=str(Place()))
    with runs.taken_up(run) as opened:
        complete.list_shards(opened)
    return run


def work_shards(run: SyncRun) -> None:
    with runs.taken_up(run) as opened:
        complete.work_shard(opened, 1)


def test_a_model_that_was_denied_after_it_was_listed_is_not_made_again(registry):
    look(SyncKind.COMPLETE)
    run = listed_in_shards()
    registry.there = False
    look(SyncKind.MODELS, "churn")
    work_shards(run)
    assert [row.deleted_at is None for row in RegisteredModel.objects.all()] == [False]


def test_a_model_that_is_there_again_after_it_was_denied_is_mirrored_again(registry):
    look(SyncKind.COMPLETE)
    registry.there = False
    look(SyncKind.MODELS, "churn")
    registry.there = True
    look(SyncKind.COMPLETE)
    assert [row.deleted_at is None for row in RegisteredModel.objects.order_by("pk")] == [False, True]


@pytest.mark.parametrize("kind", [SyncKind.MODELS, SyncKind.CHANGES])
def test_an_answer_that_changed_nothing_is_newer_than_one_that_waits_in_a_shard(registry, kind):
    registry.versions, registry.aliases = ["1", "2"], {"champion": "1"}
    look(SyncKind.COMPLETE)
    registry.aliases = {"champion": "2"}
    run = listed_in_shards()
    registry.aliases = {"champion": "1"}
    look(kind, "churn")
    work_shards(run)
    assert ModelAlias.objects.get().version.number == 1


def settled(model: RegisteredModel, number: int, asked_at) -> None:
    with transaction.atomic():
        aliases.settle_alias(model, "champion", SeenAlias(number, asked_at), by=Actor("alice"))


def test_a_settled_alias_makes_no_answer_count_that_was_too_old_before(registry):
    look(SyncKind.COMPLETE)
    model = RegisteredModel.objects.get()
    settled(model, 1, model.seen_at - timedelta(seconds=5))
    assert RegisteredModel.objects.get().seen_at == model.seen_at


def test_an_alias_settled_by_an_older_answer_is_read_again(registry):
    look(SyncKind.COMPLETE)
    model = RegisteredModel.objects.get()
    settled(model, 1, model.seen_at - timedelta(seconds=5))
    assert TouchedModel.objects.get().name == "churn"


def test_an_alias_settled_by_a_newer_answer_is_not_read_again(registry):
    look(SyncKind.COMPLETE)
    asked_at = timezone.now()
    settled(RegisteredModel.objects.get(), 1, asked_at)
    assert (RegisteredModel.objects.get().seen_at, TouchedModel.objects.count()) == (asked_at, 0)
