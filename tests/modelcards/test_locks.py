"""Everybody takes locks in one order: the end of the trail last, also for what the database looks at by itself."""

from collections.abc import Callable
from threading import Thread

import pytest
from django.db import connection, transaction

from apps.audit import services as audit
from apps.audit.actions import Action
from apps.audit.models import AuditEvent, ChainHead
from apps.audit.services import Actor, Target
from apps.modelcards import services
from apps.modelcards.filling import Edit
from apps.modelcards.models import Card, CardRevision
from apps.registry.inventory import saved_views
from apps.registry.models import ModelVersion
from apps.registry.stages import lock_model, lock_versions
from tests.approvals.test_signers import alone, until_waiting

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif(connection.vendor == "sqlite", reason="SQLite lets in one writer at a time"),
]


def at_the_end_of_the_trail(first: Callable[[], object], second: Callable[[], object]) -> None:
    """Let two write who wait for the trail with all their locks; the first one comes through before the second."""
    ChainHead.objects.get_or_create(id=1)
    threads = [Thread(target=alone, args=[deed]) for deed in (first, second)]
    with transaction.atomic():
        ChainHead.objects.select_for_update().get(id=1)
        for number, thread in enumerate(threads, start=1):
            thread.start()
            until_waiting(number)
    for thread in threads:
        thread.join()


def mirrored(version: ModelVersion) -> None:
    """Write of a version what MLflow says, as the mirror does."""
    with transaction.atomic():
        lock_model(version.model_id)
        lock_versions(ModelVersion.objects.filter(pk=version.pk))
        audit.record(Action.VERSION_CHANGED, by=Actor("mlflow"), target=Target("version", "churn v1", version.model_id))


def test_a_card_is_started_while_the_mirror_writes_its_version(version, alice):
    at_the_end_of_the_trail(lambda: services.start("churn", 1, by=alice), lambda: mirrored(version))
    assert Card.objects.get().version == version
    assert AuditEvent.objects.latest("id").action == Action.VERSION_CHANGED


def test_a_card_is_saved_while_its_author_saves_a_view(card, alice):
    wanted = Edit({"users": ["Sales"]})
    at_the_end_of_the_trail(
        lambda: services.save("churn", 1, wanted, base=1, by=alice),
        lambda: saved_views.save_view("Mine", "q=churn", shared=False, by=alice),
    )
    assert CardRevision.objects.count() == 2
    assert alice.saved_views.count() == 1
