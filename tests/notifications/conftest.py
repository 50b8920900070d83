"""A trail that is read from now on, somebody who is told of it, and a webhook with a receiver."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.db import transaction
from django.utils import timezone

from apps.accounts.models import User
from apps.audit.actions import Action
from apps.audit.models import AuditEvent
from apps.audit.services import Actor, Target, record
from apps.jobs.models import Job, JobState
from apps.jobs.tasks import run_job
from apps.notifications import audiences, endpoints, outbox
from apps.notifications.audiences import Message, tells
from apps.notifications.endpoints import NewSecret
from apps.notifications.models import Delivery, Kind, Notification
from apps.notifications.sending import lanes, mail
from apps.registry.models import RegisteredModel
from tests.builders import make_model
from tests.servers.receiver import Receiver, receiving
from tests.servers.smtp import MailServer, mail_server


@pytest.fixture
def model(db) -> RegisteredModel:
    return make_model()


@pytest.fixture
def outbox_is_read(db) -> None:
    """The first reading begins with what happens from then on."""
    outbox.fan_out()


@pytest.fixture
def tell() -> Iterator[Callable[..., None]]:
    """Have people told of MODEL_CHANGED, for this test alone."""
    before = {key: list(found) for key, found in audiences._audiences.items()}

    def told(*people: User, kind: Kind = Kind.OTHER) -> None:
        @tells(Action.MODEL_CHANGED)
        def everybody(event: AuditEvent) -> list[Message]:
            values = {"what": event.target}
            return [Message(user.pk, "%(what)s changed", "/models/churn/", kind, values) for user in people]

    yield told
    audiences._audiences.clear()
    audiences._audiences.update(before)


@pytest.fixture
def receiver(settings) -> Iterator[Receiver]:
    """Somewhere to deliver to, which the installation allows."""
    settings.WEBHOOK_ALLOWED_NETWORKS = ["127.0.0.0/8"]
    settings.WEBHOOK_HTTP_HOSTS = ["127.0.0.1"]
    with receiving() as server:
        yield server


@pytest.fixture
def webhook(receiver, admin, outbox_is_read) -> NewSecret:
    """Admin's webhook: every event, every model."""
    return endpoints.add_endpoint(by=admin, name="chat", url=receiver.url)


@pytest.fixture
def mails(settings) -> Iterator[MailServer]:
    """A mail server that the installation names."""
    with mail_server() as server:
        settings.MAIL_ENABLED = True
        settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
        settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", server.port
        settings.PUBLIC_URL = "https://assent.test"
        yield server


def happen(model: RegisteredModel | None, by: str = "mlflow", action: Action = Action.MODEL_CHANGED, **data: Any):
    """Record one event about the model."""
    name = model.reference if model else "the installation"
    target = Target("model" if model else "installation", name, model.pk if model else None)
    with transaction.atomic():
        return record(action, by=Actor(by), target=target, **data)


def work() -> None:
    """Do what beat and the workers would do at this moment: read on, and send what is due."""
    outbox.fan_out()
    lanes.start_due()
    mail.start_due()
    for number in Job.objects.filter(state=JobState.QUEUED, kind__startswith="notifications.").values_list("pk"):
        run_job(*number)


def make_due(**which: Any) -> None:
    """Skip the pause before the next attempt."""
    Delivery.objects.filter(state="queued", **which).update(next_at=timezone.now())
    Notification.objects.filter(mail_at__isnull=False).update(mail_at=timezone.now())


def texts(user: User) -> list[str]:
    """What a person was told, oldest first."""
    return [row.sentence for row in Notification.objects.filter(user=user).order_by("event_id")]
