"""The files of an evidence package: path → bytes, the same for the same facts, whoever asks and whenever.

Texts are in the installation's own language, times in UTC, and nothing in them is the time of asking. Handing a package
out is an event of the model itself; it is left out, or no package would ever equal the one before. The events stand
under the first checkpoint that covers the last of them: which one that is follows from the events, and from the key.
"""

import json
from typing import Any

from django.conf import settings
from django.core.serializers.json import DjangoJSONEncoder
from django.db.models import QuerySet
from django.template.loader import render_to_string
from django.utils import translation
from django.utils.translation import gettext as _

from apps.approvals.models import ApprovalRequest, RequestState
from apps.approvals.queries import reviews_in_order
from apps.audit import manifest
from apps.audit.actions import Action
from apps.audit.chain import FIRST_HASH, canonical_json
from apps.audit.models import AuditEvent, Checkpoint
from apps.audit.proof import checkpoints
from apps.audit.proof.keys import Signer
from apps.compliance.packages import cards, records
from apps.compliance.packages.zipping import MANIFEST, SIGNATURE
from apps.errors import TooLarge
from apps.registry.models import ModelVersion

FORMAT = "assent.evidence/1"
MOST_REQUESTS = 200  # of one version: the newest
MOST_EVENTS = 20_000  # of one model: the newest
MOST_BYTES = 64 * 1024**2
VERIFIER = settings.BASE_DIR / "static" / "cli" / "verify_audit.py"
Files = dict[str, bytes]


