"""Writing cards: started, saved, facts taken anew. Each is one transaction under the card's lock, and one revision."""

from collections.abc import Callable
from dataclasses import dataclass

from django.db import IntegrityError, transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from apps.accounts import grants
from apps.accounts.models import User
from apps.accounts.permissions import Permission
from apps.audit import services as audit
from apps.audit.actions import Action
from apps.audit.services import Attempt, Target
from apps.errors import Conflict, DomainError, NotAllowed, NotVisible, RuleViolation, WrongState
from apps.masking import masked
from apps.modelcards import facts, filling, observers, queries, rules
from apps.modelcards.content import CARRIED, CardRefused, Content, digest, sized
from apps.modelcards.filling import Edit
from apps.modelcards.models import Card, CardRevision, CardState, Cause
from apps.registry.models import ModelVersion
from apps.registry.queries import get_version
from apps.registry.services import enqueue_version
from apps.texts import text_from

NEEDED = Permission.MODEL_WRITE
Change = Callable[[Content, ModelVersion], Content]


class CardConflict(Conflict):
    """Somebody saved a revision since the one that was edited: `current` is its number."""

    def __init__(self, message: str, *, current: int) -> None:
        super().__init__(message)
        self.current = current


class CardInvalid(DomainError):
    """Fields that cannot be kept as they were given (400). `errors`: {field: sentence}."""

    code = "card_invalid"

    def __init__(self, errors: dict[str, str]) -> None:
        first = next(iter(errors))
        super().__init__("; ".join(f"{name}: {text}" if name else text for name, text in errors.items()), field=first)
        self.errors = errors


@dataclass
class Writing:
    """A card that is being written: locked, visible and allowed, with its version as the mirror has it."""

    trial: Attempt
    version: ModelVersion
    card: Card | None
    by: User


def start(reference: str, number: int, *, by: User) -> CardRevision:
    """Start the card of a version: facts from MLflow, and prose of the newest card before it, to be confirmed.

    Raises NotVisible, NotAllowed without `model:write`, WrongState when the version was deleted, Conflict when it has
    a card already.
    """
    with audit.attempt(Action.CARD_STARTED, by=grants.actor(by), target=_target(reference, number)) as trial:
        at = _writing(trial, reference, number, by)
        if at.card is not None:
            raise Conflict(_("This version has a card already. Open it, and edit it there."))
        before = Card.objects.filter(model=at.version.model_id, version_number__lt=number, number__gt=0)
        found = before.order_by("-version_number").first()
        carried = queries.content_of(queries.revision(found)) if found else None
        source = f"{CARRIED}{found.version_number}" if found else ""
        content = sized(filling.started(facts.facts_of(at.version), carried, source))
        try:
            with transaction.atomic():
                at.card = Card.objects.create(version=at.version, model=at.version.model, version_number=number)
        except IntegrityError:
            raise Conflict(_("Somebody else started this card in this moment. Open it.")) from None
        row = add_revision(at, content, Cause.STARTED)
        enqueue_version(at.version, by.get_username())  # pictures are read when somebody wants to see them
        trial.done(revision=row.number, digest=row.digest, carried_from=found.version_number if found else None)
    return row


def save(reference: str, number: int, edit: Edit, *, base: int, by: User, cause: Cause = Cause.EDITED,
         note: str = "") -> CardRevision:  # fmt: skip
    """Save what a person says of some fields as a new revision; nothing new is written where nothing changes.

    `base` is the revision that they had before them. Raises NotVisible, NotAllowed, WrongState, CardConflict,
    CardInvalid naming every field at fault, and RuleViolation when a service account confirms.
    """

    def change(content: Content, version: ModelVersion) -> Content:
        if by.is_service and (edit.confirm or edit.lacking):
            raise RuleViolation(_("A service account fills a card in; a person has to confirm it."))
        values, lacking, overrides = masked([dict(edit.values), dict(edit.lacking), dict(edit.overrides)])
        clean = Edit(values, edit.confirm, lacking, overrides, edit.seen)
        at = timezone.now().isoformat(timespec="seconds")
        try:
            return filling.edited(content, clean, facts.facts_of(version), by=by.get_username(), at=at)
        except CardRefused as refused:
            raise CardInvalid(refused.errors) from None

    return _revise(Action.CARD_SAVED, reference, number, change, base=base, by=by, cause=cause, note=note)


