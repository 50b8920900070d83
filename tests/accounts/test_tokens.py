from datetime import timedelta
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from apps.accounts.authentication import usable_token
from apps.accounts.models import ApiToken
from apps.accounts.services import create_token, revoke_token
from apps.audit.models import AuditEvent
from apps.errors import InvalidInput, NotVisible


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
