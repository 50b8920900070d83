"""The way of a card: draft → in review → approved; sent back, archived. Approved is the revision that was read."""

from collections.abc import Callable
from dataclasses import dataclass

from django.db.models import Min
from django.utils import timezone
from django.utils.translation import gettext as _

from apps.accounts import grants, sponsors
from apps.accounts.models import User
from apps.accounts.permissions import Permission
from apps.audit import services as audit
from apps.audit.actions import Action
from apps.audit.services import Target
from apps.errors import Conflict, NotAllowed, NotVisible, RuleViolation, WrongState
from apps.modelcards import observers, queries, services, writing_back
from apps.modelcards.models import Card, CardState
from apps.modelcards.services import Writing
from apps.texts import text_from


@dataclass(frozen=True)
class Step:
    """One way from one state to another; `rules` raise where it may not be taken."""

    action: Action
    sources: frozenset[str]
    target: str
    needed: Permission
    rules: tuple[Callable[[Writing, str], None], ...] = ()
    reason_needed: bool = False


def _as_read(at: Writing, seen: str) -> None:
    if _card(at).digest != seen:
        raise Conflict(_("The card was changed since you read it. Read it again, then decide."))


def _in_step(at: Writing, seen: str) -> None:
    content = queries.content_of(queries.revision(_card(at)))
    if names := queries.outdated(at.version, content):
        message = _("MLflow says something else now: %(fields)s. Take the facts anew first.")
        raise WrongState(message % {"fields": ", ".join(names)})


def _complete_for_staging(at: Writing, seen: str) -> None:
    how = queries.completeness(_card(at), at.version.model.risk, "Staging")
    if how.missing:
        message = _("The card lacks what Staging asks: %(fields)s. Fill it in and confirm it first.")
        raise WrongState(message % {"fields": ", ".join(str(field.label) for field, _how in how.missing)})


def _nothing_open(at: Writing, seen: str) -> None:
    if _card(at).comments.filter(resolved_at=None).exists():
        raise WrongState(_("There are comments that nobody resolved. Resolve them first."))


def _by_a_person(at: Writing, seen: str) -> None:
    if at.by.is_service:
        raise RuleViolation(_("A service account approves nothing. A person has to do this."))


def _by_another(at: Writing, seen: str) -> None:
    since = _card(at).revisions.filter(number__gt=_card(at).approved_number or 0)
    if since.filter(author=at.by).exists():
        raise RuleViolation(_("You wrote on this card, so somebody else has to approve it. Ask another reviewer."))
    services_of = since.filter(author__is_service=True).order_by().values("author", "author__username")
    for row in services_of.annotate(first=Min("created_at")):
        if sponsors.sponsors(row["author"], row["first"]).filter(pk=at.by.pk).exists():
            message = _(
                "The service account %(name)s wrote on this card, and you can act as it, so somebody else has to "
                "approve the card. Ask another reviewer."
            )
            raise RuleViolation(message % {"name": row["author__username"]})


def _still_there(at: Writing, seen: str) -> None:
    if at.version.deleted_at or at.version.model.deleted_at:
        raise WrongState(_("This version was deleted in MLflow, so its card stays as it is."))


DRAFT, IN_REVIEW, APPROVED, ARCHIVED = CardState.DRAFT, CardState.IN_REVIEW, CardState.APPROVED, CardState.ARCHIVED
STEPS: dict[str, Step] = {
    "submit": Step(Action.CARD_SUBMITTED, frozenset({DRAFT}), IN_REVIEW, Permission.MODEL_WRITE,
                   (_still_there, _as_read, _complete_for_staging)),
    "send_back": Step(Action.CARD_SENT_BACK, frozenset({IN_REVIEW}), DRAFT, Permission.MODEL_REVIEW,
                      (_as_read, _by_a_person), reason_needed=True),
    "approve": Step(Action.CARD_APPROVED, frozenset({IN_REVIEW}), APPROVED, Permission.MODEL_REVIEW,
                    (_still_there, _as_read, _by_a_person, _by_another, _nothing_open, _complete_for_staging,
                     _in_step)),
    "archive": Step(Action.CARD_ARCHIVED, frozenset({DRAFT, APPROVED}), ARCHIVED, Permission.MODEL_DEPLOY,
                    (_as_read,), reason_needed=True),
    "restore": Step(Action.CARD_RESTORED, frozenset({ARCHIVED}), DRAFT, Permission.MODEL_DEPLOY, (_as_read,)),
}  # fmt: skip # what is not listed is refused


def take(step: str, reference: str, number: int, *, seen: str, by: User, reason: str = "") -> Card:
    """Take a step with the card of a version, as a person who read the revision of digest `seen`.

    Raises NotVisible, NotAllowed, WrongState, Conflict when another revision is the newest, RuleViolation, and
    InvalidInput (field "reason").
    """
    known = STEPS[step]
    with audit.attempt(known.action, by=grants.actor(by), target=Target("card", f"{reference} v{number}")) as trial:
        at = services.lock(trial, reference, number, by)
        card = _card(at)
        if not grants.allows(by, known.needed, at.version.model):
            message = _("This needs the permission %(permission)s on the model. Ask somebody who holds it.")
            raise NotAllowed(message % {"permission": known.needed})
        if card.state not in known.sources:
            message = _("This cannot be done with a card in this state: %(state)s.")
            raise WrongState(message % {"state": card.get_state_display()})
        for rule in known.rules:
            rule(at, seen)
        reason = text_from(reason, field="reason", needed=known.reason_needed)
        before, card.state = card.state, known.target
        if card.state == APPROVED:
            card.approved_number, card.approved_by, card.approved_at = card.number, by, timezone.now()
        card.save(update_fields=["state", "approved_number", "approved_by", "approved_at", "updated_at"])
        if card.state == APPROVED:
            writing_back.enqueue(card, requested_by=by.get_username())
        observers.tell(at.version)
        trial.done(reason=reason, revision=card.number, digest=card.digest, before={"state": before},
                   after={"state": str(card.state)})  # fmt: skip
    return card


def allowed(card: Card, by: User) -> list[str]:
    """Return the steps that a person may try on a card, by state and permission; rules may still refuse."""
    held = grants.held_permissions(by, card.version.model)
    return [name for name, step in STEPS.items() if card.state in step.sources and step.needed in held]


def _card(at: Writing) -> Card:
    if at.card is None:
        raise NotVisible(_("This version has no card yet. Start one: what MLflow knows is filled in."))
    return at.card
