"""Lines and headers that somebody writes into what this server sends: to receivers of webhooks, and by mail.

The texts are put below every check: what is defended here is the place where they leave.
"""

from collections.abc import Iterator

import pytest
from django.core import mail as outgoing
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from apps.accounts import invitations, services
from apps.accounts.models import User
from apps.jobs.models import Job, JobState
from apps.jobs.tasks import run_job
from apps.notifications.models import Endpoint, Notification
from apps.notifications.sending import mail, webhooks
from tests.attacks.conftest import House, undone
from tests.attacks.test_markup import LINE, hostile
from tests.servers.receiver import Receiver, receiving

pytestmark = [pytest.mark.django_db, pytest.mark.once]
OURS = {"accept-encoding", "accept", "connection", "content-length", "content-type", "host", "user-agent", "webhook-id",
        "webhook-signature", "webhook-timestamp"}  # fmt: skip
ADDRESSES = (
    "{}\r\nX-Injected: 1", "{} HTTP/1.1\r\nX-Injected: 1\r\n\r\nGET /", "{}\nX-Injected: 1", "{}\r", "{}\0",
    "{}#@evil.test", "{}\\@evil.test",
)  # fmt: skip
MAILBOXES = (
    "bob@mail.test\r\nBcc: evil@mail.test", "bob@mail.test\nX-Injected: 1", "Bob <bob@mail.test>\r\n",
    "bob@" + "x" * 70 + ".test",
)  # fmt: skip


@pytest.fixture
def receiver(settings) -> Iterator[Receiver]:
    settings.WEBHOOK_ALLOWED_NETWORKS, settings.WEBHOOK_HTTP_HOSTS = ["127.0.0.0/8"], ["127.0.0.1"]
    with receiving() as server:
        yield server


@pytest.fixture
def endpoint(house: House) -> Endpoint:
    return Endpoint.objects.get(pk=house.world.webhooks["quiet_hook"])


def test_no_text_of_an_event_or_a_webhook_adds_a_header_for_its_receiver(house, endpoint, receiver):
    with hostile(house, lambda text: text + LINE):
        Endpoint.objects.filter(pk=endpoint.pk).update(url=receiver.url)
        endpoint.refresh_from_db()
        payload = {"type": f"model.changed{LINE}", "data": {f"x{LINE}": LINE, "model": house.world.churn.name}}
        result = webhooks.send(endpoint, "m-1", payload)
    post = receiver.posts[0]
    assert (result.arrived, set(post.headers) - OURS, len(receiver.posts)) == (True, set(), 1)
    assert post.json == payload


@pytest.mark.parametrize("address", ADDRESSES)
def test_no_address_of_a_webhook_ends_its_line(address, endpoint, receiver):
    endpoint.url = address.format(receiver.url)
    result = webhooks.send(endpoint, "m-1", {"data": {}})
    assert (result.arrived, bool(result.error), receiver.posts) == (False, True, [])


@pytest.mark.parametrize("address", ADDRESSES)
def test_no_form_and_no_api_takes_such_an_address(house, address):
    url = address.format("https://hooks.example.org/")
    client = Client()
    client.force_login(house.everybody)
    with undone():
        page = client.post(reverse("notifications:webhook-new"), {"name": "x", "url": url})
        answer = client.post("/api/v1/webhooks/", {"name": "y", "url": url}, content_type="application/json")
        kept = [found for found in Endpoint.objects.values_list("url", flat=True) if not found.isprintable()]
    taken = url.strip() == "https://hooks.example.org/"  # white space around it is cut off
    assert ((page.status_code, answer.status_code), kept) == ((200, 201) if taken else (400, 400), [])


@pytest.mark.parametrize("mailbox", MAILBOXES)
def test_no_address_of_a_person_adds_a_header_or_a_reader_and_a_job_goes_on(house, settings, mailbox):
    settings.MAIL_ENABLED = True
    bob = house.world.people["bob"]
    with undone():
        User.objects.filter(pk=bob.pk).update(email=mailbox)
        Notification.objects.filter(user=bob).update(mail_at=timezone.now(), read_at=None, mailed_at=None)
        Notification.objects.exclude(user=bob).update(mail_at=None)
        mail.start_due()
        jobs = list(Job.objects.filter(state=JobState.QUEUED, kind=mail.MAIL_JOB).values_list("pk", flat=True))
        for number in jobs:
            run_job(number)
        ended = set(Job.objects.filter(pk__in=jobs).values_list("state", flat=True))
    lines = [line for message in outgoing.outbox for line in message.message().as_string().splitlines()]
    assert (ended, [line for line in lines if line.startswith(("Bcc:", "X-Injected:"))]) == ({JobState.DONE}, [])
    assert [reader for message in outgoing.outbox for reader in message.recipients() if "evil" in reader] == []


@pytest.mark.parametrize("mailbox", MAILBOXES)
def test_an_invitation_is_made_whatever_the_address_and_mailed_to_one_reader_at_most(house, settings, mailbox):
    settings.MAIL_ENABLED, settings.PUBLIC_URL = True, "https://assent.test"
    bob = house.world.people["bob"]
    with undone():
        User.objects.filter(pk=bob.pk).update(email=mailbox, first_name=f"Bob{LINE}")
        made = services.invite(username="bob", by=house.everybody)
        assert invitations.invitation_of(made.text).person == bob
    assert [reader for message in outgoing.outbox for reader in message.recipients() if "evil" in reader] == []
    assert [message for message in outgoing.outbox if "X-Injected" in message.message()] == []
