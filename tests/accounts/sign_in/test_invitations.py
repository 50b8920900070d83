"""Invitations: a link that lets one person choose a password, once."""

import threading
from datetime import timedelta

import pytest
from django.core import mail
from django.db import connections
from django.test import Client
from django.utils import timezone

from apps.accounts import invitations, services
from apps.accounts.models import Invitation, User
from apps.accounts.roles import ADMIN
from apps.approvals import services as approvals
from apps.audit.models import AuditEvent
from apps.errors import Conflict, InvalidInput, NotAllowed, NotVisible, RuleViolation
from apps.notifications import outbox
from apps.notifications.models import Notification
from tests.accounts.sign_in.conftest import is_in, sign_in
from tests.builders import make_model, make_policy, make_version
from tests.conftest import PASSWORD, member

CHOSEN = "a long and quiet sentence"


def choose(link: str, password: str = CHOSEN, again: str | None = None) -> Client:
    browser = Client()
    path = "/invitations/" + link.rstrip("/").rsplit("/", 1)[1] + "/"
    browser.answer = browser.post(path, {"password": password, "again": password if again is None else again})
    return browser


def last_event() -> AuditEvent:
    return AuditEvent.objects.latest("id")


def test_an_invited_person_chooses_a_password_and_is_in(admin):
    made = services.invite(username="heidi", email="heidi@example.org", by=admin)
    browser = choose(made.link)
    heidi = User.objects.get(username="heidi")
    used = AuditEvent.objects.get(action="invitation.used")
    assert (is_in(browser), heidi.check_password(CHOSEN), used.actor) == (True, True, "heidi")
    assert last_event().data["method"] == "invitation"


def test_the_page_shows_the_link_once(admin):
    browser = sign_in("admin")
    answer = browser.post("/people/", {"do": "invite", "username": "heidi"})
    made = answer.context["invited"]
    assert (made.link in answer.content.decode(), made.text in browser.get("/people/").content.decode()) == (
        True,
        False,
    )


def test_an_address_is_enough(admin):
    services.invite(email="heidi@example.org", by=admin)
    heidi = User.objects.exclude(pk=admin.pk).get()
    assert (heidi.username, heidi.email, heidi.has_usable_password()) == (
        "heidi@example.org",
        "heidi@example.org",
        False,
    )


def test_the_link_is_hashed_at_rest_and_stands_in_no_event(admin):
    made = services.invite(username="heidi", by=admin)
    kept = str(Invitation.objects.values().get()) + str([event.data for event in AuditEvent.objects.all()])
    assert made.text not in kept


@pytest.mark.parametrize(
    ("fields", "field"),
    [({}, "username"), ({"username": "a b"}, "username"), ({"username": "x", "email": "y"}, "email")],
)
def test_a_malformed_invitation_names_the_field(admin, fields, field):
    with pytest.raises(InvalidInput) as refused:
        services.invite(by=admin, **fields)
    assert (refused.value.field, User.objects.count()) == (field, 1)


def test_others_invite_nobody(bob):
    with pytest.raises(NotAllowed):
        services.invite(username="heidi", by=bob)
    assert not User.objects.filter(username="heidi").exists()


def test_a_link_works_once(admin):
    link = services.invite(username="heidi", by=admin).link
    assert [choose(link).answer.status_code, choose(link, "another long sentence").answer.status_code] == [302, 404]


def test_a_link_ends(admin):
    made = services.invite(username="heidi", by=admin)
    Invitation.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    assert choose(made.link).answer.status_code == 404


def test_a_new_link_ends_the_one_before(admin):
    first, second = (services.invite(username="heidi", by=admin) for _ in range(2))
    assert [choose(first.link).answer.status_code, choose(second.link).answer.status_code] == [404, 302]


def test_deactivation_kills_the_link_for_good(admin):
    made = services.invite(username="heidi", by=admin)
    heidi = User.objects.get(username="heidi")
    services.deactivate(heidi, by=admin, reason="Never came.")
    assert choose(made.link).answer.status_code == 404
    services.reactivate(heidi, by=admin, reason="Came after all.")
    assert choose(made.link).answer.status_code == 404
    with pytest.raises(NotVisible):
        invitations.use(made.text, CHOSEN)


@pytest.mark.parametrize("text", ["x", "%00", "a" * 500, "<script>"])
def test_an_unknown_link_is_not_there(db, text):
    assert Client().get(f"/invitations/{text}/").status_code == 404


@pytest.mark.parametrize(("password", "again", "field"), [("short", None, "password"), (CHOSEN, "other", "again")])
def test_a_password_that_does_not_do_comes_back_on_its_field_and_keeps_the_link(admin, password, again, field):
    link = services.invite(username="heidi", by=admin).link
    refused = choose(link, password, again)
    assert (refused.answer.status_code, list(refused.answer.context["form"].errors)) == (400, [field])
    assert choose(link).answer.status_code == 302


