"""Secrets at rest: sealed with the installation's keys, opened only where they are used.

Fernet (AES-128-CBC with HMAC-SHA256, https://github.com/fernet/spec): a sealed text that was changed does not open.
"""

import base64
import hashlib

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from django.conf import settings
from django.utils.translation import gettext as _

from apps.errors import WrongState


def seal(text: str) -> str:
    """Return `text` encrypted with the first key; an empty text stays empty."""
    return _keys().encrypt(text.encode()).decode() if text else ""


def unseal(sealed: str) -> str:
    """Return the text again; an empty one stays empty. Raises WrongState when no configured key opens it."""
    if not sealed:
        return ""
    try:
        return _keys().decrypt(sealed.encode()).decode()
    except InvalidToken as error:
        message = _("A stored secret cannot be read with the keys of this installation. Enter it anew.")
        raise WrongState(message) from error


def _keys() -> MultiFernet:
    """Build the keys: those that are configured, the newest first, or one that follows from SECRET_KEY."""
    return MultiFernet([Fernet(_derived(key)) for key in settings.ENCRYPTION_KEYS or [settings.SECRET_KEY]])


def _derived(key: str) -> bytes:
    # The keys are long random texts already, so one round of a hash is enough to give them Fernet's length.
    return base64.urlsafe_b64encode(hashlib.sha256(b"assent secrets:" + key.encode()).digest())
