"""The trail as an outbox: everybody concerned is told of each event once, in order, and of nothing out of sight."""

import logging

import pytest
from django.contrib.auth.models import Group
from django.db import OperationalError, transaction

from apps.accounts import grants
from apps.accounts.roles import REVIEWER
from apps.audit.actions import Action, Outcome
from apps.audit.models import AuditEvent
from apps.notifications import outbox, queries, reading
from apps.notifications.audiences import Message, tells
from apps.notifications.models import Kind, Notification, OutboxCursor
from apps.registry.models import RegisteredModel
from tests.builders import make_model
from tests.notifications.conftest import happen, texts


def test_the_first_reading_begins_with_what_happens_from_then_on(model, charlie, tell):
    tell(charlie)
    happen(model)
    assert (outbox.fan_out(), texts(charlie)) == (0, [])
    happen(model)
    assert (outbox.fan_out(), texts(charlie)) == (1, ["churn changed"])


def test_an_event_is_told_once(model, charlie, erin, tell, outbox_is_read):
    tell(charlie, erin)
    event = happen(model)
    outbox.fan_out()
    outbox.fan_out()
    told = Notification.objects.order_by("user__username").values_list("user__username", "event_id", "model_id", "kind")
    assert list(told) == [("charlie", event.pk, model.pk, "other"), ("erin", event.pk, model.pk, "other")]


def test_two_audiences_tell_one_person_once(model, charlie, tell, outbox_is_read):
    tell(charlie, kind=Kind.DRIFT)
    tell(charlie, kind=Kind.OTHER)
    happen(model)
    outbox.fan_out()
    assert [row.kind for row in Notification.objects.all()] == ["drift"]


def test_nobody_is_told_of_what_they_did_themselves(model, charlie, erin, tell, outbox_is_read):
    tell(charlie, erin)
    happen(model, by="erin")
    outbox.fan_out()
    assert (texts(charlie), texts(erin)) == (["churn changed"], [])


def test_nobody_is_told_of_a_refused_attempt(model, charlie, tell, outbox_is_read):
    tell(charlie)
    happen(model, outcome=Outcome.REFUSED)
    outbox.fan_out()
    assert texts(charlie) == []


def test_nobody_is_told_of_a_model_out_of_sight(model, charlie, mallory, tell, outbox_is_read):
    tell(charlie, mallory)
    happen(model)
    outbox.fan_out()
    assert (texts(charlie), texts(mallory)) == (["churn changed"], [])


def test_somebody_who_left_is_told_nothing(model, charlie, tell, outbox_is_read):
    tell(charlie)
    charlie.is_active = False
    charlie.save()
    happen(model)
    outbox.fan_out()
    assert texts(charlie) == []


def test_what_went_out_of_sight_is_shown_no_more(model, mallory, tell, outbox_is_read):
    group = Group.objects.create(name="churn people")
    grants.set_role(group, [REVIEWER], model, model_class=RegisteredModel)
    mallory.groups.add(group)
    other = make_model("other")
    tell(mallory)
    happen(model)
    happen(other)
    outbox.fan_out()
    assert (queries.unread_count(mallory), [row.sentence for row in queries.notifications_of(mallory)]) == (
        1,
        ["churn changed"],
    )
    mallory.groups.clear()
    assert (queries.unread_count(mallory), list(queries.notifications_of(mallory))) == (0, [])


def test_a_fault_in_saying_whom_holds_nothing_back(model, charlie, tell, outbox_is_read, caplog):
    @tells(Action.MODEL_CHANGED)
    def faulty(event: AuditEvent) -> list[Message]:
        if event.data.get("faulty"):
            Notification.objects.create(event_id=event.pk)
        return []

    tell(charlie)
    with caplog.at_level(logging.CRITICAL):
        happen(model, faulty=True)
        happen(model)
        outbox.fan_out()
    assert (texts(charlie), OutboxCursor.objects.get().last_id) == (["churn changed"], AuditEvent.objects.count())


def test_trouble_of_the_database_holds_nothing_back_for_ever(model, charlie, tell, outbox_is_read, caplog):
    @tells(Action.MODEL_CHANGED)
    def troubled(event: AuditEvent) -> list[Message]:
        if event.data.get("times"):
            event.data["times"] -= 1
            raise OperationalError("the server went away")
        return []

    tell(charlie)
    with caplog.at_level(logging.CRITICAL):
        for times in (1, 99, 0):
            happen(model, times=times)
        outbox.fan_out()
    assert texts(charlie) == ["churn changed", "churn changed"]  # the first at its second try, the second never


def test_many_events_are_read_in_several_transactions(model, charlie, tell, outbox_is_read, monkeypatch):
    monkeypatch.setattr(outbox, "BATCH", 3)
    tell(charlie)
    for _ in range(10):
        happen(model)
    assert (outbox.fan_out(), len(texts(charlie))) == (10, 10)


@pytest.mark.django_db(transaction=True)
def test_a_batch_that_is_cut_off_is_told_anew_and_once(charlie, tell):
    tell(charlie)
    model = make_model()
    outbox.fan_out()
    happen(model)

    def cut_off() -> None:
        with transaction.atomic():
            outbox.fan_out()
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        cut_off()
    assert texts(charlie) == []
    outbox.fan_out()
    assert texts(charlie) == ["churn changed"]


def test_nothing_new_costs_two_small_queries(model, outbox_is_read, django_assert_num_queries):
    happen(model)
    outbox.fan_out()
    with django_assert_num_queries(2):
        outbox.fan_out()


def test_a_sentence_that_lacks_a_value_is_shown_as_it_is_stored():
    row = Notification(text="%(who)s changed 100% of it", values={"what": "x"})
    assert row.sentence == "%(who)s changed 100% of it"


def test_the_bell_asks_one_query_and_counts_to_a_hundred(
    model, charlie, tell, outbox_is_read, django_assert_num_queries
):
    tell(charlie)
    for _ in range(105):
        happen(model)
    outbox.fan_out()
    grants.held_permissions(charlie)  # every page has asked this already
    with django_assert_num_queries(1):
        assert queries.unread_count(charlie) == 100


def test_a_person_marks_their_own_as_read(model, charlie, erin, tell, outbox_is_read):
    tell(charlie, erin)
    for _ in range(3):
        happen(model)
    outbox.fan_out()
    every = Notification.objects.order_by("pk")
    assert reading.mark_read(by=charlie, ids=[every[0].pk, every[1].pk, 0, 2**70]) == 1  # one of them is erin's
    assert (queries.unread_count(charlie), queries.unread_count(erin)) == (2, 3)
    assert (reading.mark_read(by=charlie), queries.unread_count(charlie), queries.unread_count(erin)) == (2, 0, 3)


def test_unread_ones_come_first_then_the_newest(model, charlie, tell, outbox_is_read):
    tell(charlie)
    events = [happen(model).pk for _ in range(4)]
    outbox.fan_out()
    reading.mark_read(by=charlie, ids=[Notification.objects.get(event_id=events[3]).pk])
    shown = [row.event_id for row in queries.notifications_of(charlie)]
    assert shown == [events[2], events[1], events[0], events[3]]
