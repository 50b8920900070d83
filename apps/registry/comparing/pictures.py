"""Images that runs logged, such as confusion matrices: fetched from MLflow when somebody looks, never stored."""

import hashlib
from dataclasses import dataclass

from django.utils.translation import gettext as _

from apps.errors import NotVisible, RuleViolation
from apps.registry import connections
from apps.registry.models import ModelVersion

SECONDS = 5.0  # a page waits for its pictures
MAX_BYTES = 5 * 1024 * 1024
FRESH_SECONDS = 600  # a browser asks again after that
STARTS = {  # by their first bytes; what MLflow or a name says counts for nothing
    b"\x89PNG\r\n\x1a\n": ("image/png", "png"),
    b"\xff\xd8\xff": ("image/jpeg", "jpg"),
    b"GIF87a": ("image/gif", "gif"),
    b"GIF89a": ("image/gif", "gif"),
}


@dataclass(frozen=True)
class Picture:
    """An image that browsers may show."""

    body: bytes
    content_type: str
    extension: str

    @property
    def etag(self) -> str:
        """A name of the content, for caches."""
        return f'"{hashlib.sha256(self.body).hexdigest()[:32]}"'


def fetch(version: ModelVersion, place: int) -> Picture:
    """Fetch the picture at `place` (from 0) of the version's list from MLflow.

    Raises NotVisible when there is none, UpstreamUnavailable when MLflow does not deliver it in time or it is larger
    than 5 MB, RuleViolation when it is no PNG, JPEG, GIF or WebP.
    """
    if place >= len(version.pictures):
        raise NotVisible(_("This version has no such picture."))
    with connections.calls_for(version.model, timeout=SECONDS) as client:
        body = client.get_run_artifact(version.run_id, version.pictures[place]["path"], limit=MAX_BYTES)
    kind = _kind(body)
    if kind is None:
        raise RuleViolation(_("This file is no PNG, JPEG, GIF or WebP image, so it is not shown. Open it in MLflow."))
    return Picture(body, *kind)


def _kind(body: bytes) -> tuple[str, str] | None:
    if body[:4] == b"RIFF" and body[8:12] == b"WEBP":
        return "image/webp", "webp"
    return next((kind for start, kind in STARTS.items() if body.startswith(start)), None)
