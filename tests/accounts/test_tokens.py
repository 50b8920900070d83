import re
import threading
from datetime import timedelta
from io import StringIO

import pytest
from django.conf import settings
from django.core.management import CommandError, call_command
from django.db import connection, transaction
from django.utils import timezone

from apps.accounts import grants, guards, managing
from apps.accounts.authentication import usable_token
from apps.accounts.models import ApiToken, User
from apps.accounts.permissions import Permission
from apps.accounts.services import (
    create_service_account,
    create_token,
    deactivate,
    reactivate,
    renew_token,
    revoke_token,
)
from apps.accounts.tokens import PATTERN
from apps.audit.models import AuditEvent
from apps.errors import Conflict, DomainError, InvalidInput, NotAllowed, NotVisible, WrongState
from tests.builders import make_model


def test_token_text_finds_its_row_and_is_not_stored(alice):
    made = create_token("laptop", by=alice)
    secret = made.text.split("_", 2)[2]
    assert made.text.startswith(f"assent_{made.token.prefix}_")
    assert usable_token(made.text) == made.token
    assert secret not in str(ApiToken.objects.values().get()) + str(list(AuditEvent.objects.values()))


def test_create_token_is_recorded(alice):
    made = create_token(" laptop ", by=alice, scope="write", days=365, reason="CI")
    event = AuditEvent.objects.get()
    assert (event.action, event.target) == ("token.created", f"alice: laptop ({made.token.prefix})")
    assert (event.reason, event.data["after"]["scope"]) == ("CI", "write")


def test_token_expires_after_ninety_days_unless_told(alice):
    left = create_token("laptop", by=alice).token.expires_at - timezone.now()
    assert left.days in (89, 90)


@pytest.mark.parametrize(
    ("more", "field"),
    [
        ({"days": 0}, "days"),
        ({"days": 366}, "days"),
        ({"days": -(10**12)}, "days"),
        ({"scope": "root"}, "scope"),
        ({"name": " "}, "name"),
        ({"name": "x" * 101}, "name"),
        ({"name": "a\0b"}, "name"),
    ],
)
def test_create_token_names_the_field_at_fault(alice, more, field):
    with pytest.raises(InvalidInput) as caught:
        create_token(more.pop("name", "laptop"), by=alice, **more)
    assert (caught.value.field, ApiToken.objects.count()) == (field, 0)


def test_revoked_token_is_unusable_and_revoking_again_changes_nothing(alice):
    made = create_token("laptop", by=alice)
    first = revoke_token(made.token.prefix, by=alice).revoked_at
    assert usable_token(made.text) is None
    assert revoke_token(made.token.prefix, by=alice).revoked_at == first


def test_admin_revokes_the_token_of_somebody_else(alice, admin):
    made = create_token("laptop", by=alice)
    revoke_token(made.token.prefix, by=admin)
    assert AuditEvent.objects.latest("id").actor == "admin"


def test_token_of_somebody_else_is_out_of_sight(alice, bob):
    made = create_token("laptop", by=alice)
    with pytest.raises(NotVisible):
        revoke_token(made.token.prefix, by=bob)
    event = AuditEvent.objects.latest("id")
    assert (event.outcome, event.target) == ("refused", made.token.prefix)
    assert usable_token(made.text) == made.token


@pytest.mark.parametrize(
    "text", ["", "assent", "assent__", "assent_x_", "other_x_y", "assent_\0_y", "é_é_é", "assent_x_y_z"]
)
def test_malformed_text_is_no_token(db, text):
    assert usable_token(text) is None


def test_another_secret_with_the_same_prefix_is_no_token(alice):
    assert usable_token(create_token("laptop", by=alice).text[:-1] + "?") is None


def test_expired_token_and_token_of_an_inactive_person_are_unusable(alice):
    made = create_token("laptop", by=alice)
    ApiToken.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    assert usable_token(made.text) is None
    ApiToken.objects.update(expires_at=timezone.now() + timedelta(days=1))
    alice.is_active = False
    alice.save()
    assert usable_token(made.text) is None


def run(*args: str) -> str:
    out = StringIO()
    call_command(*args, stdout=out)
    return out.getvalue()


def test_command_prints_the_token_alone(alice):
    text = run("create_token", "alice", "--name", "CI", "--expires", "7").removesuffix("\n")
    token = usable_token(text)
    assert (token.user, token.scope, token.name) == (alice, "write", "CI")


def test_commands_refuse_who_and_what_is_not_there(alice):
    for args in (
        ("create_token", "nobody", "--name", "x"),
        ("create_token", "alice", "--name", "x", "--expires", "0"),
        ("revoke_token", "nothing"),
    ):
        with pytest.raises(CommandError):
            run(*args)


def test_command_revokes(alice):
    made = create_token("laptop", by=alice)
    assert run("revoke_token", made.token.prefix) == f"Revoked {made.token}.\n"
    assert usable_token(made.text) is None


