"""docker-compose.yml as tests need it: the services, and their environment filled in as .env would."""

import base64
import os
import re
import secrets
import sys
from pathlib import Path

import yaml

ROOT = Path(__file__).resolve().parents[2]
TEXT = (ROOT / "docker-compose.yml").read_text()
SERVICES = yaml.safe_load(TEXT)["services"]
VARIABLE = re.compile(r"\$\{(\w+)(?::\?[^}]*|:-(\d*))\}")  # needed, or optional: then empty, or a number
OPTIONAL = re.findall(r"\$\{(\w+):-\}", TEXT)
BIN = Path(sys.executable).parent
GIVEN = {
    "ASSENT_SECRET_KEY": secrets.token_urlsafe(64),
    "ASSENT_ALLOWED_HOSTS": "assent.test",
    "ASSENT_TRUSTED_ORIGINS": "https://assent.test",
    "ASSENT_PUBLIC_URL": "https://assent.test",
    "EMAIL_URL": "dummymail://",
    "ASSENT_MAIL_FROM": "Assent <assent@assent.test>",
    "POSTGRES_PASSWORD": "example",
    "REDIS_PASSWORD": "example",
    "MLFLOW_WEBHOOK_KEY": base64.urlsafe_b64encode(secrets.token_bytes(32)).decode(),
}


def environment(service: str, given: dict[str, str] | None = None, **change: str) -> dict[str, str]:
    """The service's environment, with this machine's paths; `change` is what differs without containers.

    `given` is what else stands in .env; optional variables are empty there.
    """
    given = dict.fromkeys(OPTIONAL, "") | (given or {})
    filled = {
        name: VARIABLE.sub(lambda found: (GIVEN | given).get(found[1]) or found[2] or "", text)
        for name, text in SERVICES[service]["environment"].items()
    }
    machine = {name: os.environ[name] for name in ("HOME", "TMPDIR") if name in os.environ}
    return {**machine, "PATH": f"{BIN}{os.pathsep}{os.environ['PATH']}", **filled, **change}
