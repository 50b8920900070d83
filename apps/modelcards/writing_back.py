"""The summary of an approved card is written to MLflow: the job `modelcards.summary`, where ASSENT_CARD_SUMMARY is on.

A worker may be killed at any line: the next one reads what MLflow says, and writes only what is missing. What it ends
with is the card as it is then; one that was approved anew meanwhile is written after it.
"""

from dataclasses import dataclass

from django.conf import settings
from django.db import transaction
from django.utils.translation import gettext as _

from apps.audit import services as audit
from apps.audit.actions import Action, Outcome, Source
from apps.audit.context import Origin, came_through
from apps.audit.services import Actor, Target
from apps.errors import NotVisible, WrongState
from apps.jobs import services as jobs
from apps.jobs.handlers import handles
from apps.jobs.models import Job
from apps.modelcards import queries
from apps.modelcards.links import card_path
from apps.modelcards.models import Card, CardState
from apps.modelcards.summary import Summary, described, tags_of
from apps.registry import describing
from apps.registry.mlflow import RemoteVersion

SUMMARY_JOB = "modelcards.summary"
SYSTEM = Actor("system:cards")
ATTEMPTS = 12  # with growing pauses: MLflow may be away for hours


@dataclass(frozen=True)
class Written:
    """What MLflow said before and after."""

    before: RemoteVersion
    after: RemoteVersion


def enqueue(card: Card, *, requested_by: str) -> None:
    """Commit with the approval of a card that its summary is written; nothing where the switch is off."""
    if settings.CARD_SUMMARY:
        key = f"{SUMMARY_JOB}:{card.pk}"
        jobs.enqueue(SUMMARY_JOB, key=key, requested_by=requested_by, max_attempts=ATTEMPTS, card_id=card.pk)


def summary_of(card: Card) -> Summary:
    """Return an approved card in short."""
    assert card.approved_by is not None  # noqa: S101 - the database sees to it
    assert card.approved_at is not None  # noqa: S101
    content = queries.content_of(queries.revision(card, card.approved_number))
    url = f"{settings.PUBLIC_URL}{card_path(card.version)}" if settings.PUBLIC_URL else ""
    return Summary(
        revision=card.number, digest=card.digest, approved_by=card.approved_by.get_username(),
        approved_on=card.approved_at.date().isoformat(), intended_use=str(content.values.get("intended_use", "")),
        url=url,
    )  # fmt: skip


def give_up(job: Job, error: str) -> None:
    """Record that it was not written, and why. The card stays approved."""
    card = _card(job)
    if card is None:
        return
    with came_through(_origin(job)), transaction.atomic():
        jobs.renew(job)
        audit.record(
            Action.CARD_SUMMARY_WRITTEN, by=SYSTEM, target=_target(card), outcome=Outcome.FAILED, reason=error,
            revision=card.number, digest=card.digest,
        )  # fmt: skip


@handles(SUMMARY_JOB, gave_up=give_up)
def write(job: Job) -> None:
    """Write the summary of one card.

    Raises UpstreamUnavailable (the job tries again later), or WrongState where there is nothing to write to.
    """
    card = _card(job)
    if card is None or card.state != CardState.APPROVED:
        nothing_to_say(job)
        return
    if not card.version.model.connection.enabled:
        message = _("The connection %(name)s is disabled, so Assent writes nothing there.")
        raise WrongState(message % {"name": card.version.model.connection_id})
    with came_through(_origin(job)):
        wanted = summary_of(card)
        try:
            before = describing.read(card.version)
            after = describing.write(card.version, before, lambda text: described(text, wanted), tags_of(wanted))
        except NotVisible as error:
            raise WrongState(_("This version no longer exists in MLflow, so nothing can be written there.")) from error
        _complete(job, card, wanted, Written(before, after))


def nothing_to_say(job: Job) -> None:
    """End the job of a card that is not approved any more, unless it was approved anew in this moment.

    Whoever approves finds the job still active and adds none, so this looks under the card's lock.
    """
    with transaction.atomic(durable=True):
        jobs.renew(job)
        card = Card.objects.select_for_update().filter(pk=job.args["card_id"]).first()
        if card and card.state == CardState.APPROVED:
            jobs.put_back(job)
        else:
            jobs.finish(job)


def _complete(job: Job, card: Card, wanted: Summary, written: Written) -> None:
    """Commit the mirror, the event, and the end of the job, unless the card was approved anew meanwhile."""
    with transaction.atomic(durable=True):
        jobs.renew(job)
        now = Card.objects.select_for_update().get(pk=card.pk)
        describing.settle(card.version, written.after, tags_of(wanted))
        if written.before.description != written.after.description or _tags_differ(written):
            audit.record(
                Action.CARD_SUMMARY_WRITTEN, by=SYSTEM, target=_target(card), revision=wanted.revision,
                digest=wanted.digest, before={"description": written.before.description},
                after={"description": written.after.description}, tags=tags_of(wanted),
            )  # fmt: skip
        if now.state == CardState.APPROVED and now.digest != wanted.digest:
            jobs.put_back(job)
        else:
            jobs.finish(job)


def _tags_differ(written: Written) -> bool:
    return written.before.tags != written.after.tags


def _card(job: Job) -> Card | None:
    rows = Card.objects.select_related("version__model__connection", "approved_by")
    return rows.filter(pk=job.args["card_id"]).first()


def _origin(job: Job) -> Origin:
    return Origin(Source.WORKER, f"job-{job.pk}")


def _target(card: Card) -> Target:
    return Target("card", f"{card.version.model.reference} v{card.version.number}", card.version.model_id)
