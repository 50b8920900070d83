"""E-mail: at once, as a digest, after quiet hours; a failing server loses nothing, nothing out of sight is told."""

from datetime import UTC, datetime, timedelta

import pytest
from django.contrib.auth.models import Group
from django.utils import timezone

from apps.accounts import grants
from apps.accounts.roles import REVIEWER
from apps.audit.models import AuditEvent
from apps.errors import InvalidInput
from apps.jobs import services as jobs
from apps.jobs.models import Job
from apps.notifications import outbox, preferences, reading
from apps.notifications.mail_times import Clock, after_quiet, due, next_digest
from apps.notifications.models import Kind, MailChoice, Notification, Preferences
from apps.notifications.sending import mail
from apps.registry.models import RegisteredModel
from tests.builders import make_model
from tests.notifications.conftest import happen, make_due, work
from tests.servers.smtp import text_of

BERLIN = "Europe/Berlin"
CHOICES = {"mail": {}, "digest_hour": 8, "quiet_from": None, "quiet_to": None, "time_zone": "UTC"}


def at(text: str) -> datetime:
    """A moment in UTC: "2026-05-04 12:00"."""
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.fixture
def reader(charlie):
    charlie.email = "charlie@mail.test"
    charlie.save()
    return charlie


def choose(user, **choices) -> Preferences:
    return preferences.set_preferences(by=user, **{**CHOICES, **choices})


# --- When ---


def test_what_is_off_is_never_due():
    assert due(MailChoice.OFF, at("2026-05-04 12:00"), Clock()) is None


def test_what_goes_at_once_is_due_now():
    assert due(MailChoice.NOW, at("2026-05-04 12:00"), Clock()) == at("2026-05-04 12:00")


@pytest.mark.parametrize(
    ("now", "expected"),
    [
        ("2026-05-04 05:59", "2026-05-04 06:00"),  # 7:59 in Berlin
        ("2026-05-04 06:00", "2026-05-05 06:00"),
        ("2026-05-04 23:30", "2026-05-05 06:00"),  # tomorrow there already
        ("2026-10-24 12:00", "2026-10-25 07:00"),  # the night in which the clocks go back
        ("2026-03-28 12:00", "2026-03-29 06:00"),  # and forward
    ],
)
def test_the_digest_comes_at_its_hour_on_the_wall_clock(now, expected):
    assert next_digest(at(now), Clock(BERLIN, digest_hour=8)) == at(expected)


@pytest.mark.parametrize(
    ("now", "start", "end", "expected"),
    [
        ("2026-05-04 19:59", 22, 7, "2026-05-04 19:59"),  # 21:59 in Berlin
        ("2026-05-04 20:00", 22, 7, "2026-05-05 05:00"),
        ("2026-05-04 21:59", 22, 7, "2026-05-05 05:00"),
        ("2026-05-04 22:30", 22, 7, "2026-05-05 05:00"),  # after midnight
        ("2026-05-05 04:59", 22, 7, "2026-05-05 05:00"),
        ("2026-05-05 05:00", 22, 7, "2026-05-05 05:00"),
        ("2026-05-04 10:30", 12, 14, "2026-05-04 12:00"),  # not over midnight
        ("2026-05-04 12:00", 12, 14, "2026-05-04 12:00"),
        ("2026-10-24 21:00", 22, 7, "2026-10-25 06:00"),  # the night has an hour more
        ("2026-03-28 22:00", 22, 7, "2026-03-29 05:00"),  # and an hour less
        ("2026-03-29 00:30", 22, 2, "2026-03-29 01:00"),  # two o'clock is skipped: at three
        ("2026-10-24 22:00", 22, 2, "2026-10-25 00:00"),  # two o'clock comes twice: the first
        ("2026-10-25 01:30", 22, 2, "2026-10-25 01:30"),  # the second is not quiet again
    ],
)
def test_quiet_hours_hold_mail_until_their_end(now, start, end, expected):
    assert after_quiet(at(now), Clock(BERLIN, 8, start, end)) == at(expected)


def test_a_digest_in_quiet_hours_comes_at_their_end():
    assert due(MailChoice.DIGEST, at("2026-05-04 12:00"), Clock("UTC", 5, 22, 7)) == at("2026-05-05 07:00")


# --- What ---


