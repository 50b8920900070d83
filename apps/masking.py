"""Credentials inside texts that come from elsewhere: masked on the way out, whatever the door. Pure.

People write addresses with a password or a token in them into requirements.txt, tags, sources of data. What the mirror
and the evidence hold is the true text, for digests are made of it; pages, API, files and the trail show it masked.
"""

import re
from typing import Any

MASK = "…"
_USER = re.compile(r"://[^/?#\s\"'<>\\]*@")  # to the last @ before the path: a password may hold one
_SECRET = re.compile(
    r"(?i)([?&](?:[\w.-]*(?:token|signature|secret|password|passwd|credential|api[_-]?key|access[_-]?key)|sig|pwd)=)"
    r"[^&#\s\"'<>\\]+"
)


def masked(value: Any) -> Any:
    """Return a text whose addresses show no user name, password or token; works through lists, tuples and dicts.

    What holds no address is returned as it is.
    """
    if isinstance(value, str):
        return _SECRET.sub(rf"\1{MASK}", _USER.sub(f"://{MASK}@", value)) if "://" in value else value
    if isinstance(value, dict):
        return {masked(key): masked(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [masked(item) for item in value]
    return value
