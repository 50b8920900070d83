"""Which fields must be settled, as admins publish it: sets are added, and the newest one governs."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import QuerySet, Subquery
from django.utils.translation import gettext as _

from apps.accounts import grants
from apps.accounts.guards import lock_people
from apps.accounts.models import User
from apps.accounts.permissions import Permission
from apps.audit import services as audit
from apps.audit.actions import Action
from apps.audit.services import Target
from apps.errors import Conflict, InvalidInput, NotAllowed, NotVisible, RuleViolation
from apps.modelcards import guards, rules
from apps.modelcards.guards import RequirementChange
from apps.modelcards.models import Card, RequirementSet
from apps.texts import text_from

NEEDED = Permission.POLICY_MANAGE


@dataclass(frozen=True)
class Requirements:
    """A requirement set; number 0 is the built-in one."""

    number: int
    levels: rules.Levels


def current(at: datetime | None = None) -> Requirements:
    """Return the set that governs, or that governed at a moment. One query."""
    sets = RequirementSet.objects.order_by("-number")
    row = (sets.filter(published_at__lte=at) if at else sets).first()
    return _of(row.number, row.levels) if row else _of(0, {})


def beside(cards: QuerySet[Card]) -> QuerySet[Card]:
    """Let a query of cards bring the set that governs along, for asked_of(): no query of its own."""
    newest = RequirementSet.objects.order_by("-number")
    return cards.annotate(
        asked_number=Subquery(newest.values("number")[:1]), asked_levels=Subquery(newest.values("levels")[:1])
    )


def asked_of(card: Any) -> Requirements:
    """Return the set that governed when a card was read through beside()."""
    return _of(card.asked_number or 0, card.asked_levels or {})


def _of(number: int, levels: rules.Levels) -> Requirements:
    return Requirements(number, {**rules.built_in(), **levels})


def published(number: int | None = None) -> RequirementSet:
    """Return a set, the newest one without a number; 0, or where none was published: the built-in one, unsaved.

    Raises NotVisible.
    """
    sets = RequirementSet.objects.select_related("published_by").order_by("-number")
    found = sets.first() if number is None else sets.filter(number=min(number, 2**31 - 1)).first()
    if found is None and number:
        raise NotVisible(_("There is no requirement set %(number)s.") % {"number": number})
    return found or RequirementSet(number=0, levels={}, reason="")


def publish(levels: Any, *, reason: str, seen: int, by: User) -> RequirementSet:
    """Publish a set as a person; it governs at once. `seen`: the number of the set that it was made from.

    Raises NotAllowed without `policy:manage`, RuleViolation for a service account or where a guard objects
    (guards.py), InvalidInput (fields "levels", "reason"), and Conflict when another set was published meanwhile, or
    when nothing would change.
    """
    target = Target("requirement_set", "a new requirement set")
    with audit.attempt(Action.CARD_REQUIREMENTS_PUBLISHED, by=grants.actor(by), target=target) as trial:
        if by.is_service:
            raise RuleViolation(_("A service account publishes no requirements. A person has to do this."))
        if not grants.allows(by, NEEDED):
            raise NotAllowed(_("Requirements of cards need the permission to manage policies. Ask an admin."))
        lock_people(by.pk)  # whoever asks for a promotion locks the same person first
        wanted, why = _levels(levels), text_from(reason, field="reason")
        before = current()
        if before.number != seen:
            message = _("Set %(number)s was published while you were editing. Look at it, then make your change again.")
            raise Conflict(message % {"number": before.number})
        if wanted == before.levels:
            raise Conflict(_("This set asks for the same as the one that governs. There is nothing to publish."))
        guards.ask(RequirementChange(by, before.levels, wanted))
        row = _add(before.number + 1, wanted, why, by)
        target.name = str(row)
        trial.done(reason=why, before=_differing(before.levels, wanted), after=_differing(wanted, before.levels))
    return row


def _levels(levels: Any) -> dict[str, dict[str, str]]:
    try:
        return rules.check_levels(levels)
    except ValueError as error:
        message = _("Levels are S, P or - for each field and tier; this one is not: %(what)s.")
        raise InvalidInput(message % {"what": error}, field="levels") from None


def _add(number: int, levels: dict[str, Any], reason: str, by: User) -> RequirementSet:
    try:
        with transaction.atomic():
            return RequirementSet.objects.create(number=number, levels=levels, reason=reason, published_by=by)
    except IntegrityError:
        raise Conflict(_("Somebody else published a set in this moment. Look at it, then try again.")) from None


def _differing(levels: rules.Levels, other: rules.Levels) -> dict[str, Any]:
    return {name: dict(by_tier) for name, by_tier in levels.items() if dict(by_tier) != dict(other.get(name, {}))}
