"""What the page of a person shows of approvals: who reviews for whom, and what they decided lately."""

from typing import Any

from django import template

from apps.accounts.models import User
from apps.approvals.delegating import queries as delegating
from apps.approvals.models import Review
from apps.approvals.visibility import requests_seen_by

register = template.Library()
MOST_SHOWN = 10


@register.inclusion_tag("approvals/_person_delegations.html")
def person_delegations(person: User, by: User) -> dict[str, Any]:
    """List who reviews for this person and for whom they review, now or soon, as far as `by` may know."""
    rows = delegating.of_person(delegating.current(delegating.visible_delegations(by)), person.get_username())
    found = list(rows[: MOST_SHOWN + 1])
    return {"person": person, "delegations": found[:MOST_SHOWN], "more": len(found) > MOST_SHOWN}


@register.inclusion_tag("approvals/_person_decisions.html")
def person_decisions(person: User, by: User) -> dict[str, Any]:
    """List the newest reviews of this person, on the requests that `by` may see."""
    rows = Review.objects.filter(reviewer=person, request__in=requests_seen_by(by)).order_by("-id")
    rows = rows.select_related("request__version__model", "counts_for")
    return {"person": person, "reviews": list(rows[:MOST_SHOWN])}
