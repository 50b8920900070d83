"""What people say about a section of a card, until somebody resolves it."""

from collections.abc import Callable

from django.utils import timezone
from django.utils.translation import gettext as _

from apps.accounts import grants
from apps.accounts.models import User
from apps.accounts.permissions import Permission
from apps.audit import services as audit
from apps.audit.actions import Action
from apps.audit.services import Target
from apps.errors import InvalidInput, NotAllowed, NotVisible, WrongState
from apps.modelcards import services
from apps.modelcards.models import Card, CardComment
from apps.modelcards.schema.sections import Section
from apps.modelcards.services import Writing
from apps.texts import text_from

NEEDED = frozenset({Permission.MODEL_WRITE, Permission.MODEL_REVIEW})
MOST_OPEN = 200  # unresolved ones of a card


def add(reference: str, number: int, *, section: str, body: str, by: User) -> CardComment:
    """Comment on a section of a card. It has to be resolved before the card is approved.

    Raises NotVisible, NotAllowed without `model:write` or `model:review`, and InvalidInput (fields "section", "body").
    """
    with audit.attempt(Action.CARD_COMMENTED, by=grants.actor(by), target=_target(reference, number)) as trial:
        at = services.lock(trial, reference, number, by)
        card = _of(at)
        _check(at, lambda held: bool(NEEDED & held))
        if section not in set(Section):
            raise InvalidInput(_("A card has no such section."), field="section")
        text = text_from(body, field="body")
        if card.comments.filter(resolved_at=None).count() >= MOST_OPEN:
            raise WrongState(_("There are %(most)s open comments. Resolve some first.") % {"most": MOST_OPEN})
        row = CardComment.objects.create(card=card, section=section, number=card.number, body=text, author=by)
        trial.done(reason=text, section=section, revision=card.number, comment=row.pk)
    return row


def resolve(reference: str, number: int, comment: int, *, by: User) -> CardComment:
    """Say that a comment is dealt with: who writes the card, or who commented. Raises NotVisible, WrongState."""
    with audit.attempt(Action.CARD_COMMENT_RESOLVED, by=grants.actor(by), target=_target(reference, number)) as trial:
        at = services.lock(trial, reference, number, by)
        row = _of(at).comments.filter(pk=comment).first() if comment < 2**63 else None
        if row is None:
            raise NotVisible(_("There is no such comment on this card."))
        _check(at, lambda held: (row.author_id == by.pk and bool(NEEDED & held)) or Permission.MODEL_WRITE in held)
        if row.resolved_at:
            raise WrongState(_("This comment was resolved already."))
        row.resolved_by, row.resolved_at = by, timezone.now()
        row.save(update_fields=["resolved_by", "resolved_at"])
        trial.done(section=row.section, revision=at.card.number if at.card else None, comment=row.pk)
    return row


def _check(at: Writing, enough: Callable[[frozenset[Permission]], bool]) -> None:
    if at.by.is_service or not enough(grants.held_permissions(at.by, at.version.model)):
        raise NotAllowed(_("Comments on a card need a person's permission to write on this model, or to review it."))


def _of(at: Writing) -> Card:
    if at.card is None:
        raise NotVisible(_("This version has no card yet. Start one: what MLflow knows is filled in."))
    return at.card


def _target(reference: str, number: int) -> Target:
    return Target("card", f"{reference} v{number}")
