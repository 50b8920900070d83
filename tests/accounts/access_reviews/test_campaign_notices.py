"""Who is told of access reviews, on the page and by mail."""

import pytest

from apps.accounts import services
from apps.accounts.access_reviews import deciding, lapsing, opening, steering
from apps.accounts.models import AccessReview
from apps.notifications import outbox, preferences
from apps.notifications.models import Kind, MailChoice, Notification
from tests.accounts.access_reviews.conftest import in_days, is_due, item_of


@pytest.fixture(autouse=True)
def outbox_is_read(db) -> None:
    """The first reading begins with what happens from then on."""
    outbox.fan_out()


def told(person) -> list[str]:
    outbox.fan_out()
    return [row.sentence for row in Notification.objects.filter(user=person, kind=Kind.ACCESS).order_by("id")]


def test_whoever_answers_is_told_how_many_wait_and_until_when(campaign, alice, erin):
    assert told(alice) == [f"Grants wait for your answer until {in_days(30)}: First quarter (1)"]
    assert told(erin) == []


def test_every_admin_is_told_of_what_any_admin_may_answer_but_who_opened_it(admin, ada):
    opening.open_review("Admins", in_days(30), groups=["admins"], by=admin)
    assert (told(ada), told(admin)) == ([f"Grants wait for your answer until {in_days(30)}: Admins (1)"], [])


def test_a_reminder_tells_who_has_not_answered(campaign, by_name, admin, alice):
    deciding.decide(item_of(by_name).pk, "confirm", by=admin)
    AccessReview.objects.update(remind_at=campaign.opened_at)
    lapsing.tend()
    assert told(alice)[-1].startswith("Grants still wait for your answer, and lapse after")
    assert told(admin) == []


def test_a_reassigned_grant_is_told_to_who_answers_now(campaign, by_name, admin, erin):
    assert told(erin) == []
    steering.reassign(item_of(by_name).pk, erin, by=admin, reason="She knows them.")
    assert told(erin) == [
        "admin asks you whether a grant is still wanted: team: viewer (names like churn-*)",
    ]


def test_admins_are_told_of_what_was_kept_and_that_it_is_closed(admin):
    review = opening.open_review("Admins", in_days(30), groups=["admins"], by=admin)
    is_due(review)
    lapsing.tend()
    assert told(admin) == [
        "Nobody confirmed admins: admin (the whole registry), and it was kept: the review says why",
        "The access review is closed: Admins",
    ]


def test_a_second_admin_is_told_that_they_are_needed(admin, ada):
    item = opening.open_review("Admins", in_days(30), groups=["admins"], by=admin).items.get()
    deciding.decide(item.pk, "confirm", by=admin)
    assert told(ada)[-1] == (
        "admin confirmed admins: admin (the whole registry), which every admin holds: "
        "a second admin has to confirm it too"
    )


@pytest.mark.parametrize(
    ("deed", "text"),
    [
        (steering.cancel, "admin cancelled the access review Q"),
        (steering.end_early, "admin ended the access review Q early"),
    ],
    ids=["cancelled", "ended early"],
)
def test_the_other_admins_are_told_of_an_end(admin, ada, by_name, deed, text):
    review = opening.open_review("Q", in_days(30), groups=["team"], by=admin)
    deed(review.pk, by=admin, reason="Enough.")
    assert told(ada)[-1] == text


def test_it_is_mailed_at_once_unless_somebody_chooses_otherwise(alice):
    assert preferences.choice(preferences.of(alice), Kind.ACCESS) == MailChoice.NOW
    assert Kind.ACCESS in preferences.CHOSEN


def test_admins_are_reminded_of_what_a_deactivated_owner_left(campaign, alice, admin, ada):
    services.deactivate(alice, by=admin, reason="They left.")
    AccessReview.objects.update(remind_at=campaign.opened_at)
    lapsing.tend()
    assert [text for text in told(ada) if "still wait" in text][-1].endswith("First quarter (1)")
