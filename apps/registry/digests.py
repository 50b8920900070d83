"""The SHA-256 of files that came through the door: kept when MLflow has stored them, and forgotten when in doubt.

A digest that is kept is that of the bytes which MLflow got last through the door. What is written to MLflow behind
Assent's back is not seen here, unless its size differs.
"""

import hashlib
import json
import uuid
from dataclasses import dataclass, replace
from typing import Any

from django.db.models import Q
from django.utils import timezone

from apps.registry.details.reading import Details
from apps.registry.models import DEFAULT_CONNECTION, ArtifactDigest, DetailsState, ModelVersion
from apps.registry.queries import with_source

LONGEST = 1000  # characters of a path whose digest is kept: longer ones are not known, as if they came another way


@dataclass(frozen=True)
class Ticket:
    """An upload on its way. What was known of the file before is not known any more."""

    holder: str
    path: str
    number: str

    def keep(self, sha256: str, size: int) -> None:
        """MLflow has stored the file: note its digest, unless another upload crossed this one; then neither counts."""
        row = ArtifactDigest.objects.filter(**_key(self.holder, self.path))
        mine = row.filter(ticket=self.number).update(sha256=sha256, size=size, at=timezone.now())
        if not mine:
            row.update(sha256="", ticket="")
        _have_read_again(self.holder)

    def drop(self) -> None:
        """MLflow has not stored it, or nobody knows."""
        ArtifactDigest.objects.filter(**_key(self.holder, self.path), ticket=self.number, sha256="").delete()


def begin(holder: str, path: str, *, by: str) -> Ticket | None:
    """Note that a file is on its way, sent by `by`; None where no digest will be kept."""
    if len(path) > LONGEST:
        return None
    ticket = Ticket(holder, path, uuid.uuid4().hex)
    row = ArtifactDigest(**_key(holder, path), by=by, at=timezone.now(), ticket=ticket.number)
    ArtifactDigest.objects.bulk_create(
        [row], update_conflicts=True, unique_fields=["connection", "holder", "path"],
        update_fields=["sha256", "size", "by", "at", "ticket"],
    )  # fmt: skip
    return ticket


def forget(holder: str, path: str) -> None:
    """A file, or a folder with all in it, is gone or no longer what it was; an empty path is all of the holder's."""
    rows = ArtifactDigest.objects.filter(connection=DEFAULT_CONNECTION, holder=holder)
    if path:
        rows = rows.filter(Q(path=path) | Q(path__startswith=f"{path}/"))
    rows.delete()
    _have_read_again(holder)


def known(holder: str, folder: str) -> dict[str, tuple[str, int]]:
    """Return {path below `folder`: (SHA-256, size)} of the files of a holder; an empty folder is all of them."""
    rows = ArtifactDigest.objects.filter(connection=DEFAULT_CONNECTION, holder=holder).exclude(sha256="")
    before = f"{folder}/" if folder else ""
    if before:
        rows = rows.filter(path__startswith=before)
    return {
        path.removeprefix(before): (sha256, size) for path, sha256, size in rows.values_list("path", "sha256", "size")
    }


def bound(details: Details, connection: str) -> Details:
    """Return what was read of a version with the digests of its files, where they are known and the size agrees.

    Its artifact digest then says what the bytes are; where none is known, it stays what it was.
    """
    if not details.holder or not details.files or connection != DEFAULT_CONNECTION:  # the door leads to this one
        return details
    bytes_of = known(*details.holder)
    files = [_with_digest(row, bytes_of.get(row["path"])) for row in details.files]
    found = {row["path"]: row["sha256"] for row in files if "sha256" in row}
    if not found:
        return details
    parts = json.dumps({"read": details.artifact_digest, "bytes": found}, sort_keys=True)
    return replace(details, files=files, artifact_digest=hashlib.sha256(parts.encode()).hexdigest())


def _with_digest(row: dict[str, Any], digest: tuple[str, int] | None) -> dict[str, Any]:
    return {**row, "sha256": digest[0]} if digest and digest[1] == row["size"] else row


def _have_read_again(holder: str) -> None:
    """Have the files of versions that were registered before read again: what was signed may be another now."""
    for versions in (ModelVersion.objects.filter(run_id=holder), with_source(f"models:/{holder}")):
        versions.filter(
            model__connection=DEFAULT_CONNECTION, deleted_at=None, details_state=DetailsState.LOADED
        ).update(details_due_at=timezone.now())


def _key(holder: str, path: str) -> dict[str, str]:
    return {"connection_id": DEFAULT_CONNECTION, "holder": holder, "path": path}
