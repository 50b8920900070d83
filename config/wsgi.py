"""WSGI entry: `gunicorn config.wsgi`. WSGI, not ASGI: see docs/adr/0003-wsgi.md."""

import gc
import os
import re
from collections.abc import Iterable
from typing import Any

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
CHARSET = re.compile(r";\s*charset=[^;]*", re.IGNORECASE)
_django = get_wsgi_application()

from apps.gateway.routes import is_door  # noqa: E402
from config.limits import be_patient, take_in_chunks  # noqa: E402 - it reads the settings, which are loaded now
from config.logs import mask_the_web_server  # noqa: E402

mask_the_web_server()

# What was loaded stays for good: looking through it for garbage again and again would hold up single requests.
gc.collect()
gc.freeze()
gc.set_threshold(20_000, 20, 20)  # a page makes some ten thousand objects that go by themselves


def application(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
    """Answer a request. Text is UTF-8 whatever the client calls it: Django fails on codecs that cannot read text."""
    if "CONTENT_TYPE" in environ:
        environ["CONTENT_TYPE"] = CHARSET.sub("", environ["CONTENT_TYPE"])
    be_patient(environ)
    if not is_door(environ.get("PATH_INFO", "")):  # its files have no end that would be waited for
        take_in_chunks(environ)
    return _django(environ, start_response)
