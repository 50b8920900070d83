"""Secrets of ours that somebody pasted where they do not belong: they work on, so nothing may keep them."""

import json
import logging
from collections.abc import Iterator
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.test import Client

from apps.accounts import services
from apps.accounts.authentication import usable_token
from apps.accounts.giving import give_grant
from apps.accounts.invitations import invitation_of
from apps.accounts.models import ApiToken
from apps.accounts.tokens import NewToken, create_token
from apps.audit.models import Access, AuditEvent
from apps.masking import masked
from apps.notifications.sending.signing import new_secret
from config.access import NAMES
from config.logs import OF_THE_WEB_SERVER, MaskedLines, mask_the_web_server
from tests.accounts.test_views import browser
from tests.attacks.doors import ARGUMENT, doors

pytestmark = pytest.mark.django_db
TOKENS = "/api/v1/tokens/"


@pytest.fixture
def log() -> Iterator[StringIO]:
    """What the handler of the settings writes."""
    written = StringIO()
    handler = next(one for one in logging.getLogger().handlers if any(isinstance(f, MaskedLines) for f in one.filters))
    before = handler.setStream(written)
    yield written
    handler.setStream(before)


def secret_of(made: NewToken) -> str:
    return made.text.rpartition(f"{made.token.prefix}_")[2]


def kept() -> str:
    """Whatever the trail and the access log hold."""
    return json.dumps([*AuditEvent.objects.values(), *Access.objects.values()], default=str)


# --- whole tokens ---


def test_a_token_named_by_its_whole_text_is_revoked(alice, log):
    made = create_token("laptop", by=alice)
    answer = browser(alice).delete(f"{TOKENS}{made.text}/")
    assert (answer.status_code < 300, ApiToken.objects.get().usable, secret_of(made) in kept()) == (True, False, False)


def test_a_token_named_by_its_whole_text_is_renewed_under_its_prefix(alice):
    made = create_token("laptop", by=alice)
    answer = browser(alice).post(f"{TOKENS}{made.text}/renew/", {}, content_type="application/json")
    assert (answer.status_code, usable_token(answer.json()["text"])) == (200, made.token)
    assert secret_of(made) not in kept()


@pytest.mark.parametrize("method", ["delete", "post"])
@pytest.mark.parametrize("form", ["{}", "{}x", "Bearer {}", "x{}"])
def test_somebody_elses_whole_token_is_kept_nowhere(alice, mallory, log, method, form):
    made = create_token("laptop", by=alice)
    path = f"{TOKENS}{form.format(made.text)}/" + ("renew/" if method == "post" else "")
    answer = getattr(browser(mallory), method)(path, {}, content_type="application/json")
    assert (answer.status_code, usable_token(made.text)) == (404, made.token)
    assert Access.objects.get().object.find(made.token.prefix) > 0
    assert AuditEvent.objects.filter(outcome="refused", target__contains=made.token.prefix).count() == 1
    assert ("Not Found" in log.getvalue(), secret_of(made) in kept() + log.getvalue()) == (True, False)


def test_a_token_that_lost_its_last_letter_is_kept_nowhere(alice):
    made = create_token("laptop", by=alice)
    browser(alice).delete(f"{TOKENS}{made.text[:-1]}/")
    assert secret_of(made)[:-1] not in kept()


@pytest.mark.parametrize("command", ["revoke_token", "renew_token"])
def test_a_command_takes_the_whole_token_too(alice, command):
    made = create_token("laptop", by=alice)
    call_command(command, made.text, stdout=StringIO())
    assert (AuditEvent.objects.latest("id").outcome, secret_of(made) in kept()) == ("done", False)


@pytest.mark.parametrize("command", ["revoke_token", "renew_token"])
def test_a_command_repeats_no_token_that_it_does_not_know(alice, command):
    made = create_token("laptop", by=alice)
    ApiToken.objects.all().delete()
    with pytest.raises(CommandError) as caught:
        call_command(command, made.text)
    assert secret_of(made) not in str(caught.value)


def test_a_token_in_a_path_of_people_or_as_a_user_name_is_kept_nowhere(alice, log):
    made = create_token("laptop", by=alice)
    browser(alice).get(f"/api/v1/people/{made.text}/")
    Client().post("/sign-in/", {"username": made.text, "password": "x"})
    assert (Access.objects.count(), secret_of(made) in kept() + log.getvalue()) == (1, False)


