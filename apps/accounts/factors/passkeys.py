"""Passkeys (WebAuthn): what a browser is asked, and whether its answer is right. The session keeps the challenge."""

import json
import struct
from typing import Any

from allauth.mfa.models import Authenticator
from allauth.mfa.webauthn.internal import auth as webauthn
from django.core.exceptions import ValidationError
from django.utils import timezone
from django.utils.translation import gettext as _

from apps.accounts.models import User
from apps.errors import InvalidInput

PASSKEY = "passkey"
MAX_ANSWER = 20_000  # characters of JSON; an answer with an attestation has some thousand
# What the libraries below raise for an answer that was cut or made up, wherever in its bytes they find out.
UNFIT = (ValidationError, ValueError, LookupError, TypeError, AttributeError, struct.error)


def question_to_add(user: User) -> str:
    """Return, as JSON, what the browser is asked to make a passkey; the challenge is kept in the session."""
    return json.dumps(webauthn.begin_registration(user, passwordless=False))


def question_to_check(user: User) -> str:
    """Return, as JSON, what the browser is asked to prove with one of the person's passkeys."""
    return json.dumps(webauthn.begin_authentication(user))


def made(answer: str) -> dict[str, Any]:
    """Return the credential that a browser made, having checked it. Raises InvalidInput."""
    credential = _parsed(answer)
    try:
        webauthn.parse_registration_response(credential)
        webauthn.complete_registration(credential)
    except UNFIT as error:
        raise _refused() from error
    return credential


def check_passkey(user: User, answer: str) -> bool:
    """Return whether a browser proved to hold one of the person's passkeys."""
    try:
        response = _parsed(answer)
        webauthn.parse_authentication_response(response)
        row = webauthn.complete_authentication(user, response)
    except (InvalidInput, *UNFIT):
        return False
    Authenticator.objects.filter(pk=row.pk).update(last_used_at=timezone.now())
    return True


def _parsed(answer: str) -> dict[str, Any]:
    try:
        read = json.loads(answer) if len(answer) <= MAX_ANSWER else None
    except (ValueError, RecursionError):
        read = None
    if not isinstance(read, dict):
        raise _refused()
    return read


def _refused() -> InvalidInput:
    message = _("The browser's answer does not fit the question. Nothing was changed. Load the page and try again.")
    return InvalidInput(message, field="answer")
