"""Passes that overlap: an older answer never overwrites a newer one."""

import pytest
from django.db import connections

from apps.registry.models import ModelVersion, RegisteredModel, SyncKind
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