def test_what_concerns_a_person_is_mailed(model, reader, tell, outbox_is_read, mails):
    tell(reader, kind=Kind.FAILED)
    happen(model)
    work()
    sent = mails.mails[0]
    assert (sent["To"], sent["Subject"], sent["Auto-Submitted"]) == (
        "charlie@mail.test", "Assent: Something failed", "auto-generated",
    )  # fmt: skip
    text = text_of(sent)
    assert ("churn changed" in text, "https://assent.test/models/churn/" in text, "<" in text) == (True, True, False)
    work()
    assert len(mails.mails) == 1


def test_the_subject_names_no_model(reader, tell, outbox_is_read, mails):
    tell(reader, kind=Kind.FAILED)
    happen(make_model("secret-merger"))
    happen(make_model("other"))
    work()
    assert [mail["Subject"] for mail in mails.mails] == ["Assent: 2 notifications"]


def test_a_name_with_lines_in_it_adds_no_header_and_no_line(reader, tell, outbox_is_read, mails):
    tell(reader, kind=Kind.FAILED)
    happen(make_model("two\nBcc: mallory@mail.test"))
    work()
    assert (mails.mails[0]["Bcc"], "two Bcc: mallory@mail.test changed" in text_of(mails.mails[0])) == (None, True)


def test_without_a_mail_server_nothing_waits_to_be_mailed(model, reader, tell, outbox_is_read):
    tell(reader, kind=Kind.FAILED)
    happen(model)
    work()
    assert list(Notification.objects.values_list("mail_at")) == [(None,)]


def test_a_person_without_an_address_is_told_on_the_page_alone(model, charlie, tell, outbox_is_read, mails):
    tell(charlie, kind=Kind.FAILED)
    happen(model)
    work()
    assert (mails.mails, Notification.objects.count()) == ([], 1)


def test_what_waits_for_the_digest_goes_out_as_one_mail(model, reader, tell, outbox_is_read, mails):
    tell(reader, kind=Kind.DRIFT)
    for _ in range(3):
        happen(model)
    work()
    assert mails.mails == []
    make_due()
    work()
    assert [text_of(mail).count("churn changed") for mail in mails.mails] == [3]


def test_what_was_read_meanwhile_is_left_out_of_the_digest(model, reader, tell, outbox_is_read, mails):
    tell(reader, kind=Kind.DRIFT)
    happen(model)
    happen(model)
    outbox.fan_out()
    reading.mark_read(by=reader, ids=[Notification.objects.order_by("pk")[0].pk])
    make_due()
    work()
    assert [text_of(mail).count("churn changed") for mail in mails.mails] == [1]


def test_quiet_hours_hold_back_all_but_bypasses(model, reader, tell, outbox_is_read, mails):
    hour = timezone.now().hour
    choose(reader, quiet_from=(hour - 1) % 24, quiet_to=(hour + 2) % 24)
    tell(reader, kind=Kind.FAILED)
    happen(model)
    make_due()
    work()
    make_due()  # even when it came due before the hours were chosen
    work()
    assert mails.mails == []
    tell_of_bypass = Notification.objects.get()
    tell_of_bypass.pk, tell_of_bypass.event_id, tell_of_bypass.kind = None, happen(model).pk, Kind.BYPASS
    tell_of_bypass.mail_at = timezone.now()
    tell_of_bypass.save()
    work()
    assert [mail["Subject"] for mail in mails.mails] == ["Assent: A policy is bypassed"]


def test_a_failing_mail_server_loses_nothing(model, reader, tell, outbox_is_read, mails):
    tell(reader, kind=Kind.FAILED)
    happen(model)
    mails.refusing = True
    work()
    row = Notification.objects.get()
    assert (mails.mails, row.mail_attempts, row.mailed_at, "451" in row.mail_error) == ([], 1, None, True)
    assert row.mail_at > timezone.now()
    mails.refusing = False
    make_due()
    work()
    row.refresh_from_db()
    assert (len(mails.mails), row.mailed_at is not None, row.mail_error) == (1, True, "")


def test_a_mail_server_that_is_down_loses_nothing_either(model, reader, tell, outbox_is_read, mails, settings):
    tell(reader, kind=Kind.FAILED)
    happen(model)
    settings.EMAIL_PORT = 9
    work()
    settings.EMAIL_PORT = mails.port
    make_due()
    work()
    assert len(mails.mails) == 1