def test_somebody_who_is_there_gets_another_password_and_their_sessions_end(admin, alice):
    browser = sign_in("alice")
    link = services.invite(username="alice", by=admin).link
    assert is_in(browser)
    choose(link)
    alice.refresh_from_db()
    assert (is_in(browser), alice.check_password(CHOSEN), alice.check_password(PASSWORD)) == (False, True, False)


@pytest.fixture
def outbox_is_read(db) -> None:
    """What is recorded from now on is told."""
    outbox.fan_out()


def told(person: User) -> list[tuple[str, bool]]:
    """What somebody was told, by its first word, and whether a mail follows."""
    outbox.fan_out()
    rows = Notification.objects.filter(user=person, kind="account").order_by("id")
    return [(row.sentence.split()[0], row.mail_at is not None) for row in rows]


def test_somebody_whose_account_is_in_use_is_told_of_an_invitation_and_of_its_use(
    admin, alice, outbox_is_read, settings
):
    settings.MAIL_ENABLED = True
    User.objects.filter(pk=alice.pk).update(email="alice@example.org")
    link = services.invite(username="alice", by=admin).link
    made = told(alice)
    choose(link)
    assert (made, told(alice)) == ([("admin", True)], [("admin", True), ("Another", True)])
    assert told(admin) == []


def test_whoever_is_invited_is_told_that_a_first_password_was_chosen_and_nothing_before(
    admin, outbox_is_read, settings
):
    settings.MAIL_ENABLED = True
    services.invite(username="heidi", email="heidi@example.org", by=admin)
    link = services.invite(username="heidi", by=admin).link
    heidi = User.objects.get(username="heidi")
    before = told(heidi)
    choose(link)
    assert (before, told(heidi)) == ([], [("A", True)])
    assert "through its invitation" in Notification.objects.get(user=heidi).sentence


def test_the_trail_says_whether_the_account_was_in_use(admin, alice):
    for name in ("alice", "heidi"):
        choose(services.invite(username=name, by=admin).link)
    rows = AuditEvent.objects.filter(action__in=["user.invited", "invitation.used"]).order_by("id")
    assert [row.data["in_use"] for row in rows] == [True, True, False, False]


def test_whoever_asks_does_not_open_the_account_of_who_signs(erin):
    ada = member("ada", ADMIN)
    make_policy("Staging")
    approvals.open_request(make_version(make_model("churn"), 1).pk, "Staging", reason="Better.", by=ada)
    with pytest.raises(RuleViolation, match="Whoever asks does not choose"):
        services.invite(username="erin", by=ada)
    with pytest.raises(RuleViolation, match="Whoever asks does not choose"):
        services.reset_factors(erin, by=ada, reason="Lost.")


def test_somebody_inactive_is_not_invited(admin, alice):
    User.objects.filter(pk=alice.pk).update(is_active=False)
    with pytest.raises(Conflict, match="inactive"):
        services.invite(username="alice", by=admin)


def test_a_machine_is_not_invited(admin):
    services.create_service_account("ci", by=admin)
    with pytest.raises(Conflict) as refused:
        services.invite(username="ci", by=admin)
    assert (refused.value.field, Invitation.objects.exists()) == ("username", False)


def test_the_link_is_mailed_to_the_address_that_is_kept(admin, alice, settings):
    settings.MAIL_ENABLED = True
    alice.email = "alice@example.org"
    alice.save()
    made = services.invite(username="alice", email="mallory@evil.example", by=admin)
    assert ([message.to for message in mail.outbox], made.mailed) == ([["alice@example.org"]], True)
    assert made.link in mail.outbox[0].body


def test_a_mail_server_that_is_down_leaves_the_link(admin, settings):
    settings.MAIL_ENABLED, settings.EMAIL_BACKEND = True, "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", 9
    made = services.invite(username="heidi", email="heidi@example.org", by=admin)
    assert (made.mailed, choose(made.link).answer.status_code) == (False, 302)


@pytest.mark.django_db(transaction=True)
def test_of_two_who_open_a_link_at_once_one_chooses():
    admin = member("admin", ADMIN)
    made, outcome, ready = services.invite(username="heidi", by=admin), [], threading.Barrier(2)

    def use(password: str) -> None:
        ready.wait()
        try:
            invitations.use(made.text, password)
            outcome.append("chosen")
        except NotVisible:
            outcome.append("refused")
        connections.close_all()

    threads = [threading.Thread(target=use, args=(password,)) for password in (CHOSEN, "another long sentence")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(outcome) == ["chosen", "refused"]
