"""API tokens: made, shown once, revoked."""

import secrets
from dataclasses import dataclass
from datetime import timedelta

from django.utils import timezone
from django.utils.translation import gettext as _

from apps.accounts import grants
from apps.accounts.authentication import digest_of
from apps.accounts.models import ApiToken, TokenScope, User
from apps.accounts.permissions import Permission
from apps.audit.actions import Action
from apps.audit.chain import storable_text
from apps.audit.services import Target, attempt
from apps.errors import InvalidInput, NotVisible

DEFAULT_DAYS = 90
MAX_DAYS = 365
MAX_NAME = 100


@dataclass(frozen=True)
class NewToken:
    """A token just made, and its text, which nobody can read again."""

    token: ApiToken
    text: str


def create_token(
    name: str, *, by: User, scope: str = TokenScope.READ, days: int = DEFAULT_DAYS, reason: str = ""
) -> NewToken:
    """Make a token that acts for `by`, valid for `days` (1 to 365). Raises InvalidInput."""
    prefix = secrets.token_hex(6)
    text = f"assent_{prefix}_{secrets.token_urlsafe(32)}"
    with attempt(Action.TOKEN_CREATED, by=grants.actor(by), target=Target("token", name.strip() or prefix)) as trial:
        token = ApiToken.objects.create(
            user=by,
            name=_checked_name(name),
            prefix=prefix,
            digest=digest_of(text),
            scope=_checked_scope(scope),
            expires_at=timezone.now() + timedelta(days=_checked_days(days)),
        )
        trial.target = _target(token)
        trial.done(reason=reason, after={"scope": token.scope, "expires_at": token.expires_at.isoformat()})
    return NewToken(token, text)


def revoke_token(prefix: str, *, by: User, reason: str = "") -> ApiToken:
    """End a token at once: one's own, or anybody's with people:manage. Revoking it again changes nothing.

    Raises NotVisible for a token that is not there, or is somebody else's.
    """
    with attempt(Action.TOKEN_REVOKED, by=grants.actor(by), target=Target("token", prefix)) as trial:
        token = ApiToken.objects.select_for_update(of=("self",)).select_related("user").filter(prefix=prefix).first()
        if token is None or (token.user_id != by.pk and not grants.allows(by, Permission.PEOPLE_MANAGE)):
            raise NotVisible(_("There is no such token, or it is not yours. Look at the list of your tokens."))
        before = token.revoked_at
        token.revoked_at = before or timezone.now()
        token.save(update_fields=["revoked_at"])
        trial.target = _target(token)
        trial.done(reason=reason, before={"revoked": before is not None}, after={"revoked": True})
    return token


def _target(token: ApiToken) -> Target:
    return Target("token", f"{token.user.get_username()}: {token.name} ({token.prefix})")


def _checked_name(name: str) -> str:
    name = name.strip()
    if not name or len(name) > MAX_NAME or storable_text(name) != name:
        raise InvalidInput(_("Give the token a name of 1 to 100 characters, such as where it is used."), field="name")
    return name


def _checked_scope(scope: str) -> str:
    if scope not in TokenScope.values:
        raise InvalidInput(_("A token's scope is “read” or “write”."), field="scope")
    return scope


def _checked_days(days: int) -> int:
    if not 1 <= days <= MAX_DAYS:
        raise InvalidInput(_("A token is valid for 1 to 365 days."), field="days")
    return days