# --- links of invitations ---


def refused_by_csrf(path: str) -> int:
    return Client(enforce_csrf_checks=True).post(path, {"password": "x", "again": "x"}).status_code


def test_a_link_that_was_refused_and_still_counts_is_kept_nowhere(admin, log):
    made = services.invite(username="heidi", by=admin)
    assert (refused_by_csrf(f"/invitations/{made.text}/"), invitation_of(made.text)) == (403, made.invitation)
    assert Access.objects.values_list("status", "route", "object").get() == (403, "accounts:invitation", "")
    assert ("Forbidden" in log.getvalue(), made.text in kept() + log.getvalue()) == (True, False)


@pytest.mark.parametrize("path", ["/invitations/{}", "/invitations/{}/x", "/invitations/{}x/", "/Invitations/{}/"])
def test_a_link_with_a_slip_in_it_is_kept_nowhere(admin, log, path):
    made = services.invite(username="heidi", by=admin)
    Client().get(path.format(made.text), follow=True)
    assert made.text not in kept() + log.getvalue()


def test_a_link_that_was_pasted_into_a_reason_is_not_in_the_trail(admin, alice):
    made = services.invite(username="heidi", by=admin)
    services.deactivate(alice, by=admin, reason=f"See http://testserver/invitations/{made.text}/.")
    event = AuditEvent.objects.latest("id")
    assert (event.reason, made.text in kept()) == ("See http://testserver/invitations/…/.", False)


def test_every_text_of_a_path_is_known_as_a_name_or_as_a_secret():
    texts = {name for door in doors() for _before, kind, name in ARGUMENT.findall(door.route) if kind != "int"}
    assert texts == {*NAMES, "name", "text", "path"}  # a path below MLflow's pages names a file, and is not kept


# --- lines of the log ---


def test_a_traceback_is_logged_without_secrets(log):
    text = f"assent_{'0' * 12}_{'s' * 43}"
    try:
        raise RuntimeError(f"no answer from https://bob:hunter2@host/ with {text}")
    except RuntimeError:
        logging.getLogger("apps").exception("failed with %s", text)
    lines = log.getvalue()
    assert ("RuntimeError: no answer from https://…@host/ with assent_000000000000_…" in lines) is True
    assert ("s" * 43 in lines, "hunter2" in lines) == (False, False)


@pytest.mark.parametrize("name", OF_THE_WEB_SERVER)
def test_the_lines_of_the_web_server_are_masked(name, caplog):
    logger, path = logging.getLogger(name), f"/api/v1/tokens/assent_{'0' * 12}_{'s' * 43}/"
    before, logger.filters = logger.filters, []
    try:
        mask_the_web_server()
        logger.error("%(r)s failed", {"r": path})
    finally:
        logger.filters = before
    assert caplog.messages == ["/api/v1/tokens/assent_000000000000_…/ failed"]


def test_a_line_without_secrets_stays_as_it_was():
    record = logging.LogRecord("x", logging.INFO, "", 1, "%s of %s", ("1", "2"), None)
    assert (MaskedLines().filter(record), record.msg, record.args) == (True, "%s of %s", ("1", "2"))


def test_every_token_is_masked_to_its_prefix(alice):
    made = [create_token(f"token {number}", by=alice) for number in range(20)]
    shown = [masked(f"x={one.text}&y") for one in made]
    assert shown == [f"x=assent_{one.token.prefix}_…&y" for one in made]


# --- secrets of webhooks ---


def test_every_secret_of_a_webhook_is_masked_whole():
    shown = {masked(f"the key is {new_secret()}, keep it") for _number in range(50)}
    assert shown == {"the key is whsec_…, keep it"}


def test_a_webhooks_secret_without_its_last_letters_and_in_an_address_is_masked():
    secret = new_secret()
    assert masked([secret[:-4], f"https://hook.example.org/{secret}/x"]) == [
        "whsec_…", "https://hook.example.org/whsec_…/x",
    ]  # fmt: skip


def test_a_webhooks_secret_in_a_reason_is_kept_nowhere(alice, admin, log):
    secret = new_secret()
    grant = give_grant(alice, "viewer", by=admin, reason=f"For the receiver with {secret}.")
    logging.getLogger("apps").error("it was %s", secret)
    assert grant.reason == "For the receiver with whsec_…."
    assert secret.removeprefix("whsec_") not in kept() + log.getvalue()
