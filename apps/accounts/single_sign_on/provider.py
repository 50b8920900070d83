"""The provider of identities: where a browser is sent, and what the provider says of whoever comes back.

allauth keeps state and PKCE's verifier in the session, and talks to the provider; each call ends after five seconds
without an answer.
"""

import logging
import secrets
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import requests
from allauth.socialaccount.adapter import get_adapter
from allauth.socialaccount.internal import statekit
from allauth.socialaccount.models import SocialApp
from allauth.socialaccount.providers.oauth2.client import OAuth2Error
from allauth.socialaccount.providers.openid_connect.provider import OpenIDConnectProvider
from allauth.socialaccount.providers.openid_connect.views import OpenIDConnectOAuth2Adapter
from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _

from apps.accounts.single_sign_on.claims import Identity, NotBelieved, believed, identity_from
from apps.errors import NotAllowed, UpstreamUnavailable

logger = logging.getLogger(__name__)
NAME = "oidc"
FRESH_SECONDS = 60  # that a provider's clock may be behind


class Purpose(StrEnum):
    """What somebody was sent to the provider for."""

    SIGN_IN = "sign_in"
    CONNECT = "connect"  # the identity to the person who is signed in
    PROVE = "prove"  # who signs, anew


@dataclass(frozen=True)
class Return:
    """Somebody who came back: whom the provider vouches for, and what this browser was sent there for."""

    identity: Identity
    purpose: Purpose
    person: int | None  # who was signed in here when it began
    following: str


class _Adapter(OpenIDConnectOAuth2Adapter):
    """allauth's conversation with the provider, at our address and with our provider."""

    def get_provider(self) -> "_Provider":
        return _provider(self.request)

    def get_callback_url(self, request: HttpRequest, app: SocialApp) -> str:
        path = reverse("accounts:single-sign-on-return")
        return (
            settings.PUBLIC_URL + path
            if settings.PRODUCTION and settings.PUBLIC_URL
            else request.build_absolute_uri(path)
        )


class _Provider(OpenIDConnectProvider):
    oauth2_adapter_class = _Adapter


def is_on() -> bool:
    """Return whether the installation has single sign-on."""
    return bool(settings.OIDC_ISSUER)


def send(request: HttpRequest, purpose: Purpose, *, following: str = "") -> HttpResponse:
    """Send the browser to the provider, with state, nonce and PKCE. Raises UpstreamUnavailable."""
    nonce = secrets.token_urlsafe(32)
    said = {"nonce": nonce, "purpose": purpose.value, "person": request.user.pk, "at": int(timezone.now().timestamp())}
    asked = {"nonce": nonce}
    if purpose is Purpose.PROVE:
        asked |= {"prompt": "login", "max_age": "0"}
    try:
        return _provider(request).redirect(request, "login", next_url=following, data=said, auth_params=asked)
    except (requests.RequestException, ValueError, KeyError) as error:
        raise _unreachable() from error


def receive(request: HttpRequest) -> Return:
    """Return who came back from the provider. The state is used up, whatever comes of it.

    Raises NotAllowed for an answer that this browser did not ask for, or that proves nothing; UpstreamUnavailable.
    """
    state = statekit.unstash_state(request, provider_id=NAME, state_id=request.GET.get("state", ""))
    if state is None:
        raise NotAllowed(_("This sign-in was not begun in this browser, or took more than ten minutes. Begin again."))
    if "error" in request.GET or "code" not in request.GET:
        raise NotAllowed(_("The provider did not sign you in. Begin again, or ask who runs it."))
    said = state["data"]
    try:
        identity = _identity(request, state, said["nonce"])
    except (NotBelieved, OAuth2Error) as error:
        logger.warning(
            "single sign-on refused: %s", error if isinstance(error, NotBelieved) else "no token for the code"
        )
        raise NotAllowed(_("What the provider said does not prove who you are. Begin again.")) from error
    except (requests.RequestException, ValueError, KeyError, TypeError) as error:
        raise _unreachable() from error
    purpose = Purpose(said["purpose"])
    if purpose is Purpose.PROVE and identity.signed_in_at < said["at"] - FRESH_SECONDS:
        raise NotAllowed(_("The provider did not ask you anew who you are. Begin again."))
    return Return(identity, purpose, said["person"], state.get("next") or "")


def _identity(request: HttpRequest, state: dict[str, Any], nonce: str) -> Identity:
    adapter = _Adapter(request, NAME)
    config, app = adapter.openid_config, _app()
    if str(config.get("issuer", "")).rstrip("/") != settings.OIDC_ISSUER:
        raise NotBelieved("the provider calls itself by another name than the one that is set")
    answer = adapter.get_access_token_data(
        request, app, adapter.get_client(request, app), pkce_code_verifier=state["pkce_code_verifier"]
    )
    claims = believed(
        str(answer.get("id_token", "")),
        _get(config["jwks_uri"]),
        issuer=config["issuer"],
        client_id=app.client_id,
        nonce=nonce,
    )
    return identity_from(_completed(claims, config, answer), groups_claim=settings.OIDC_GROUPS_CLAIM)


def _completed(claims: dict[str, Any], config: dict[str, Any], answer: dict[str, Any]) -> dict[str, Any]:
    """Return the claims, with those of the provider's user info where the token leaves name or groups out."""
    wanted = {"preferred_username"} | ({settings.OIDC_GROUPS_CLAIM} if settings.OIDC_GROUPS else set())
    if wanted <= claims.keys() or "userinfo_endpoint" not in config:
        return claims
    more = _get(config["userinfo_endpoint"], token=str(answer["access_token"]))
    if more.get("sub") != claims["sub"]:
        raise NotBelieved("the user info is about somebody else")
    return {**more, **claims}


def _get(address: str, token: str = "") -> dict[str, Any]:
    with get_adapter().get_requests_session() as session:
        answer = session.get(address, headers={"Authorization": f"Bearer {token}"} if token else None)
        answer.raise_for_status()
        read = answer.json()
    if not isinstance(read, dict):
        raise TypeError(f"{address} answered something else than a JSON object")
    return read


def _provider(request: HttpRequest) -> _Provider:
    return _Provider(request, app=_app())


def _app() -> SocialApp:
    return SocialApp(
        provider="openid_connect",
        provider_id=NAME,
        name=settings.OIDC_NAME,
        client_id=settings.OIDC_CLIENT_ID,
        secret=settings.OIDC_CLIENT_SECRET,
        settings={"server_url": settings.OIDC_ISSUER, "oauth_pkce_enabled": True, "scope": settings.OIDC_SCOPES},
    )


def _unreachable() -> UpstreamUnavailable:
    message = _("%(provider)s does not answer properly now. Try again in a moment.")
    return UpstreamUnavailable(message % {"provider": settings.OIDC_NAME})
