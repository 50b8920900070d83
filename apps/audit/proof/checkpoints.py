"""Checkpoints: signed words on where the chain stood. Whoever keeps one sees a chain that was cut or written anew."""

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import Max, QuerySet
from django.utils import timezone
from django.utils.module_loading import import_string
from django.utils.translation import gettext as _

from apps.audit.actions import Action
from apps.audit.chain import canonical_json, format_time
from apps.audit.models import ChainHead, Checkpoint, PublicKey
from apps.audit.proof import keys
from apps.audit.queries import READ_EVERYTHING
from apps.audit.services import Actor, Target, attempt
from apps.errors import NotAllowed

FORMAT = "assent-checkpoint/1"
BATCH = 1000
THE_TRAIL = Target("trail", "trail")


def make_checkpoint() -> Checkpoint | None:
    """Sign where the chain stands, by the timer. Returns the one that is there when nothing was added since, or None
    for an empty trail. Raises WrongState when the key cannot be opened.
    """
    with transaction.atomic(durable=True):
        head = ChainHead.objects.select_for_update().get_or_create(id=1)[0]
        return _at(head) if head.last_id else None


def ask_checkpoint(*, by: Any) -> Checkpoint:
    """Sign where the chain stands, because `by` asks; the event of it is the last one that is signed.

    `by` is a person, or an Actor for the operator's commands. Raises NotAllowed without audit:read, WrongState.
    """
    actor = by if isinstance(by, Actor) else import_string(settings.AUDIT_ACTOR)(by)
    with attempt(Action.CHECKPOINT_MADE, by=actor, target=THE_TRAIL) as trial:
        if not (isinstance(by, Actor) or by.has_perm(READ_EVERYTHING)):
            raise NotAllowed(_("Only who may read the whole trail makes a checkpoint of it. Ask an admin."))
        ChainHead.objects.select_for_update().get_or_create(id=1)
        trial.done(after={"key": keys.signing_key_id()})
        return _at(ChainHead.objects.get(id=1))


def covering(event_id: int, key_id: str) -> Checkpoint | None:
    """Return the first checkpoint by a key that covers an event: always the same one. None where there is none yet."""
    rows = Checkpoint.objects.filter(event_id__gte=event_id, key_id=key_id)
    return rows.order_by("event_id").first()


def _at(head: ChainHead) -> Checkpoint:
    """Make the checkpoint at `head`, which the caller has locked; one by the present key is enough."""
    key_id = keys.signing_key_id()
    if made := Checkpoint.objects.filter(event_id=head.last_id, key_id=key_id).first():
        return made
    row = Checkpoint(event_id=head.last_id, hash=head.last_hash, count=head.last_id, at=timezone.now(), key_id=key_id)
    row.signature = keys.signer().sign(signed_bytes(row))
    row.save(force_insert=True)
    return row


def content_of(checkpoint: Checkpoint) -> dict[str, Any]:
    """Return what a checkpoint says, as it is signed and exported."""
    return {
        "format": FORMAT,
        "event_id": checkpoint.event_id,
        "hash": checkpoint.hash,
        "count": checkpoint.count,
        "at": format_time(checkpoint.at),
        "key_id": checkpoint.key_id,
    }


def signed_bytes(checkpoint: Checkpoint) -> bytes:
    """Return the bytes that are signed: canonical JSON of what the checkpoint says."""
    return canonical_json(content_of(checkpoint)).encode()


def made_so_far() -> QuerySet[Checkpoint]:
    """The checkpoints that there are at this moment, by the event that they are about; later ones do not join."""
    last = Checkpoint.objects.aggregate(last=Max("id"))["last"] or 0
    return Checkpoint.objects.filter(id__lte=last).order_by("event_id", "id")


def export_lines(last_id: int, signer: str = "") -> Iterator[str]:
    """Yield the lines of an export for the checkpoints up to an event, and for the keys that signed them.

    `signer` is the fingerprint of the key that signs the export itself.
    """
    rows = Checkpoint.objects.filter(event_id__lte=last_id).order_by("event_id", "id")
    return lines_of(rows.iterator(chunk_size=BATCH), signer)


def lines_of(rows: Iterable[Checkpoint], signer: str = "") -> Iterator[str]:
    """Yield the same for these checkpoints alone."""
    signers = {signer}
    for row in rows:
        signers.add(row.key_id)
        yield canonical_json({"checkpoint": {**content_of(row), "signature": row.signature}})
    for key in keys.published():
        if key["key_id"] in signers:
            said = {name: key[name] for name in ("algorithm", "key_id", "public_key")}
            yield canonical_json({"public_key": {**said, "made_at": format_time(key["made_at"])}})


@dataclass(frozen=True)
class Signed:
    """What came of checking signatures: up to which event (0: none), and what is wrong with the first bad one."""

    up_to: int
    misfit: str | None


def check_signatures(
    checkpoints: Iterable[Checkpoint], given: Mapping[str, str] | None = None, names: Collection[str] = ()
) -> Signed:
    """Check that each was signed by a key that is kept, or `given` (fingerprint → base64).

    With `names`, fingerprints of keys that are trusted, only what one of them signed counts as signed.
    """
    known = dict(PublicKey.objects.values_list("key_id", "public_key")) | dict(given or {})
    up_to = 0
    for row in checkpoints:
        public = known.get(row.key_id)
        if public is None or keys.fingerprint(public) != row.key_id:
            return Signed(up_to, f"The checkpoint at event {row.event_id} is signed with a key that is not kept.")
        if row.count != row.event_id or not keys.is_signed(signed_bytes(row), row.signature, public):
            return Signed(up_to, f"The checkpoint at event {row.event_id} has a bad signature.")
        up_to = row.event_id if not names or row.key_id in names else up_to
    if names and not up_to:
        return Signed(0, "No checkpoint is signed with the key that you gave.")
    return Signed(up_to, None)
