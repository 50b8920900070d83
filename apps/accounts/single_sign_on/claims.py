"""What a provider says of somebody: checked and read. Pure; OpenID Connect Core 1.0, sections 2 and 3.1.3.7."""

import hmac
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import jwt

# Signed with a key pair alone: with a shared secret, or none, anybody who knows the client could sign.
ALGORITHMS = ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"]
CLOCKS_MAY_DIFFER = timedelta(seconds=60)
MAX_SUBJECT, MAX_TEXT = 190, 150
NEEDED = ["iss", "sub", "aud", "exp", "iat", "nonce"]


class NotBelieved(Exception):
    """The provider's answer does not prove who somebody is; the text says why, for the log."""


@dataclass(frozen=True)
class Identity:
    """Whom a provider vouches for. The e-mail address is empty unless the provider verified it."""

    issuer: str
    subject: str
    username: str
    first_name: str
    last_name: str
    email: str
    groups: frozenset[str]  # values of the claim, as they came
    signed_in_at: int  # seconds since 1970 of the sign-in at the provider; 0: not said


def believed(token: str, keys: Mapping[str, Any], *, issuer: str, client_id: str, nonce: str) -> dict[str, Any]:
    """Return what an ID token says, once its signature, issuer, audience, times and nonce are right.

    `keys` is the provider's JSON Web Key Set. Raises NotBelieved.
    """
    try:
        claims: dict[str, Any] = jwt.decode(
            token,
            key=_key(token, keys),
            algorithms=ALGORITHMS,
            issuer=issuer,
            audience=client_id,
            leeway=CLOCKS_MAY_DIFFER,
            options={"require": NEEDED},
        )
    except jwt.PyJWTError as error:
        raise NotBelieved(str(error)) from error
    if isinstance(claims["aud"], list) and len(claims["aud"]) > 1 and claims.get("azp") != client_id:
        raise NotBelieved("the token was made for several clients, and not for this one")
    if not hmac.compare_digest(str(claims["nonce"]).encode(), nonce.encode()):
        raise NotBelieved("the nonce is not the one that was sent")
    return claims


def identity_from(claims: Mapping[str, Any], *, groups_claim: str) -> Identity:
    """Return whom the claims are about. Raises NotBelieved without a usable subject."""
    subject = claims.get("sub")
    if not isinstance(subject, str) or not 0 < len(subject) <= MAX_SUBJECT:
        raise NotBelieved("the subject is missing, or longer than what is kept")
    email = _text(claims, "email") if claims.get("email_verified") is True else ""
    return Identity(
        issuer=str(claims["iss"]),
        subject=subject,
        username=_text(claims, "preferred_username") or email,
        first_name=_text(claims, "given_name"),
        last_name=_text(claims, "family_name"),
        email=email,
        groups=_groups(claims.get(groups_claim)),
        signed_in_at=_seconds(claims.get("auth_time")),
    )


def mapped_groups(identity: Identity, mapping: Mapping[str, str]) -> tuple[set[str], set[str]]:
    """Return the names of the groups that somebody is to be in, and of all groups that the provider decides on.

    Only values that are written in `mapping` count, letter by letter: a claim that names a group of ours by itself,
    or in another spelling, gives nothing.
    """
    return {group for value, group in mapping.items() if value in identity.groups}, set(mapping.values())


def _key(token: str, keys: Mapping[str, Any]) -> Any:
    listed = [key for key in keys.get("keys", []) if isinstance(key, dict) and key.get("use", "sig") == "sig"]
    name = jwt.get_unverified_header(token).get("kid")
    found = [key for key in listed if name is None or key.get("kid") == name]
    if len(found) != 1:
        raise jwt.InvalidKeyError("the token does not name one of the provider's keys")
    return jwt.PyJWK(found[0]).key


def _groups(value: Any) -> frozenset[str]:
    listed = [value] if isinstance(value, str) else value if isinstance(value, list) else []
    return frozenset(name for name in listed if isinstance(name, str))


def _text(claims: Mapping[str, Any], name: str) -> str:
    value = claims.get(name)
    return value.strip()[:MAX_TEXT] if isinstance(value, str) else ""


def _seconds(value: Any) -> int:
    return int(value) if isinstance(value, int | float) and not isinstance(value, bool) else 0
