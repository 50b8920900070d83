"""Handing out evidence packages: small ones at once, large ones once a worker has built them. Each is recorded."""

import hashlib
from datetime import timedelta
from enum import StrEnum
from typing import Any

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from apps.accounts import grants
from apps.accounts.models import User
from apps.approvals import queries as approvals
from apps.approvals.models import ApprovalRequest, RequestState
from apps.audit import services as audit
from apps.audit.actions import Action
from apps.audit.chain import canonical_json
from apps.audit.manifest import signed
from apps.audit.proof import keys
from apps.audit.services import Target
from apps.compliance.models import BuiltPackage
from apps.compliance.packages import contents, pdf
from apps.compliance.packages.zipping import Package, named_alike, package, unpacked
from apps.errors import WrongState
from apps.jobs import services as jobs
from apps.jobs.models import ACTIVE_STATES, Job
from apps.registry import queries as registry
from apps.registry.models import ModelVersion

KIND = "compliance.package"
SEALED = "assent-package/1"  # what is signed is such a list of files, and nothing else
MOST_EVENTS_AT_ONCE = 2000  # more are put together by a worker
MOST_REQUESTS_AT_ONCE = 20
KEPT = timedelta(days=7)  # what was built and is not asked for again


class Form(StrEnum):
    """As what a package is handed out."""

    ZIP = "zip"
    PDF = "pdf"  # to read and print: what the first page says, with the digests of the files


def export_version(reference: str, number: int, *, by: User, form: Form = Form.ZIP) -> Package | None:
    """Return the evidence package of a version, and record that it was handed out; None: a worker builds it now.

    Raises NotVisible and TooLarge.
    """
    return _export(registry.get_version(by, reference, number), None, by=by, form=form)


def export_request(number: int, *, by: User, form: Form = Form.ZIP) -> Package | None:
    """Return the evidence package of one request, likewise. Raises NotVisible, TooLarge, and WrongState for a draft."""
    asked = approvals.get_request(by, number)
    if asked.state == RequestState.DRAFT:
        raise WrongState(_("A draft has no evidence yet. Send the request first."))
    version = registry.get_version(by, asked.version.model.reference, asked.version.number)
    return _export(version, contents.requests_of(version).get(pk=number), by=by, form=form)


def _export(version: ModelVersion, asked: ApprovalRequest | None, *, by: User, form: Form) -> Package | None:
    found = built(version, asked) if large(version) else build(version, asked)
    if found is None:
        with transaction.atomic():
            key = f"{KIND}:{version.pk}:{asked.pk if asked else ''}"
            args: dict[str, Any] = {"version": version.pk, "request": asked.pk if asked else None}
            jobs.enqueue(KIND, key=key, requested_by=by.get_username(), **args)
        return None
    if form is Form.PDF:
        found = named_alike(found, pdf.document(unpacked(found)), "pdf")
    target = Target("version", str(version), version.model_id)
    with audit.attempt(Action.EVIDENCE_EXPORTED, by=grants.actor(by, version.model), target=target) as trial:
        registry.get_version(by, version.model.reference, version.number)  # a grant may have gone meanwhile
        about: dict[str, Any] = {"request": asked.pk} if asked else {}
        trial.done(name=found.name, sha256=found.digest, bytes=len(found.content), files=found.files, **about)
    return found


def build(version: ModelVersion, asked: ApprovalRequest | None) -> Package:
    """Return the package of a version, or of a request on it, made now.

    Raises TooLarge, and WrongState when the key that signs it cannot be opened.
    """
    signer = keys.signer()
    title = f"evidence-{version.model.reference}-v{version.number}" + (f"-request-{asked.pk}" if asked else "")
    return package(title, contents.files_of(version, asked, signer), lambda digest: _sealed(digest, signer))


def built(version: ModelVersion, asked: ApprovalRequest | None) -> Package | None:
    """Return what a worker built, if nothing has changed since."""
    row = BuiltPackage.objects.filter(version=version, request=asked, facts=facts_of(version)).first()
    return _unpacked(row) if row else None


def being_built(version: ModelVersion) -> bool:
    """Return whether a worker is building, or is to build, a package of the version."""
    return Job.objects.filter(key=f"{KIND}:{version.pk}:", state__in=ACTIVE_STATES).exists()


def keep(version: ModelVersion, asked: ApprovalRequest | None, facts: str, made: Package) -> None:
    """Keep what a worker built, in the caller's transaction, and drop what nobody has asked for in a while."""
    BuiltPackage.objects.filter(built_at__lt=timezone.now() - KEPT).delete()
    values = {"facts": facts, "name": made.name, "files": made.files, "content": made.content}
    BuiltPackage.objects.update_or_create(version=version, request=asked, defaults=values)


def large(version: ModelVersion) -> bool:
    """Return whether a package is too much to put together while somebody waits."""
    many_events = contents.events_of(version)[MOST_EVENTS_AT_ONCE:].exists()
    return many_events or contents.requests_of(version)[MOST_REQUESTS_AT_ONCE:].exists()


def facts_of(version: ModelVersion) -> str:
    """Return a digest that changes with the facts: each write has its event, and what was read again has its time.

    Another key signs anew.
    """
    last = contents.events_of(version).values_list("pk", flat=True).first()
    read = version.details_at.isoformat() if version.details_at else None
    form = [contents.FORMAT, contents.VERIFIER.is_file(), keys.present_key_id()]
    facts = [last, read, version.updated_at.isoformat(), *form]
    return hashlib.sha256(canonical_json(facts).encode()).hexdigest()


def _sealed(digest: str, signer: keys.Signer) -> bytes:
    """Return the file that signs the list of the other files, and with it each of them."""
    return f"{canonical_json(signed({'format': SEALED, 'sha256': digest}, signer))}\n".encode()


def _unpacked(row: BuiltPackage) -> Package:
    content = bytes(row.content)
    return Package(row.name, content, hashlib.sha256(content).hexdigest(), row.files)
