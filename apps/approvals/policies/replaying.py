"""A dry run: what a policy would have said of what was let through before it. It changes nothing."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db.models import QuerySet, prefetch_related_objects
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from apps.accounts.assurance import is_enough
from apps.accounts.models import User
from apps.approvals import quorum
from apps.approvals.models import (
    ApprovalPolicy,
    ApprovalRequest,
    PolicyRule,
    RequestState,
    Review,
    Verdict,
)
from apps.approvals.policies.batches import excluded_from, members_of
from apps.approvals.policies.selecting import choose, published, same_scope
from apps.approvals.policies.solving import rule_name
from apps.registry.queries import visible_models

LET_THROUGH = (RequestState.APPROVED, RequestState.APPLYING, RequestState.APPLY_FAILED, RequestState.APPLIED)
LOOKED_AT = 200  # the newest requests that were let through
MET = ("pass", "waived", "not_applicable")


@dataclass(frozen=True)
class Replayed:
    """One request of the past, and why the policy would have blocked it; no reasons: it would have passed."""

    request: ApprovalRequest
    reasons: list[str]


@dataclass(frozen=True)
class DryRun:
    """The requests that the policy would have governed, newest first."""

    replayed: list[Replayed] = field(default_factory=list)
    weaker: int = 0  # of those that stood, how many approvals were confirmed by less than the policy asks for

    @property
    def blocked(self) -> list[Replayed]:
        """Those that it would have blocked."""
        return [row for row in self.replayed if row.reasons]

    @property
    def sentence(self) -> str:
        """The result in a sentence: "would have blocked 7 of 41"."""
        total, blocked = len(self.replayed), len(self.blocked)
        if not total:
            return _("No request that this policy would have governed was let through yet, so there is nothing to try.")
        text = ngettext(
            "Would have blocked %(blocked)s of the %(total)s request that was let through.",
            "Would have blocked %(blocked)s of the %(total)s requests that were let through.",
            total,
        )
        return text % {"blocked": blocked, "total": total}

    @property
    def signing(self) -> str:
        """Say how many approvals were confirmed by less than the policy asks for; empty: none was.

        It blocks nothing in a dry run: whoever signed would have been asked for more, and may have had it.
        """
        text = ngettext(
            "%(number)s approval was signed with less than it asks for. Its giver would have been asked for more.",
            "%(number)s approvals were signed with less than it asks for. Their givers would have been asked for more.",
            self.weaker,
        )
        return text % {"number": self.weaker} if self.weaker else ""


def dry_run(policy: ApprovalPolicy, *, by: User) -> DryRun:
    """Return what `policy` would have said of the newest requests that were let through and that `by` may see.

    Votes count as they stood, by whoever would not be excluded; who is in a group is known only as of now. The number
    of queries does not depend on the number of requests.
    """
    prefetch_related_objects([policy], "rules__group")
    rules = list(policy.rules.all())
    requests = _governed(policy, by)
    approvals = _approvals(requests)
    votes = _votes(approvals)
    members = members_of(rules)
    barred = excluded_from(policy, [request.version for request in requests])
    return DryRun(
        [
            Replayed(
                request,
                [
                    *_unfilled(policy, rules, _able(request, votes, barred), members),
                    *_unchecked(policy, request),
                ],
            )
            for request in requests
        ],
        weaker=sum(not is_enough(row.confirmed_with, policy.asks) for row in approvals),
    )


def _governed(policy: ApprovalPolicy, by: User) -> list[ApprovalRequest]:
    """Return the requests let through that would have followed `policy`, had it been in force beside the others."""
    others = [row for row in published() if row.pk != policy.pk and not same_scope(row, policy)]
    requests = _let_through(by)
    if policy.stage or policy.alias:
        requests = requests.filter(to_stage=policy.stage, alias=policy.alias)
    if policy.model_id:
        requests = requests.filter(version__model=policy.model_id)
    return [
        request
        for request in requests[:LOOKED_AT]
        if choose([*others, policy], request.version.model, request.to_stage, request.alias).policy == policy
    ]


def _let_through(by: User) -> QuerySet[ApprovalRequest]:
    kept = (
        "state", "to_stage", "alias", "requester_id", "checks", "approved_at", "closed_at", "updated_at", "bypassed",
        "version__number", "version__tags", "version__run", "version__model__name", "version__model__tags",
        "version__model__risk", "version__model__connection",
    )  # fmt: skip
    requests = ApprovalRequest.objects.filter(state__in=LET_THROUGH, version__model__in=visible_models(by))
    return requests.select_related("version__model__connection").only(*kept).order_by("-id")


def _approvals(requests: Iterable[ApprovalRequest]) -> list[Review]:
    """Return the approvals that stood when their requests were let through, oldest first."""
    ended = {request.pk: request.approved_at or request.closed_at for request in requests}
    given = Review.objects.filter(request__in=ended, verdict=Verdict.APPROVE)
    return [
        row
        for row in given.select_related("reviewer", "counts_for").order_by("id")
        if row.standing or _stood(row, ended[row.request_id])
    ]


def _stood(row: Review, at: datetime | None) -> bool:
    return bool(at and row.created_at <= at and row.dismissed_at and row.dismissed_at > at)


def _votes(approvals: Iterable[Review]) -> dict[int, dict[int, set[str]]]:
    """Return for each request its approvals: person → the names behind the word."""
    found: dict[int, dict[int, set[str]]] = {}
    for row in approvals:
        names = {row.reviewer.get_username(), row.counts_for.get_username()}
        found.setdefault(row.request_id, {})[row.counts_for_id] = names
    return found


def _able(
    request: ApprovalRequest, votes: dict[int, dict[int, set[str]]], barred: dict[int, set[str]]
) -> frozenset[int]:
    """Return who approved and would not have been excluded, neither they nor whom they spoke for."""
    given, out = votes.get(request.pk, {}), barred[request.version_id]
    return frozenset(key for key, names in given.items() if not names & out and key != request.requester_id)


def _unfilled(
    policy: ApprovalPolicy, rules: list[PolicyRule], able: frozenset[int], members: dict[int, frozenset[int]]
) -> list[str]:
    """Say which rules the votes of the past would not have filled."""
    demands = [
        quorum.Demand(rule.pk, rule.needed, able & members[rule.group_id] if rule.group_id else able) for rule in rules
    ]
    filled = quorum.seats(demands, able, several=policy.several_rules)
    return [_unfilled_sentence(rule, len(filled[rule.pk])) for rule in rules if len(filled[rule.pk]) < rule.needed]


def _unfilled_sentence(rule: PolicyRule, given: int) -> str:
    names = {"rule": rule_name(rule), "given": given, "needed": rule.needed}
    if rule.group_id:
        return _("“%(rule)s”: %(given)s of %(needed)s, by who is in the group now.") % names
    return _("“%(rule)s”: %(given)s of %(needed)s.") % names


def _unchecked(policy: ApprovalPolicy, request: ApprovalRequest) -> list[str]:
    """Say which required checks had not passed by what was stored with the decision."""
    stored: dict[str, dict[str, Any]] = {row["name"]: row for row in request.checks}
    sentences = []
    for name in policy.required_checks:
        row = stored.get(name)
        if row is None:
            sentences.append(_("Check “%(check)s” was not carried out then.") % {"check": name})
        elif row["outcome"] not in MET:
            sentences.append(_("Check “%(check)s” had not passed.") % {"check": row.get("label", name)})
    return sentences
