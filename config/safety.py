"""What production mode refuses to start with. Pure, so that each refusal can be tested."""

from urllib.parse import urlsplit

MINIMUM_KEY_LENGTH = 50
SECOND_FACTOR = ("optional", "duties", "everybody")
MAX_ISSUER = 200  # characters, as many as are kept beside each account
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


def sign_in_refusals(
    *, production: bool, second_factor: str, password: bool, issuer: str, client_id: str, groups: object
) -> list[str]:
    """Return one sentence for each setting about signing in that makes no sense or is unsafe; empty when none is."""
    refusals = []
    if second_factor not in SECOND_FACTOR:
        refusals.append(f"ASSENT_SECOND_FACTOR is {second_factor!r}. Use one of: {', '.join(SECOND_FACTOR)}.")
    if not password and not issuer:
        refusals.append("ASSENT_PASSWORD_SIGN_IN is off and ASSENT_OIDC_ISSUER is not set: nobody could sign in.")
    if issuer and not client_id:
        refusals.append("ASSENT_OIDC_ISSUER is set without ASSENT_OIDC_CLIENT_ID. Set what the provider calls Assent.")
    if len(issuer) > MAX_ISSUER:
        refusals.append(f"ASSENT_OIDC_ISSUER is longer than {MAX_ISSUER} characters.")
    if issuer and production and not issuer.startswith("https://"):
        refusals.append("ASSENT_OIDC_ISSUER is not an https:// address. In production the provider is asked over TLS.")
    if not (
        isinstance(groups, dict) and all(isinstance(name, str) and name for pair in groups.items() for name in pair)
    ):
        refusals.append('ASSENT_OIDC_GROUPS is not a JSON object of texts, such as {"ml-reviewers": "reviewers"}.')
    return refusals


def without_credentials(address: str) -> str:
    """Return the address without the user name and password in it, fit for a page."""
    parts = urlsplit(address)
    return parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl()


def _is_placeholder(secret_key: str) -> bool:
    lowered = secret_key.lower()
    return any(lowered.startswith(word) for word in PLACEHOLDERS)