# --- renewing ---


def test_a_renewed_token_and_the_one_before_both_work_until_the_stated_time(alice):
    first = create_token("CI", by=alice, scope="gate")
    second = renew_token(first.token.prefix, by=alice, overlap=2)
    assert [usable_token(made.text) for made in (first, second)] == [first.token, first.token]
    assert timedelta(hours=1, minutes=59) < second.token.old_until - timezone.now() < timedelta(hours=2)
    ApiToken.objects.update(old_until=timezone.now())
    assert [usable_token(made.text) for made in (first, second)] == [None, first.token]


def test_renewing_keeps_name_scope_and_prefix_and_moves_the_end(alice):
    made = create_token("CI", by=alice, scope="gate", days=1)
    token = renew_token(made.token.prefix, by=alice, days=30).token
    assert (token.name, token.scope, token.prefix) == ("CI", "gate", made.token.prefix)
    assert (token.expires_at - timezone.now()).days in (29, 30)


def test_the_old_secret_never_works_longer_than_it_would_have(alice):
    made = create_token("CI", by=alice)
    soon = timezone.now() + timedelta(minutes=5)
    ApiToken.objects.update(expires_at=soon)
    assert renew_token(made.token.prefix, by=alice, overlap=168).token.old_until == soon


def test_without_an_overlap_the_old_secret_ends_at_once(alice):
    made = create_token("CI", by=alice)
    renewed = renew_token(made.token.prefix, by=alice, overlap=0)
    assert (usable_token(made.text), usable_token(renewed.text)) == (None, made.token)


def test_renewing_twice_leaves_the_last_two_secrets(alice):
    made = create_token("CI", by=alice)
    texts = [made.text, *(renew_token(made.token.prefix, by=alice).text for _ in range(2))]
    assert [usable_token(text) is not None for text in texts] == [False, True, True]


def test_revoking_ends_both_secrets(alice):
    made = create_token("CI", by=alice)
    renewed = renew_token(made.token.prefix, by=alice)
    revoke_token(made.token.prefix, by=alice)
    assert [usable_token(text) for text in (made.text, renewed.text)] == [None, None]


@pytest.mark.parametrize(
    ("more", "field"), [({"overlap": 169}, "overlap"), ({"overlap": -1}, "overlap"), ({"days": 366}, "days")]
)
def test_renew_token_names_the_field_at_fault_and_changes_nothing(alice, more, field):
    made = create_token("CI", by=alice)
    with pytest.raises(InvalidInput) as caught:
        renew_token(made.token.prefix, by=alice, **more)
    assert (caught.value.field, usable_token(made.text)) == (field, made.token)


@pytest.mark.parametrize("change", [{"revoked_at": timezone.now()}, {"expires_at": timezone.now()}])
def test_what_is_over_is_not_renewed(alice, change):
    made = create_token("CI", by=alice)
    ApiToken.objects.update(**change)
    with pytest.raises(WrongState):
        renew_token(made.token.prefix, by=alice)


def test_nobody_renews_the_token_of_a_person_for_them(alice, admin):
    made = create_token("CI", by=alice)
    with pytest.raises(NotVisible):
        renew_token(made.token.prefix, by=admin)
    assert usable_token(made.text) == made.token


def test_renewing_is_recorded_without_a_secret(alice):
    made = create_token("CI", by=alice)
    renewed = renew_token(made.token.prefix, by=alice, reason="It leaked.")
    event = AuditEvent.objects.latest("id")
    assert (event.action, event.outcome, event.reason) == ("token.renewed", "done", "It leaked.")
    assert event.data["after"]["old_secret_until"] == renewed.token.old_until.isoformat()
    assert renewed.text.rpartition("_")[2] not in str(list(AuditEvent.objects.values()))


