"""Who is told of what happens to a card: those concerned, never whoever did it."""

import pytest

from apps.modelcards import comments, lifecycle
from apps.modelcards.models import Card
from apps.notifications import outbox
from apps.notifications.models import Notification
from apps.registry.models import RegisteredModel
from tests.modelcards.conftest import fill

pytestmark = pytest.mark.django_db


@pytest.fixture
def told(db):
    """Read on in the trail, and return who was told what since the last time: user name → sentences."""
    outbox.fan_out()

    def read() -> dict[str, list[str]]:
        outbox.fan_out()
        found: dict[str, list[str]] = {}
        for row in Notification.objects.select_related("user").order_by("event_id"):
            found.setdefault(row.user.username, []).append(row.sentence)
        Notification.objects.all().delete()
        return found

    return read


@pytest.fixture
def submitted(card, alice) -> Card:
    RegisteredModel.objects.update(risk="low")
    fill(alice)
    return take("submit", alice)


def take(step: str, by, **said) -> Card:
    return lifecycle.take(step, "churn", 1, seen=Card.objects.get().digest, by=by, **said)


def test_a_card_in_review_is_told_to_those_who_may_review_it(bob, erin, charlie, told, submitted):
    text = "alice asks you to review the card of churn v1"
    assert told() == {"bob": [text], "erin": [text]}


def test_what_became_of_it_is_told_to_its_authors(bob, erin, told, submitted):
    told()
    take("send_back", erin, reason="Say who is called.")
    assert told() == {"alice": ["erin sent the card of churn v1 back: Say who is called."]}


def test_an_approval_is_told_to_its_authors(erin, told, submitted):
    told()
    take("approve", erin)
    assert told() == {"alice": ["erin approved the card of churn v1"]}


def test_a_comment_is_told_to_the_authors_and_its_end_to_who_wrote_it(erin, alice, told, submitted):
    told()
    said = comments.add("churn", 1, section="use", body="Who is called? " + "x" * 300, by=erin)
    assert [len(text) for text in told()["alice"]] == [len("erin commented on the card of churn v1: ") + 201]
    comments.resolve("churn", 1, said.pk, by=alice)
    assert told() == {"erin": ["alice resolved your comment on churn v1"]}


def test_the_notice_leads_to_the_card(erin, told, submitted):
    outbox.fan_out()
    assert Notification.objects.get(user=erin).url.startswith("/models/churn/v/1/")


def test_a_refused_step_is_told_to_nobody(card, alice, bob, told):
    with pytest.raises(Exception, match="lacks what Staging asks"):
        take("submit", alice)
    assert told() == {}
