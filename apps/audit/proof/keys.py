"""The key that signs checkpoints: Ed25519, one per installation, made on first use, sealed at rest.

A key is called by its fingerprint, the SHA-256 of its 32 bytes. Rotation forgets the private half and keeps the public
one, so that what it signed can be verified for ever.
"""

import base64
import hashlib
from dataclasses import dataclass
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from apps.audit.actions import Action
from apps.audit.models import ChainHead, PublicKey, SigningKey
from apps.audit.services import Actor, Target, attempt
from apps.encryption import seal, unseal
from apps.errors import InvalidInput, WrongState

OPERATOR = Actor("system:operator")  # whoever has the shell of the server
ALGORITHM = "Ed25519"


def fingerprint(public_key: str) -> str:
    """Return what a public key (base64) is called. Raises ValueError for what is not base64."""
    return hashlib.sha256(base64.b64decode(public_key, validate=True)).hexdigest()


@dataclass(frozen=True)
class Signer:
    """The present key, opened: signs with the same key until it is let go, also when somebody rotates it meanwhile."""

    key_id: str
    private: Ed25519PrivateKey

    def sign(self, content: bytes) -> str:
        """Return the signature in base64; the same bytes always have the same one."""
        return base64.b64encode(self.private.sign(content)).decode()


def signer() -> Signer:
    """Return the present key, making it when there is none.

    Raises WrongState when it cannot be opened with the keys of this installation.
    """
    with transaction.atomic():
        row = SigningKey.objects.filter(id=1).first()
        if row is None:
            _in_line()  # so that two do not make a key at once
            row = SigningKey.objects.filter(id=1).first() or _make()
    try:
        raw = base64.b64decode(unseal(row.sealed))
    except WrongState as error:
        message = _(
            "The key that signs the trail cannot be opened with the keys of this installation: nothing can be signed. "
            "Its operator brings back ASSENT_ENCRYPTION_KEYS, or makes a new key: manage.py rotate_audit_key."
        )
        raise WrongState(message) from error
    return Signer(row.key_id, Ed25519PrivateKey.from_private_bytes(raw))


def signing_key_id() -> str:
    """Return the fingerprint of the present key, making one when there is none, in the caller's transaction.

    The caller has locked the head of the chain, so that two do not make a key at once.
    """
    row = SigningKey.objects.filter(id=1).first() or _make()
    return row.key_id


def present_key_id() -> str:
    """Return the fingerprint of the present key; empty while there is none."""
    return SigningKey.objects.filter(id=1).values_list("key_id", flat=True).first() or ""


def is_signed(content: bytes, signature: str, public_key: str) -> bool:
    """Return whether `signature` over `content` is by `public_key`; both are base64."""
    try:
        key = Ed25519PublicKey.from_public_bytes(base64.b64decode(public_key, validate=True))
        key.verify(base64.b64decode(signature, validate=True), content)
    except (InvalidSignature, ValueError):
        return False
    return True


def rotate(*, reason: str) -> PublicKey:
    """Sign with a new key from now on; for the operator, without opening the old one, whose private half is forgotten.

    Raises InvalidInput without a reason.
    """
    with attempt(Action.SIGNING_KEY_ROTATED, by=OPERATOR, target=Target("trail", "trail")) as trial:
        if not reason.strip():
            raise InvalidInput(_("Say why: the reason is kept in the trail."), field="reason")
        _in_line()
        before = present_key_id() or None
        row = _make()
        trial.done(reason=reason, before={"key": before}, after={"key": row.key_id})
    return PublicKey.objects.get(key_id=row.key_id)


def published() -> list[dict[str, Any]]:
    """Return every public key, the present one first, as the API and exports name them."""
    present = present_key_id()
    return [
        {
            "algorithm": ALGORITHM,
            "key_id": row.key_id,
            "public_key": row.public_key,
            "made_at": row.made_at,
            "present": row.key_id == present,
        }
        for row in PublicKey.objects.order_by("-made_at", "key_id")
    ]


def _in_line() -> ChainHead:
    return ChainHead.objects.select_for_update().get_or_create(id=1)[0]


def _make() -> SigningKey:
    """Make a key in place of the one that there may be."""
    if not transaction.get_connection().in_atomic_block:
        raise RuntimeError("a key is made in a transaction that holds the head of the chain")
    private = Ed25519PrivateKey.generate()
    public = base64.b64encode(private.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)).decode()
    raw = private.private_bytes(Encoding.Raw, PrivateFormat.Raw, NoEncryption())
    key_id, sealed = fingerprint(public), seal(base64.b64encode(raw).decode())
    PublicKey.objects.create(key_id=key_id, public_key=public, made_at=timezone.now())
    return SigningKey.objects.update_or_create(id=1, defaults={"key_id": key_id, "sealed": sealed})[0]
