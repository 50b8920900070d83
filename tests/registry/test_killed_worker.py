"""A real worker is killed while it mirrors a part of a big registry; another one ends the work."""

import threading

import pytest

from apps.audit import chain
from apps.audit.models import AuditEvent
from apps.jobs.models import Job
from apps.registry.models import RegisteredModel, SyncRun, SyncShard, SyncState
from apps.registry.syncing.requests import enqueue_complete
from tests.approvals.test_apply_crash import broker  # noqa: F401 - a fixture
from tests.approvals.worker import crew
from tests.registry.test_shared_pass import registry

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.worker]


class Holding:
    """Answers as `registry` does, and keeps the versions of m3 back, once, until it is told to go on."""

    def __init__(self) -> None:
        self.holding, self.go_on = threading.Event(), threading.Event()

    def __call__(self, path, query):
        if path.endswith("model-versions/search") and "'m3'" in query["filter"] and not self.holding.is_set():
            self.holding.set()
            self.go_on.wait(60)
        return registry(path, query)


def test_a_shard_of_a_killed_worker_is_mirrored_by_another(broken, broker, tmp_path):  # noqa: F811
    answers = Holding()
    broken.decide = answers
    enqueue_complete("a test", "default")
    with crew(tmp_path / "data", MLFLOW_BACKEND_URL=broken.url, **broker) as team:
        team.beat()
        first = team.worker()
        team.wait(answers.holding.is_set, "the call to hold")
        team.kill(first)
        assert SyncShard.objects.filter(done_at=None).count() >= 1
        assert SyncRun.objects.get().state == SyncState.RUNNING
        answers.go_on.set()
        team.worker()
        team.wait(lambda: SyncRun.objects.get().state == SyncState.DONE, "the end of the pass")
        team.wait(lambda: not Job.objects.filter(kind__startswith="registry.s").exclude(state="done").exists(), "rest")
    assert sorted(RegisteredModel.objects.values_list("name", "version_count")) == [(f"m{n}", 1) for n in range(5)]
    assert sorted(AuditEvent.objects.values_list("action", "target")) == [("model.mirrored", f"m{n}") for n in range(5)]
    assert chain.first_misfit(AuditEvent.objects.order_by("id")) is None
    assert SyncRun.objects.get().done == 5
