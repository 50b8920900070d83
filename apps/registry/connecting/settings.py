"""What a connection's settings may be: pure checks, each naming the field at fault."""

import re
import ssl
from typing import Any
from urllib.parse import SplitResult, urlsplit

from django.utils.translation import gettext as _

from apps.audit.chain import storable_text
from apps.errors import InvalidInput
from apps.registry.connections import NAME
from apps.registry.models import DEFAULT_CONNECTION, ConnectionAuth

FIELDS = ("url", "auth", "username", "verify_tls", "ca_certificates", "timeout_seconds", "public_url")
MIN_TIMEOUT, MAX_TIMEOUT = 1, 120  # seconds
MAX_URL, MAX_SECRET, MAX_PEM = 500, 4096, 200_000
PORTS = {"http": 80, "https": 443}
BEGIN, END = "-----BEGIN CERTIFICATE-----", "-----END CERTIFICATE-----"


def checked_name(name: str) -> str:
    """Return the name. Raises InvalidInput (name)."""
    if name == DEFAULT_CONNECTION:
        raise InvalidInput(
            _("This name belongs to the server that the environment names. Choose another."), field="name"
        )
    if not NAME.fullmatch(name):
        text = _("A name has 1 to 40 small letters, digits and hyphens, and begins and ends with a letter or digit.")
        raise InvalidInput(text, field="name")
    return name


def checked(values: dict[str, Any]) -> dict[str, Any]:
    """Return clean settings (a value for each of FIELDS). Raises InvalidInput naming the field at fault."""
    auth = values["auth"]
    if auth not in ConnectionAuth.values:
        raise InvalidInput(_("Choose how Assent signs in."), field="auth")
    return {
        "url": checked_url(values["url"], "url"),
        "auth": auth,
        "username": _username(values["username"], auth),
        "verify_tls": bool(values["verify_tls"]),
        "ca_certificates": _certificates(values["ca_certificates"]),
        "timeout_seconds": _timeout(values["timeout_seconds"]),
        "public_url": checked_url(values["public_url"], "public_url") if values["public_url"].strip() else "",
    }


def checked_url(url: str, field: str) -> str:
    """Return an http or https address without a slash at its end. Raises InvalidInput (`field`)."""
    url = url.strip()
    parts = _parts(url)
    if parts is None or len(url) > MAX_URL or storable_text(url) != url or re.search(r"\s", url):
        text = _("Write an address that begins with http:// or https://, such as https://mlflow.example.org.")
        raise InvalidInput(text, field=field)
    if "@" in parts.netloc:
        raise InvalidInput(_("Leave name and password out of the address: they have fields of their own."), field=field)
    if parts.query or parts.fragment or "?" in url or "#" in url:
        raise InvalidInput(_("Leave out everything from “?” or “#” on."), field=field)
    return url.rstrip("/")


def origin(url: str) -> tuple[str, str, int | None]:
    """Return scheme, host and port of a checked address: who a secret is sent to."""
    parts = urlsplit(url)
    return parts.scheme, (parts.hostname or ""), parts.port or PORTS.get(parts.scheme)


def checked_secret(secret: str) -> str:
    """Return a token or password that fits into a header. Raises InvalidInput (secret)."""
    if len(secret) > MAX_SECRET or not secret.isprintable() or not secret.isascii():
        text = _("A token or password has at most 4,096 printable ASCII characters and no line breaks.")
        raise InvalidInput(text, field="secret")
    return secret


def _parts(url: str) -> SplitResult | None:
    try:
        parts = urlsplit(url)
        usable = parts.scheme in PORTS and bool(parts.hostname) and (parts.port is None or parts.port > 0)
    except ValueError:  # brackets that do not close, a port that is none
        return None
    return parts if usable else None


def _username(username: str, auth: str) -> str:
    if auth != ConnectionAuth.PASSWORD:
        return ""
    if not username or len(username) > MAX_URL or not username.isprintable() or ":" in username:
        raise InvalidInput(_("Write the user name that MLflow knows; it has no colon."), field="username")
    return username


def _timeout(seconds: float) -> float:
    if not MIN_TIMEOUT <= seconds <= MAX_TIMEOUT:  # also refuses NaN
        raise InvalidInput(_("Choose 1 to 120 seconds."), field="timeout_seconds")
    return float(seconds)


def _certificates(pem: str) -> str:
    pem = pem.replace("\r\n", "\n").strip()
    if not pem:
        return ""
    text = _(
        "This is not a list of certificates in PEM form. Paste the text from BEGIN CERTIFICATE to END CERTIFICATE."
    )
    if len(pem) > MAX_PEM or not pem.isascii() or "PRIVATE KEY" in pem or END not in pem.partition(BEGIN)[2]:
        raise InvalidInput(text, field="ca_certificates")
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(cadata=pem)
    except (ssl.SSLError, ValueError) as error:
        raise InvalidInput(text, field="ca_certificates") from error
    return pem + "\n"