def files_of(version: ModelVersion, asked: ApprovalRequest | None, signer: Signer) -> Files:
    """Return every file of the package of a version, or of one request on it (None: of all), but the manifest.

    The caller has checked that the version, and the request, may be seen. Raises TooLarge.
    """
    with translation.override(settings.LANGUAGE_CODE):
        files = _records(version)
        requests = [asked] if asked else list(requests_of(version)[:MOST_REQUESTS])
        for request in requests:
            files |= _request_files(request)
        files |= _card_files(version, requests)
        newest = list(events_of(version)[:MOST_EVENTS])
        covered_by = checkpoint_over(newest[0].id if newest else 0, signer)
        files |= _event_files(version, newest, covered_by, signer)
        files["package.json"] = _json(_about(version, asked, requests) | _proof(newest, covered_by, signer))
        files["index.html"] = _index(version, asked, requests, files)
    size = sum(map(len, files.values()))
    if size > MOST_BYTES:
        text = _("This evidence has %(size)s MB; a package holds %(most)s. Export its requests one by one.")
        raise TooLarge(text % {"size": size // 1024**2, "most": MOST_BYTES // 1024**2})
    return files


def requests_of(version: ModelVersion) -> QuerySet[ApprovalRequest]:
    """Return the requests on a version, newest first; no drafts, which their writers alone may see."""
    rows = ApprovalRequest.objects.filter(version=version).exclude(state=RequestState.DRAFT)
    rows = rows.select_related("version__model", "requester", "policy", "after_review__reviewer")
    return rows.prefetch_related(reviews_in_order()).order_by("-id")


def events_of(version: ModelVersion) -> QuerySet[AuditEvent]:
    """Return the events of the version's model that the package holds, newest first."""
    return AuditEvent.objects.filter(model_id=version.model_id).exclude(action=Action.EVIDENCE_EXPORTED).order_by("-id")


def checkpoint_over(event_id: int, signer: Signer) -> Checkpoint | None:
    """Return the first checkpoint of the present key that covers an event, made now where there is none yet.

    None for an empty trail.
    """
    return checkpoints.covering(event_id, signer.key_id) or checkpoints.make_checkpoint()


def _records(version: ModelVersion) -> Files:
    found = {
        "model.json": records.of_model(version),
        "version.json": records.of_version(version),
        "reports.json": records.of_reports(version),
        "drift.json": records.of_drift(version),
        "holds.json": records.of_holds(version),
    }
    return {path: _json(records.visible(value)) for path, value in found.items()}


def _request_files(request: ApprovalRequest) -> Files:
    folder = f"requests/{request.pk}"
    files = {f"{folder}/{name}.json": _json(part) for name, part in records.of_request(request).items()}
    for digest, document in records.documents(request).items():
        # As it was hashed, byte for byte: its SHA-256 is its name, unless a credential in it is masked.
        files[f"{folder}/evidence/{digest}.json"] = canonical_json(records.visible(document)).encode()
    return files


def _card_files(version: ModelVersion, requests: list[ApprovalRequest]) -> Files:
    """Return the model card, if there is one: as it is, to read, and each revision that was signed by its digest."""
    card = cards.card_of(version)
    if card is None:
        return {}
    said = records.visible(cards.of_card(card))
    files = {"card/card.json": _json(said), "card/card.md": f"{cards.text_of(said)}\n".encode()}
    return files | {f"card/{digest}.json": text for digest, text in cards.revisions_in(card, requests).items()}


def _event_files(
    version: ModelVersion, newest: list[AuditEvent], covered_by: Checkpoint | None, signer: Signer
) -> Files:
    lines = manifest.export_lines(
        reversed(newest),
        by="system:compliance",
        head=manifest.Head(covered_by.event_id, covered_by.hash) if covered_by else manifest.Head(0, FIRST_HASH),
        filters={"model": version.model.reference},
        at=covered_by.at if covered_by else version.model.created_at,  # the same events are the same bytes
        signer=signer,
        checkpoint=covered_by,
    )
    return {"events/events.jsonl": "".join(lines).encode(), "events/verify_audit.py": VERIFIER.read_bytes()}


def _about(version: ModelVersion, asked: ApprovalRequest | None, requests: list[ApprovalRequest]) -> dict[str, Any]:
    """Say what the package is about, and what was left out of it."""
    events, known = events_of(version).count(), 1 if asked else requests_of(version).count()
    return {
        "format": FORMAT,
        "model": version.model.reference,
        "version": version.number,
        "request": asked.pk if asked else None,
        "requests": sorted(request.pk for request in requests),
        "left_out": {"requests": known - len(requests), "events": max(0, events - MOST_EVENTS)},
    }


def _proof(newest: list[AuditEvent], covered_by: Checkpoint | None, signer: Signer) -> dict[str, Any]:
    """Say how many events there are, which checkpoint covers them, and whose signature that is."""
    checkpoint = covered_by and {
        "event_id": covered_by.event_id,
        "hash": covered_by.hash,
        "at": records.moment(covered_by.at),
    }
    return {"events": len(newest), "checkpoint": checkpoint, "key_id": signer.key_id}


def _index(
    version: ModelVersion, asked: ApprovalRequest | None, requests: list[ApprovalRequest], files: Files
) -> bytes:
    rows = [json.loads(files[f"requests/{request.pk}/request.json"]) for request in requests]
    signatures = {request.pk: json.loads(files[f"requests/{request.pk}/signatures.json"]) for request in requests}
    checks = {request.pk: json.loads(files[f"requests/{request.pk}/checks.json"]) for request in requests}
    context = {
        "version": json.loads(files["version.json"]),
        "model": json.loads(files["model.json"]),
        "about": json.loads(files["package.json"]),
        "asked": asked,
        "card": json.loads(files["card/card.json"]) if "card/card.json" in files else None,
        "requests": [(f"requests/{row['id']}", row, signatures[row["id"]], checks[row["id"]]) for row in rows],
        "holds": json.loads(files["holds.json"]),
        "paths": sorted([*files, MANIFEST, SIGNATURE]),
        "language": settings.LANGUAGE_CODE,
    }
    return render_to_string("compliance/package_index.html", context).encode()


def _json(value: Any) -> bytes:
    text = json.dumps(value, ensure_ascii=False, sort_keys=True, indent=1, allow_nan=False, cls=DjangoJSONEncoder)
    return f"{text}\n".encode()
