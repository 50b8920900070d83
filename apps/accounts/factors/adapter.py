"""How allauth keeps second factors here: secrets sealed, and names as people know them."""

from typing import Any
from urllib.parse import urlsplit

from allauth.core import context
from allauth.mfa.adapter import DefaultMFAAdapter
from django.conf import settings

from apps.encryption import seal, unseal

PRODUCT = "Assent"


class FactorAdapter(DefaultMFAAdapter):
    """Seals what allauth stores, and says who and where this is to apps and passkeys."""

    def encrypt(self, text: str) -> str:
        """Seal a secret before it is stored."""
        return seal(text)

    def decrypt(self, encrypted_text: str) -> str:
        """Open a stored secret. Raises WrongState when no configured key opens it."""
        return unseal(encrypted_text)

    def get_public_key_credential_rp_entity(self) -> dict[str, str]:
        """Return for which host passkeys are made: the public address of the installation, or the one that is used."""
        host = urlsplit(settings.PUBLIC_URL).hostname if settings.PRODUCTION else None
        return {"id": host or context.request.get_host().partition(":")[0], "name": PRODUCT}

    def _get_user_identifier(self, user: Any) -> str:
        return str(user.get_username())

    def _get_site_name(self) -> str:
        return PRODUCT
