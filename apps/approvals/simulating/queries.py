"""May X do Y on Z, and why? Reads what the services decide by, and decides nothing."""

from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext as _

from apps.accounts import chains, grants
from apps.accounts.chains import Answer
from apps.accounts.models import User
from apps.accounts.permissions import Permission
from apps.approvals import queries, transitions
from apps.approvals.models import UNDER_REVIEW, ApprovalRequest
from apps.approvals.transitions import TRANSITIONS, RequestAction
from apps.errors import NotAllowed, NotVisible
from apps.registry.models import RegisteredModel

MOST_REQUESTS = 5  # the newest; the rules of each ask for a few rows


@dataclass(frozen=True)
class AboutRequest:
    """One request under review, and what the person would be told on approving it; empty when it would count."""

    request: ApprovalRequest
    refusal: str


@dataclass(frozen=True)
class Simulated:
    """The answer about the permission, and about the model's requests where the permission is to review."""

    answer: Answer
    requests: list[AboutRequest]


def simulate(person: User, permission: Permission, model: RegisteredModel | None, *, by: User) -> Simulated:
    """Return whether `person` may do something, and why. Raises NotAllowed for others than oneself, but to admins.

    `model` is one that `by` may see; None asks about the whole registry. Chains on models out of sight of `by` are
    left out.
    """
    if person.pk != by.pk and not grants.allows(by, Permission.PEOPLE_MANAGE):
        raise NotAllowed(_("You can ask about yourself. About others, ask an admin who manages people."))
    answer = chains.may(person, permission, model)
    shown = {grant.pk for grant in chains.named([c.grant for c in (*answer.chains, *answer.nearly)], by)}
    for found in (answer.chains, answer.nearly):
        found[:] = [chain for chain in found if chain.grant.pk in shown]
    return Simulated(answer, _requests(person, model, by) if model and permission == Permission.MODEL_REVIEW else [])


def person_named(name: str, by: User) -> User:
    """Return the person with this user name, `by` when it is empty. Raises NotVisible."""
    if name in ("", by.get_username()):
        return by
    found = User.objects.filter(username=name).first() if grants.allows(by, Permission.PEOPLE_MANAGE) else None
    if found is None:
        raise NotVisible(_("There is nobody of this user name whom you can ask about."))
    return found


def _requests(person: User, model: RegisteredModel, by: Any) -> list[AboutRequest]:
    """Return the model's requests under review, as `by` sees them, each with the rules' answer to `person`."""
    approve = TRANSITIONS[RequestAction.APPROVE]
    rows = queries.visible_requests(by).filter(version__model=model, state__in=UNDER_REVIEW)
    rows = rows.prefetch_related(queries.reviews_in_order())[:MOST_REQUESTS]
    asked = User.objects.get(pk=person.pk)
    refusals = [(row, transitions.refusal(approve, row, asked)) for row in rows]
    return [AboutRequest(row, error.message if error else "") for row, error in refusals]
