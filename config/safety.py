"""What production mode refuses to start with. Pure, so that each refusal can be tested."""

from urllib.parse import urlsplit

MINIMUM_KEY_LENGTH = 50
PLACEHOLDERS = ("changeme", "change-me", "secret", "insecure", "default", "example")


def unsafe_settings(*, secret_key: str, debug: bool, allowed_hosts: list[str]) -> list[str]:
    """Return one sentence for each setting that production mode must not run with; empty when all are safe."""
    refusals = []
    if not secret_key:
        refusals.append("ASSENT_SECRET_KEY is not set. Set it to at least 50 random characters.")
    elif len(secret_key) < MINIMUM_KEY_LENGTH or len(set(secret_key)) < 10 or _is_placeholder(secret_key):
        refusals.append("ASSENT_SECRET_KEY is a default or too weak. Set it to at least 50 random characters.")
    if debug:
        refusals.append("ASSENT_DEBUG is on. Debug pages show secrets: unset it.")
    if not allowed_hosts:
        refusals.append("ASSENT_ALLOWED_HOSTS is empty. List the host names that people use, separated by commas.")
    if any("*" in host or host.startswith(".") for host in allowed_hosts):
        refusals.append("ASSENT_ALLOWED_HOSTS has a wildcard. Name each host in full.")
    return refusals


def without_credentials(address: str) -> str:
    """Return the address without the user name and password in it, fit for a page."""
    parts = urlsplit(address)
    return parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl()


def _is_placeholder(secret_key: str) -> bool:
    lowered = secret_key.lower()
    return any(lowered.startswith(word) for word in PLACEHOLDERS)
