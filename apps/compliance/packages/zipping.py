"""Files as one ZIP whose bytes depend on the files alone: their order, time and rights are fixed. Pure.

Nothing is compressed: what zlib makes of the same bytes differs from one of its releases to the next.
"""

import hashlib
import io
import re
import zipfile
from collections.abc import Callable
from dataclasses import dataclass

MANIFEST = "MANIFEST.sha256"
SIGNATURE = "MANIFEST.signature.json"
EARLIEST = (1980, 1, 1, 0, 0, 0)  # the first moment that a ZIP can name
PLAIN_FILE = 0o100644 << 16
UNIX = 3
NAMED = 16  # digits of the manifest's digest that stand in the name
LONGEST_NAME = 60


@dataclass(frozen=True)
class Package:
    """A package as it is handed out. `digest` is the SHA-256 of `content`."""

    name: str
    content: bytes
    digest: str
    files: int


def package(title: str, files: dict[str, bytes], seal: Callable[[str], bytes]) -> Package:
    """Return the files, a manifest of their digests, and what signs it, as one ZIP that is named by its content.

    `seal` takes the SHA-256 of the manifest and returns the file that signs it.
    """
    manifest = manifest_of(files)
    digest = _sha256(manifest)
    packed = {**files, MANIFEST: manifest, SIGNATURE: seal(digest)}
    content = _zip(packed)
    return Package(f"{_plain(title)}-{digest[:NAMED]}.zip", content, _sha256(content), len(packed))


def unpacked(found: Package) -> dict[str, bytes]:
    """Return the files of a package, the manifest among them."""
    with zipfile.ZipFile(io.BytesIO(found.content)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def named_alike(found: Package, content: bytes, extension: str) -> Package:
    """Return another file of the same facts, named as the package is."""
    return Package(f"{found.name.removesuffix('.zip')}.{extension}", content, _sha256(content), 1)


def manifest_of(files: dict[str, bytes]) -> bytes:
    """Return one line for each file, as `sha256sum --check` reads it, by path."""
    return "".join(f"{_sha256(files[path])}  {path}\n" for path in sorted(files)).encode()


def _zip(files: dict[str, bytes]) -> bytes:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_STORED) as archive:
        for path in sorted(files):
            entry = zipfile.ZipInfo(path, date_time=EARLIEST)
            entry.create_system, entry.external_attr = UNIX, PLAIN_FILE
            archive.writestr(entry, files[path])
    return target.getvalue()


def _plain(text: str) -> str:
    """Return a name that every system can store: other signs become dashes."""
    return re.sub(r"[^A-Za-z0-9_]+", "-", text).strip("-")[:LONGEST_NAME] or "evidence"


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
