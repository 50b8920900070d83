"""Which counts of failures a sign-in is held against, so that guessing is slow and nobody locks out somebody else.

A browser that the person signed in with before is known by a signed cookie, and held against its own count alone: what
strangers guess elsewhere, also behind the same address, does not touch it. Any other browser is held against three
counts: this name from this address, this name from anywhere (guesses that are spread over many addresses), and this
address with any name (one password tried on many names). Each ends by itself, 15 minutes after its first failure.
"""

import hashlib
import secrets
from typing import Any

from django.conf import settings
from django.core import signing
from django.http import HttpRequest, HttpResponse

from apps.accounts import throttle
from apps.accounts.models import User

COOKIE = "known_browser"
SALT = "apps.accounts.doors"
KEPT_DAYS = 180
PEOPLE = 8  # who signed in from one browser, as far as it remembers
MOST_FOR_NAME = 100  # failures from unknown browsers, wherever they are
MOST_CODES = 20  # likewise of second factors: a code has six digits, and who types one knows the password
MOST_FROM_ADDRESS = 200  # failures of unknown browsers with any name: an office has one address
ANYWHERE, ANYBODY = "anywhere", "anybody\n"  # a user name has no line break


def is_shut(request: HttpRequest, username: str, *, step: str = "") -> bool:
    """Return whether too many attempts failed for one more with this user name from this browser.

    `step`: of which step of signing in, whose attempts are counted apart; empty for the password.
    """
    return any(throttle.failures(*words) >= most for words, most in _counts(request, username, step))


def count_failure(request: HttpRequest, username: str, *, step: str = "") -> None:
    """Count a failed attempt with this user name from this browser."""
    for words, _most in _counts(request, username, step):
        throttle.count_failure(*words)


def forget(request: HttpRequest, username: str, *, step: str = "") -> None:
    """Start afresh after an attempt that succeeded: for this person, not for the other names from this address."""
    for words, _most in _counts(request, username, step):
        if words[1] != ANYBODY:
            throttle.forget(*words)


def remember(request: HttpRequest, response: HttpResponse, user: User) -> None:
    """Make this browser one that `user` signed in with."""
    number, names = _known(request)
    name = _digest(user.get_username())
    kept = [name, *(other for other in names if other != name)][:PEOPLE]
    response.set_cookie(
        COOKIE,
        signing.dumps([number or secrets.token_hex(8), kept], salt=SALT),
        max_age=KEPT_DAYS * 24 * 3600,
        samesite="Lax",
        secure=settings.SECURE_COOKIES,
        httponly=True,
    )


def address_of(request: HttpRequest) -> str:
    """Return from which address a request comes."""
    return str(request.META.get("REMOTE_ADDR", ""))


def _counts(request: HttpRequest, username: str, step: str) -> list[tuple[tuple[str, str], int]]:
    number, names = _known(request)
    name = f"{username}\n{step}" if step else username
    if _digest(username) in names:
        return [((f"browser {number}", name), throttle.MAX_FAILURES)]
    address = address_of(request)
    most = MOST_CODES if step else MOST_FOR_NAME
    counts = [((address, name), throttle.MAX_FAILURES), ((ANYWHERE, name), most)]
    if settings.SECURE_PROXY_SSL_HEADER:  # the address is the proxy's, and everybody's
        return counts
    return [*counts, ((address, ANYBODY), MOST_FROM_ADDRESS)]


def _known(request: HttpRequest) -> tuple[str, list[str]]:
    """Return the browser's number and the digests of who signed in with it; nothing for a cookie that is not ours."""
    try:
        read: Any = signing.loads(request.COOKIES.get(COOKIE, ""), salt=SALT, max_age=KEPT_DAYS * 24 * 3600)
    except signing.BadSignature:
        return "", []
    return read[0], read[1]


def _digest(username: str) -> str:
    return hashlib.sha256(username.casefold().encode(errors="surrogatepass")).hexdigest()[:16]
