"""Who is at the door, by a token: with `Authorization: Bearer`, or as the password of Basic."""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

from django.http import HttpRequest
from django.utils.translation import gettext as _

from apps.accounts import authentication, grants, rates, scopes
from apps.accounts.models import ApiToken, User
from apps.accounts.permissions import Permission
from apps.audit.context import note_token
from apps.errors import NotAllowed
from apps.gateway.errors import SignInNeeded
from apps.registry.models import RegisteredModel


@dataclass
class Caller:
    """A person or service account, with the token that they came with (None: signed in on a page)."""

    user: User
    token: ApiToken | None = None

    @cached_property
    def reads_all(self) -> bool:
        """Whether they read every model, and so every experiment and run."""
        return grants.allows(self.user, Permission.MODEL_READ)

    @cached_property
    def writes_all(self) -> bool:
        """Whether they write every model, and so every experiment and run."""
        return grants.allows(self.user, Permission.MODEL_WRITE)

    @cached_property
    def reads_some(self) -> bool:
        """Whether they read any model."""
        return self._somewhere(Permission.MODEL_READ)

    @cached_property
    def writes_some(self) -> bool:
        """Whether they write any model: then they may make experiments and models of their own."""
        return self._somewhere(Permission.MODEL_WRITE)

    def needs(self, scope: str) -> None:
        """Raise NotAllowed when the token's scope does not cover `scope`."""
        if self.token and not scopes.covers(self.token.scope, scope):
            message = _("This token has the scope “%(scope)s”, and this needs “%(needed)s”. Use a token that has it.")
            raise NotAllowed(message % {"scope": self.token.scope, "needed": scope})

    def _somewhere(self, permission: Permission) -> bool:
        return bool(grants.held_somewhere(self.user, frozenset({permission}), RegisteredModel))


def caller(request: HttpRequest) -> Caller:
    """Return who sends a request. Raises SignInNeeded and TooManyRequests."""
    given: Any = authentication.token_in(request.headers.get("Authorization", ""))
    token = authentication.usable_token(given) if given else None
    if token is None:
        message = (
            _("This token is unknown, expired or revoked. Set a new one as MLFLOW_TRACKING_TOKEN.")
            if given
            else _(
                "Sign in: set MLFLOW_TRACKING_TOKEN to a token of Assent, or use it as the password of your user name."
            )
        )
        raise SignInNeeded(message)
    note_token(token.prefix, token.name)
    if (standing := rates.count(rates.GATEWAY, token.prefix)) and standing.over:
        raise rates.refusal(standing)
    authentication.note_use(token, str(request.META.get("REMOTE_ADDR", "")))
    return Caller(token.user, token)
