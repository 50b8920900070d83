"""Credentials inside texts that come from elsewhere: masked on the way out, whatever the door. Pure.

People write addresses with a password or a token in them into requirements.txt, tags, sources of data. What the mirror
and the evidence hold is the true text, for digests are made of it; pages, API, files and the trail show it masked.
Assent's own secrets are masked too: whole tokens, the secrets of webhooks, and the links of invitations, wherever
somebody pasted them.
"""

import re
from typing import Any

MASK = "…"
_USER = re.compile(r"://[^/?#\s\"'<>\\]*@")  # to the last @ before the path: a password may hold one
_SECRET = re.compile(
    r"(?i)([?&](?:[\w.-]*(?:token|signature|secret|password|passwd|credential|api[_-]?key|access[_-]?key)|sig|pwd)=)"
    r"[^&#\s\"'<>\\]+"
)
# Of a token its prefix stays; one that a few letters were lost of is as good as whole (apps/accounts/tokens.py).
_TOKEN = re.compile(r"(assent_[0-9a-f]{12}_)[A-Za-z0-9_-]{20,}")
# Of a webhook's secret nothing stays: those of other products that are written so are masked as well.
_WEBHOOK = re.compile(r"(whsec_)[A-Za-z0-9+/_-]{20,}={0,2}")
_INVITATION = re.compile(r"(?i)(/invitations/)[^/?#\s\"'<>\\]{20,}")


def masked(value: Any) -> Any:
    """Return a text without secrets of ours, whose addresses show no user name, password or token.

    Works through lists, tuples and dicts. What holds none of these is returned as it is.
    """
    if isinstance(value, str):
        return _masked_text(value)
    if isinstance(value, dict):
        return {masked(key): masked(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [masked(item) for item in value]
    return value


def _masked_text(text: str) -> str:
    if "://" in text:
        text = _SECRET.sub(rf"\1{MASK}", _USER.sub(f"://{MASK}@", text))
    if "assent_" in text:
        text = _TOKEN.sub(rf"\1{MASK}", text)
    if "whsec_" in text:
        text = _WEBHOOK.sub(rf"\1{MASK}", text)
    if "/invitations/" in text.lower():
        text = _INVITATION.sub(rf"\1{MASK}", text)
    return text
