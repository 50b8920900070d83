"""What is told of cards: of one in review who may review the model, of the rest who wrote it.

Whoever did it is never told, nor who may not read the model: apps/notifications/outbox.py sees to both.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from django.db.models import Q, QuerySet
from django.utils.translation import gettext_noop as noop

from apps.accounts import grants
from apps.accounts.models import User
from apps.accounts.permissions import Permission
from apps.audit.actions import Action, Outcome
from apps.audit.models import AuditEvent
from apps.modelcards.links import card_path
from apps.modelcards.models import Card, CardComment
from apps.notifications.audiences import Message, tells
from apps.notifications.models import Kind

MOST_TOLD = 200  # characters of a reason or comment


@dataclass(frozen=True)
class Notice:
    """What is told of one action on a card."""

    kind: Kind
    text: str


NOTICES = {
    Action.CARD_SUBMITTED: Notice(Kind.REVIEW_NEEDED, noop("%(actor)s asks you to review the card of %(version)s")),
    Action.CARD_SENT_BACK: Notice(Kind.DECIDED, noop("%(actor)s sent the card of %(version)s back: %(reason)s")),
    Action.CARD_APPROVED: Notice(Kind.DECIDED, noop("%(actor)s approved the card of %(version)s")),
    Action.CARD_ARCHIVED: Notice(Kind.DECIDED, noop("%(actor)s archived the card of %(version)s: %(reason)s")),
    Action.CARD_COMMENTED: Notice(Kind.OTHER, noop("%(actor)s commented on the card of %(version)s: %(reason)s")),
    Action.CARD_COMMENT_RESOLVED: Notice(Kind.OTHER, noop("%(actor)s resolved your comment on %(version)s")),
}


@tells(*NOTICES)
def of_cards(event: AuditEvent) -> Iterable[Message]:
    """Tell whom it concerns."""
    notice, card = NOTICES[Action(event.action)], _card(event)
    if card is None:
        return []
    values = {"actor": event.actor, "version": str(card.version), "reason": _short(event.reason)}
    url, people = card_path(card.version), _people(event, card).filter(is_service=False)
    keys = people.order_by().values_list("pk", flat=True).distinct()
    return [Message(key, notice.text, url, notice.kind, values) for key in keys]


@tells(Action.CARD_SUMMARY_WRITTEN, outcome=Outcome.FAILED)
def of_a_summary_not_written(event: AuditEvent) -> Iterable[Message]:
    """Tell the authors that MLflow does not show what was approved."""
    card = _card(event)
    if card is None:
        return []
    values, text = {"version": str(card.version)}, noop("The card of %(version)s could not be summarised in MLflow")
    keys = authors(card).filter(is_service=False).values_list("pk", flat=True)
    return [Message(key, text, card_path(card.version), Kind.FAILED, values) for key in keys]


def authors(card: Card) -> QuerySet[User]:
    """Return everybody who saved a revision of a card."""
    return User.objects.filter(pk__in=card.revisions.values("author"))


def _people(event: AuditEvent, card: Card) -> QuerySet[User]:
    if event.action == Action.CARD_SUBMITTED:
        reviewers = grants.holders(Permission.MODEL_REVIEW, card.version.model)
        return User.objects.filter(pk__in=list(reviewers.values_list("pk", flat=True)))
    if event.action == Action.CARD_COMMENT_RESOLVED:
        said = CardComment.objects.filter(card=card, pk=event.data.get("comment"))
        return User.objects.filter(pk__in=said.values("author"))
    return authors(card)


def _short(text: str) -> str:
    return text if len(text) <= MOST_TOLD else f"{text[:MOST_TOLD]}…"


def _card(event: AuditEvent) -> Card | None:
    """Return the card that an event is about: its target is "churn v3", and the model's number tells lives apart."""
    number = event.target.rpartition(" v")[2]
    if event.model_id is None or not (number.isascii() and number.isdecimal() and len(number) < 10):
        return None
    found = Q(version__model=event.model_id, version__number=int(number))
    return Card.objects.filter(found).select_related("version__model__connection").first()
