"""A campaign that is over, as a file: in parts, recorded at its start and its end."""

import csv
import hashlib
import io
import json

import pytest

from apps.accounts import giving
from apps.accounts.access_reviews import exporting, opening, steering
from apps.accounts.models import AccessReview, User
from apps.audit.models import AuditEvent
from apps.errors import NotAllowed, NotVisible, WrongState
from tests.accounts.access_reviews.conftest import in_days
from tests.conftest import member


@pytest.fixture
def over(campaign, admin) -> AccessReview:
    steering.cancel(campaign.pk, by=admin, reason="Done.")
    return AccessReview.objects.get(pk=campaign.pk)


def whole(review: AccessReview, form: str, by: User) -> str:
    return "".join(exporting.export(review.pk, form, by=by))


def test_it_is_exported_with_its_digest_in_the_trail(over, admin):
    text = whole(over, "json", admin)
    found = json.loads(text)
    assert (found["name"], found["state"], len(found["items"])) == ("First quarter", "cancelled", 2)
    assert text == json.dumps(found, ensure_ascii=False, indent=2) + "\n"
    start, end = AuditEvent.objects.filter(action__startswith="access_review.export").order_by("id")
    assert (start.action, start.data) == ("access_review.export_started", {"review": over.pk, "format": "json"})
    assert (end.action, end.outcome, end.data) == (
        "access_review.exported", "done",
        {**start.data, "export": start.pk, "items": 2, "sha256": hashlib.sha256(text.encode()).hexdigest()},
    )  # fmt: skip


def test_batches_make_one_file_without_a_gap(over, admin, monkeypatch):
    before = whole(over, "csv", admin)
    monkeypatch.setattr(exporting, "BATCH", 1)
    assert whole(over, "csv", admin) == before
    assert len(list(csv.DictReader(io.StringIO(before)))) == 2


def test_one_that_was_broken_off_is_recorded_as_failed(over, admin):
    parts = exporting.export(over.pk, "csv", by=admin)
    next(parts)
    parts.close()
    end = AuditEvent.objects.get(action="access_review.exported")
    assert (end.outcome, end.data["items"]) == ("failed", 0)


def test_whoever_manages_people_no_more_gets_no_more(over, admin, ada, monkeypatch):
    monkeypatch.setattr(exporting, "BATCH", 1)
    parts = exporting.export(over.pk, "csv", by=ada)
    assert [next(parts).count("team") for _line in range(2)] == [0, 1]
    ada.groups.clear()
    with pytest.raises(NotAllowed):
        list(parts)


def test_one_who_sees_nothing_in_it_gets_an_empty_list(over, admin):
    desk = member("desk")
    giving.give_grant(desk, "people:manage", by=admin, reason="Help desk.")
    found = json.loads(whole(over, "json", User.objects.get(pk=desk.pk)))
    assert [item["on"] for item in found["items"]] == ["names like churn-*"]
    AccessReview.objects.get(pk=over.pk).items.filter(model_id=0).delete()
    assert whole(over, "json", User.objects.get(pk=desk.pk)).endswith('"items": []\n}\n')


def test_a_table_holds_no_formula(admin, team):
    team.name = "=cmd|'/c calc'!A1"
    team.save()
    giving.give_grant(team, "viewer", by=admin, reason="@SUM(1)")
    review = opening.open_review("+Q", in_days(30), groups=[team.name], by=admin)
    steering.cancel(review.pk, by=admin, reason="-1")
    rows = list(csv.DictReader(io.StringIO(whole(review, "csv", admin))))
    assert [(row["holder"], row["given_reason"], row["reason"]) for row in rows] == [
        ("'=cmd|'/c calc'!A1", "'@SUM(1)", "-1"),
    ]  # fmt: skip


def test_an_open_campaign_is_not_exported_and_nobody_but_an_admin_exports(campaign, admin, alice, mallory):
    with pytest.raises(WrongState):
        exporting.export(campaign.pk, "csv", by=admin)
    AccessReview.objects.filter(pk=campaign.pk).update(state="closed", closed_at=campaign.opened_at)
    with pytest.raises(NotAllowed):
        exporting.export(campaign.pk, "csv", by=alice)
    with pytest.raises(NotVisible):
        exporting.export(campaign.pk, "csv", by=mallory)