@pytest.mark.django_db(transaction=True)
def test_of_two_who_renew_at_once_each_gets_a_secret_that_works(alice):
    made = create_token("CI", by=alice)
    texts: list[str] = []

    def renew() -> None:
        texts.append(renew_token(made.token.prefix, by=alice).text)
        connection.close()

    threads = [threading.Thread(target=renew) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [usable_token(text) for text in texts] == [made.token] * 2
    assert usable_token(made.text) is None


def test_every_token_is_what_leak_scanners_look_for(alice):
    made = create_token("CI", by=alice)
    texts = [made.text, *(renew_token(made.token.prefix, by=alice).text for _ in range(20))]
    assert [re.findall(PATTERN, f"ASSENT_TOKEN={text}\n") for text in texts] == [[text] for text in texts]


def test_the_pattern_is_the_documented_one():
    assert PATTERN in (settings.BASE_DIR / "docs" / "security.md").read_text()


def test_command_renews(alice):
    made = create_token("CI", by=alice)
    text = run("renew_token", made.token.prefix, "--overlap", "0").removesuffix("\n")
    assert (usable_token(made.text), usable_token(text)) == (None, made.token)


def test_command_limits_a_token_to_models(alice):
    model = make_model("churn")
    text = run("create_token", "alice", "--name", "CI", "--scope", "gate", "--model", "churn").removesuffix("\n")
    assert (usable_token(text).scope, usable_token(text).limited_to) == ("gate", [model.pk])


# --- tokens and who is shut out ---


def test_a_token_made_before_its_owner_is_deactivated_stays_dead(alice, admin):
    made = create_token("CI", by=alice)
    deactivate(alice, by=admin, reason="Left.")
    reactivate(alice, by=admin, reason="Back.")
    assert usable_token(made.text) is None


def test_somebody_deactivated_meanwhile_makes_and_renews_none(alice, admin):
    made = create_token("CI", by=alice)
    deactivate(alice, by=admin, reason="Left.")
    with pytest.raises(NotAllowed):
        create_token("late", by=alice)
    with pytest.raises(NotAllowed):
        renew_token(made.token.prefix, by=alice)
    assert not ApiToken.objects.filter(revoked_at=None).exists()


def test_nobody_makes_or_renews_one_for_a_deactivated_service_account(admin):
    machine = create_service_account("ci", by=admin)
    made = create_token("gate", by=admin, owner=machine)
    deactivate(machine, by=admin, reason="Retired.")
    with pytest.raises(Conflict):
        create_token("late", by=admin, owner=machine)
    with pytest.raises(Conflict):
        renew_token(made.token.prefix, by=admin)
    assert not ApiToken.objects.filter(revoked_at=None).exists()


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("deed", [lambda by, _made: create_token("late", by=by),
                                  lambda by, made: renew_token(made.token.prefix, by=by)])  # fmt: skip
def test_while_somebody_is_shut_out_no_token_is_made_beside_it(alice, deed):
    made, results = create_token("CI", by=alice), []

    def late() -> None:
        try:
            deed(alice, made)
            results.append("done")
        except DomainError as error:
            results.append(type(error).__name__)
        finally:
            connection.close()

    thread = threading.Thread(target=late)
    with transaction.atomic():  # as deactivate does, slowly
        guards.lock_people(alice.pk)
        thread.start()
        thread.join(0.5)
        User.objects.filter(pk=alice.pk).update(is_active=False)
    thread.join()
    assert (results, ApiToken.objects.count()) == (["NotAllowed"], 1)


DEEDS = {
    "make": lambda by, made: create_token("late", by=by, owner=made.token.user),
    "renew": lambda by, made: renew_token(made.token.prefix, by=by),
    "revoke": lambda by, made: revoke_token(made.token.prefix, by=by),
}


@pytest.mark.parametrize("deed", DEEDS.values(), ids=DEEDS)
def test_who_lost_the_role_meanwhile_manages_no_token_of_a_service_account(admin, deed):
    made = create_token("gate", by=admin, owner=create_service_account("ci", by=admin))
    assert grants.allows(admin, Permission.PEOPLE_MANAGE)  # remembered on this object
    User.objects.get(pk=admin.pk).groups.clear()
    with pytest.raises(NotVisible):
        deed(admin, made)
    assert (ApiToken.objects.count(), usable_token(made.text)) == (1, made.token)


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("deed", DEEDS.values(), ids=DEEDS)
def test_while_the_role_is_taken_no_token_of_a_service_account_is_managed_beside_it(admin, deed):
    made, results = create_token("gate", by=admin, owner=create_service_account("ci", by=admin)), []
    assert grants.allows(admin, Permission.PEOPLE_MANAGE)

    def late() -> None:
        try:
            deed(admin, made)
            results.append("done")
        except DomainError as error:
            results.append(type(error).__name__)
        finally:
            connection.close()

    thread = threading.Thread(target=late)
    with transaction.atomic():  # as who takes the role away does, slowly
        managing.in_line()
        thread.start()
        thread.join(0.5)
        User.objects.get(pk=admin.pk).groups.clear()
    thread.join()
    assert (results, ApiToken.objects.filter(revoked_at=None).count()) == (["NotVisible"], 1)


@pytest.mark.django_db(transaction=True)
def test_of_making_a_token_and_shutting_its_owner_out_at_once_none_is_left(alice, admin):
    start, texts = threading.Barrier(2), []

    def make() -> None:
        start.wait()
        try:
            texts.append(create_token("late", by=alice).text)
        except DomainError:
            pass  # refused is as good
        finally:
            connection.close()

    thread = threading.Thread(target=make)
    thread.start()
    start.wait()
    deactivate(alice, by=admin, reason="Left.")
    thread.join()
    reactivate(alice, by=admin, reason="Back.")
    assert [usable_token(text) for text in texts] == [None] * len(texts)
