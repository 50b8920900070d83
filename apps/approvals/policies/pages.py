"""What the pages of policies and freezes show, put together from queries. Nothing decides."""

from datetime import date
from typing import Any

from django.utils import timezone
from django.utils.translation import gettext as _

from apps.accounts.assurance import SignWith
from apps.accounts.factors.rules import without_factor
from apps.accounts.models import User
from apps.approvals.models import ApprovalPolicy, PolicyState
from apps.approvals.policies import content, freeze_calendar, freezes, publishing, queries, sentences
from apps.approvals.policies.governing import Outlook, outlook
from apps.approvals.policies.selecting import scope_words, target_words

HISTORY_ROWS = 50
REQUEST_ROWS = 20
STAGES = ("Production", "Staging", "Archived", "None")


def list_context(user: User) -> dict[str, Any]:
    """Return the policies in force by target and scope, the drafts, and the last of the history."""
    rows = queries.visible_policies(user)
    return {
        "in_force": sorted(rows.filter(state=PolicyState.PUBLISHED), key=_place),
        "drafts": list(rows.filter(state=PolicyState.DRAFT)),
        "retired": list(rows.filter(state=PolicyState.RETIRED)[:HISTORY_ROWS]),
        "closed": _closed(rows.filter(state=PolicyState.PUBLISHED)),
        "freezes": list(freezes.visible(user).filter(pk__in=freezes.standing(timezone.now()).values("pk"))),
    }


def detail_context(policy: ApprovalPolicy, user: User) -> dict[str, Any]:
    """Return everything about one policy: what it says, who could sign, what follows it, what one may do."""
    draft, manages, could = policy.state == PolicyState.DRAFT, queries.manages(user), outlook(policy, by=user)
    return {
        "policy": policy,
        "draft": draft,
        "title": title(policy),
        "checks": sentences.check_names(policy),
        "excluded": sentences.exclusions(policy),
        "times": sentences.times(policy),
        "effects": sentences.effects(policy),
        "signing": sentences.signing(policy),
        "outlook": could,
        "factorless": _factorless(policy, could) if manages else [],
        "requests": [] if draft else list(queries.requests_under(policy, user)[:REQUEST_ROWS]),
        "manages": manages,
        "may_publish": publishing.may_publish(policy, user),
        "digest": content.digest(policy) if draft else "",
    }


def _factorless(policy: ApprovalPolicy, could: Outlook) -> list[User]:
    """Return who could sign and would be told to add a second factor first: for whoever manages policies."""
    if policy.asks is not SignWith.FACTOR:
        return []
    people = {person.pk: person for slot in could.slots for person in slot.people}
    return without_factor(people.values())


def title(policy: ApprovalPolicy) -> str:
    """Name a policy for people: "Production · all models"."""
    return _("%(target)s · %(scope)s") % {"target": target_words(policy), "scope": scope_words(policy)}


def freeze_context(user: User, begin: date) -> dict[str, Any]:
    """Return the calendar from a month on, and the freezes that hold or are still to come."""
    now = timezone.now()
    from_, to = freeze_calendar.span(begin)
    seen = freezes.visible(user)
    shown = [row for row in seen.filter(starts_at__lt=to, ends_at__gt=from_)[:500] if freeze_calendar.ends(row) > from_]
    standing = seen.filter(pk__in=freezes.standing(now).values("pk"))
    return {
        "months": freeze_calendar.months(begin, shown, now.date()),
        "standing": list(standing[:200]),
        "past": [row for row in shown if freeze_calendar.ends(row) <= now],
        "earlier": freeze_calendar.shifted(begin, -freeze_calendar.MONTHS),
        "later": freeze_calendar.shifted(begin, freeze_calendar.MONTHS),
        "manages": queries.manages(user),
        "now": now,
    }


def _place(policy: ApprovalPolicy) -> tuple[int, str, int, str]:
    """Return where a policy stands in the list: by target, then from all models to a single one."""
    target = STAGES.index(policy.stage) if policy.stage in STAGES else 5 if policy.alias else 6
    level = 3 if policy.model_id else 2 if policy.tag_key else 1 if policy.risk else 0
    return target, policy.alias, level, scope_words(policy)


def _closed(in_force: Any) -> list[str]:
    """Return the stages that no policy for all models governs: most models cannot move there."""
    general = set(in_force.filter(model=None, risk="", tag_key="", alias="").values_list("stage", flat=True))
    return [] if "" in general else [stage for stage in STAGES if stage not in general]