def refresh(reference: str, number: int, *, base: int, by: User) -> CardRevision:
    """Take the facts of a card anew from what MLflow says now. Raises as `save` does."""
    return _revise(
        Action.CARD_SAVED, reference, number,
        lambda content, version: filling.refreshed(content, facts.facts_of(version)),
        base=base, by=by, cause=Cause.REFRESHED,
    )  # fmt: skip


def add_revision(at: Writing, content: Content, cause: Cause, note: str = "") -> CardRevision:
    """Write the next revision of a locked card, and bring the card up to date with it. An approval ends by it."""
    card = at.card
    assert card is not None  # noqa: S101 - the callers have locked it
    row = CardRevision.objects.create(
        card=card, number=card.number + 1, parent=card.number or None, cause=cause, values=content.values,
        states=content.states, digest=digest(content), author=at.by, note=note,
    )  # fmt: skip
    card.number, card.digest = row.number, row.digest
    card.standing = {name: str(how) for name, how in rules.standings(content).items()}
    card.state = CardState.DRAFT
    card.save(update_fields=["number", "digest", "standing", "state", "updated_at"])
    observers.tell(at.version)
    return row


def lock(trial: Attempt, reference: str, number: int, by: User) -> Writing:
    """Return a card of a visible version for a write, locked; the trail learns whose model it is. Raises NotVisible."""
    version = get_version(by, reference, number)
    trial.by, trial.target = grants.actor(by, version.model), _target(reference, number, version.model_id)
    card = Card.objects.select_for_update().filter(version=version).first()
    if card:
        card.version = version
    return Writing(trial, version, card, by)


def _writing(trial: Attempt, reference: str, number: int, by: User) -> Writing:
    at = lock(trial, reference, number, by)
    if not grants.allows(by, NEEDED, at.version.model):
        raise NotAllowed(_("Writing a card needs the permission to write on this model. Ask an admin for a role."))
    if at.version.deleted_at or at.version.model.deleted_at:
        raise WrongState(_("This version was deleted in MLflow, so its card stays as it is. Copy what you typed."))
    return at


def _revise(action: Action, reference: str, number: int, change: Change, *, base: int, by: User, cause: Cause,
            note: str = "") -> CardRevision:  # fmt: skip
    try:
        with audit.attempt(action, by=grants.actor(by), target=_target(reference, number)) as trial:
            at = _writing(trial, reference, number, by)
            newest = _newest(at, base)
            note = text_from(note, field="note", needed=False)
            old = queries.content_of(newest)
            content = change(old, at.version)
            if content == old:
                raise _Unchanged
            row = add_revision(at, content, cause, note)
            trial.done(reason=note, revision=row.number, digest=row.digest, fields=_changed(old, content), cause=cause)
    except _Unchanged:
        return newest
    return row


def _newest(at: Writing, base: int) -> CardRevision:
    """Return the revision that is edited. Raises where there is none, or another one than was read."""
    if at.card is None:
        raise NotVisible(_("This version has no card yet. Start one: what MLflow knows is filled in."))
    if at.card.state == CardState.ARCHIVED:
        raise WrongState(_("This card is archived. Take it out of the archive before you change it."))
    if at.card.number != base:
        message = _("Revision %(current)s was saved since revision %(base)s, which you edited.")
        raise CardConflict(message % {"current": at.card.number, "base": base}, current=at.card.number)
    return queries.revision(at.card)


class _Unchanged(Exception):
    """Nothing to save: the transaction ends without a trace."""


def _changed(old: Content, new: Content) -> list[str]:
    names = sorted({*old.values, *old.states, *new.values, *new.states})
    return [name for name in names if (old.values.get(name), old.states.get(name)) !=
            (new.values.get(name), new.states.get(name))]  # fmt: skip


def _target(reference: str, number: int, model_id: int | None = None) -> Target:
    return Target("card", f"{reference} v{number}", model_id)
