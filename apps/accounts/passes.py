"""Passes: somebody proved who they are by passkey or fresh single sign-on, and takes that along to one signature.

A signature is a form that is sent once; a passkey or a provider is asked on a page of its own before. The pass waits in
the person's session until the form sends it. Stored is its hash alone; it ends after five minutes, or when it is used.
"""

import secrets
from datetime import timedelta

from django.http import HttpRequest
from django.utils import timezone

from apps.accounts.assurance import SignWith, is_enough
from apps.accounts.authentication import digest_of
from apps.accounts.models import SigningPass, User

PREFIX = "pass_"
LASTS = timedelta(minutes=5)
IN_SESSION = "signing_pass"


def give(request: HttpRequest, user: User, method: str) -> None:
    """Put a pass into the person's session, in place of any before."""
    text = PREFIX + secrets.token_urlsafe(32)
    until = timezone.now() + LASTS
    SigningPass.objects.filter(person=user).delete()
    SigningPass.objects.create(person=user, digest=digest_of(text), method=method, expires_at=until)
    request.session[IN_SESSION] = [text, until.timestamp()]


def held(request: HttpRequest, asked: SignWith = SignWith.PASSWORD) -> str:
    """Return the pass that stands in this session, has not ended and is enough for what is asked; "" without one."""
    text, until = request.session.get(IN_SESSION) or ("", 0)
    if until <= timezone.now().timestamp():
        return ""
    method = SigningPass.objects.filter(digest=digest_of(text)).values_list("method", flat=True).first()
    return text if method and is_enough(method, asked) else ""


def end_all_of(request: HttpRequest, user: User) -> None:
    """End the passes of a person, in whichever session they wait, in the caller's transaction."""
    SigningPass.objects.filter(person=user).delete()
    request.session.pop(IN_SESSION, None)


def use(user: User, text: str) -> str:
    """Return how the person proved who they are, having used the pass up; "" for one not theirs, or that has ended."""
    row = SigningPass.objects.filter(digest=digest_of(text), person=user, expires_at__gt=timezone.now()).first()
    if row is None or not SigningPass.objects.filter(pk=row.pk).delete()[0]:  # of two at once, one finds it
        return ""
    return row.method