def test_mail_that_cannot_be_sent_for_two_weeks_stands_on_the_page_alone(model, reader, tell, outbox_is_read, mails):
    tell(reader, kind=Kind.FAILED)
    happen(model)
    mails.refusing = True
    outbox.fan_out()
    Notification.objects.update(created_at=timezone.now() - timedelta(days=15))
    work()
    assert list(Notification.objects.values_list("mail_at", "read_at")) == [(None, None)]


def test_a_worker_killed_after_sending_mails_again_under_the_same_message_id(
    model, reader, tell, outbox_is_read, mails
):
    tell(reader, kind=Kind.FAILED)
    happen(model)
    outbox.fan_out()
    mail.start_due()
    job = jobs.claim(Job.objects.get(kind=mail.MAIL_JOB).pk)
    Job.objects.filter(pk=job.pk).update(lease_token="somebody else's")
    with pytest.raises(jobs.LeaseLost):
        mail.write_mail(job)
    Job.objects.all().delete()
    work()
    ids = [sent["Message-ID"] for sent in mails.mails]
    assert (len(ids), len(set(ids))) == (2, 1)


def test_nothing_about_a_model_that_went_out_of_sight_is_mailed(model, mallory, tell, outbox_is_read, mails):
    mallory.email = "mallory@mail.test"
    mallory.save()
    group = Group.objects.create(name="churn people")
    grants.set_role(group, [REVIEWER], model, model_class=RegisteredModel)
    mallory.groups.add(group)
    tell(mallory, kind=Kind.FAILED)
    happen(model)
    outbox.fan_out()
    mallory.groups.clear()
    work()
    assert (mails.mails, list(Notification.objects.values_list("mail_at"))) == ([], [(None,)])


def test_somebody_who_left_gets_no_mail(model, reader, tell, outbox_is_read, mails):
    tell(reader, kind=Kind.FAILED)
    happen(model)
    outbox.fan_out()
    reader.is_active = False
    reader.save()
    work()
    assert mails.mails == []


# --- Choices ---


def test_choices_are_kept_and_recorded(reader):
    choose(reader, mail={"drift": "now", "decided": "off"}, digest_hour=17, time_zone=BERLIN, quiet_from=22, quiet_to=7)
    kept = preferences.described(preferences.of(reader))
    assert (kept["mail"]["drift"], kept["mail"]["decided"], kept["mail"]["policy"]) == ("now", "off", "digest")
    assert (kept["digest_hour"], kept["quiet_from"], kept["quiet_to"], kept["time_zone"]) == (17, 22, 7, BERLIN)
    event = AuditEvent.objects.get(action="notifications.changed")
    assert (event.actor, event.data["after"]) == ("charlie", kept)


@pytest.mark.parametrize(
    ("field", "choices"),
    [
        ("mail", {"mail": {"bypass": "off"}}),
        ("mail", {"mail": {"nonsense": "off"}}),
        ("mail", {"mail": {"drift": "hourly"}}),
        ("digest_hour", {"digest_hour": 24}),
        ("quiet_from", {"quiet_to": 7}),
        ("quiet_to", {"quiet_from": 22}),
        ("quiet_to", {"quiet_from": 7, "quiet_to": 7}),
        ("quiet_from", {"quiet_from": -1, "quiet_to": 7}),
        ("time_zone", {"time_zone": "Europe/Atlantis"}),
        ("time_zone", {"time_zone": "../../etc/passwd"}),
    ],
)
def test_choices_that_make_no_sense_name_their_field(reader, field, choices):
    with pytest.raises(InvalidInput) as caught:
        choose(reader, **choices)
    assert caught.value.field == field


def test_what_waits_follows_a_new_choice(model, reader, tell, outbox_is_read, mails):
    tell(reader, kind=Kind.DRIFT)
    happen(model)
    outbox.fan_out()
    choose(reader, mail={"drift": "off"})
    assert list(Notification.objects.values_list("mail_at")) == [(None,)]


def test_everybody_has_choices_before_they_make_any(reader):
    kept = preferences.described(preferences.of(reader))
    assert (kept["mail"]["review_needed"], kept["mail"]["drift"], "bypass" in kept["mail"]) == ("now", "digest", False)
    assert Preferences.objects.count() == 0
