"""Who an API call comes from, and what its token may be used for."""

import base64
import binascii
import hashlib
import logging
from datetime import timedelta
from typing import Any

from django.core.cache import cache
from django.db import transaction
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext as _
from rest_framework.authentication import BaseAuthentication
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.permissions import SAFE_METHODS, BasePermission
from rest_framework.request import Request

from apps.accounts import grants, known, rates, scopes
from apps.accounts.models import ApiToken, User
from apps.accounts.throttle import CACHE_DOWN
from apps.audit.actions import Action, Outcome
from apps.audit.context import note_token
from apps.audit.services import Target, record
from apps.errors import NotAllowed

logger = logging.getLogger(__name__)
USE_IS_NOTED_EVERY = timedelta(minutes=1)
REFUSAL_IS_NOTED_EVERY = timedelta(minutes=1)


class TokenAuthentication(BaseAuthentication):
    """`Authorization: Bearer <token>`, or Basic with the token as password (the user name is not looked at)."""

    def authenticate(self, request: Request) -> tuple[User, ApiToken] | None:
        """Return the token's person, None when the call carries no token. Raises AuthenticationFailed for a bad one."""
        given = token_in(request.headers.get("Authorization", ""))
        if given is None:
            return None
        token = usable_token(given)
        if token is None:
            raise AuthenticationFailed(_("This token is unknown, expired or revoked. Make a new one and use that."))
        note_token(token.prefix, token.name)
        _count(token, request)
        note_use(token, str(request.META.get("REMOTE_ADDR", "")))
        return token.user, token

    def authenticate_header(self, request: Request) -> str:
        return 'Bearer realm="Assent"'


class TokenScopeAllows(BasePermission):
    """Only signed-in people; a token only where its scope covers what the address needs, and nowhere by default.

    What a person may do is decided by the services.
    """

    def has_permission(self, request: Request, view: Any) -> bool:
        if not getattr(request.user, "is_authenticated", False):
            return False
        token = request.auth
        if not isinstance(token, ApiToken):
            return True
        needed = _needed(request, view)
        if needed and scopes.covers(token.scope, needed):
            return True
        self.message = _refusal(token, needed)
        note_refusal(token, request, self.message)
        return False


def _needed(request: Request, view: Any) -> str | None:
    """Return the scope that is needed. A method that the view does not have is answered by it, to who could write."""
    method = str(request.method)
    if method not in SAFE_METHODS and not hasattr(view, method.lower()):
        return scopes.WRITE
    match = request.resolver_match
    return scopes.needed_for(match.view_name, method) if match else None


def _refusal(token: ApiToken, needed: str | None) -> str:
    if needed is None:
        return _("No token may be used here. Sign in with a browser instead.")
    message = _("This token has the scope “%(scope)s”, and this needs another: %(others)s. Use a token that has one.")
    return message % {"scope": token.scope, "others": ", ".join(f"“{name}”" for name in scopes.covering(needed))}


def _count(token: ApiToken, request: Request) -> None:
    """Count the request against the token's limit. Raises TooManyRequests."""
    standing = rates.count(rates.TOKEN, token.prefix)
    if standing is None:
        return
    if hasattr(request, "rates"):
        request.rates.append(standing)
    if standing.over:
        raise rates.refusal(standing)


def token_in(header: str) -> str | None:
    """Return the token that an Authorization header carries, Bearer or Basic; None for one of another kind."""
    scheme, _space, rest = header.strip().partition(" ")
    if scheme.lower() not in ("bearer", "basic"):
        return None
    return rest.strip() if scheme.lower() == "bearer" else _password(rest.strip())


def digest_of(text: str) -> str:
    """Return what is stored of a token. The secret has 256 random bits, so a plain SHA-256 cannot be searched."""
    return hashlib.sha256(text.encode(errors="surrogateescape")).hexdigest()


def usable_token(text: str) -> ApiToken | None:
    """Return the token whose text this is, if it is neither revoked nor expired and its person is active.

    Its person is bounded by it: whatever is asked of them obeys the token's scope and models.
    """
    kind, _, rest = text.partition("_")
    prefix, _, secret = rest.partition("_")
    if kind != "assent" or not secret or not (prefix.isascii() and prefix.isalnum()):
        return None
    token = known.token_of(prefix)
    digest = digest_of(text)
    if token is None or not token.usable or token.end_of(digest) is None:
        return None
    token.user.bounds = scopes.bounds_of(token, secret=digest)
    return token


def note_use(token: ApiToken, address: str) -> None:
    """Keep when and from where it was used, at most once a minute, so that reading through the API seldom writes."""
    now = timezone.now()
    if token.last_used_at and token.last_used_at > now - USE_IS_NOTED_EVERY:
        return
    stale = Q(last_used_at=None) | Q(last_used_at__lte=now - USE_IS_NOTED_EVERY)
    ApiToken.objects.filter(stale, pk=token.pk).update(last_used_at=now, last_used_from=address[:45])


def note_refusal(token: ApiToken, request: Request, reason: str) -> None:
    """Record that a token was used for what it does not allow: once a minute for each, so that nobody floods the trail.

    The count is kept in the cache. While that is down, the log alone says so.
    """
    try:
        first = cache.add(f"token-refused:{token.prefix}", 1, timeout=REFUSAL_IS_NOTED_EVERY.total_seconds())
    except CACHE_DOWN:
        logger.exception("cache unavailable, a refused use of token %s is not recorded", token.prefix)
        return
    if not first:
        return
    route = request.resolver_match.route if request.resolver_match else ""
    with transaction.atomic():
        record(
            Action.TOKEN_USED,
            by=grants.actor(token.user),
            target=Target("token", token.prefix),
            reason=reason,
            outcome=Outcome.REFUSED,
            code=NotAllowed.code,
            method=str(request.method),
            route=route,
            scope=token.scope,
        )


def _password(encoded: str) -> str:
    try:
        return base64.b64decode(encoded, validate=True).decode().partition(":")[2]
    except (binascii.Error, ValueError):
        return ""
