"""Keeps beside a request what lists and the review queue find it by: who could still fill a seat, and how far it is.

Only a help to find requests: whether somebody may review is decided at the vote (rules.py), from what is so then.
"""

from datetime import timedelta

from django.utils import timezone

from apps.approvals import checks, eligibility, quorum
from apps.approvals.models import (
    UNDER_REVIEW,
    ApprovalPolicy,
    ApprovalRequest,
    BarredReviewer,
    OpenSeat,
    RequestState,
    Verdict,
)
from apps.approvals.quorum import Demand

ANYBODY = 0  # a person who could fill the rule that is tried, and no other; keys of people start at 1
LONGEST_NAME = 150  # of a user
LOOK_AGAIN = timedelta(seconds=30)  # how soon what waits for no vote is looked at again, see refreshing.py


def note(request: ApprovalRequest) -> None:
    """Write anew who could bring the request further, and its tally.

    In the caller's transaction, with the request locked: after whatever changes its votes, its evidence, its checks or
    its state.
    """
    OpenSeat.objects.filter(request=request).delete()
    BarredReviewer.objects.filter(request=request).delete()
    if request.policy is None or request.closed_at:
        return
    demands, votes, several = eligibility.demands(request), eligibility.counted(request), request.policy.several_rules
    request.tally = {
        "given": _size(quorum.seats(demands, votes, several=several)),
        "needed": sum(row.needed for row in demands),
        "checks": len(checks.unmet(request)),
    }
    request.look_at = timezone.now() + LOOK_AGAIN if _ripe(request, demands) else None
    ApprovalRequest.objects.filter(pk=request.pk).update(tally=request.tally, look_at=request.look_at)
    if request.state in UNDER_REVIEW:
        _open(request, request.policy, wanting(demands, votes, several=several))


def _ripe(request: ApprovalRequest, demands: list[Demand]) -> bool:
    """Return whether the request can move without another vote: it is approved, or enough people have approved.

    Counted are votes that stand: one of somebody who may not review now counts again when they may.
    """
    if request.state != RequestState.OPEN or not demands:
        return request.state == RequestState.APPROVED and not request.expedited
    least = (max if request.policy and request.policy.several_rules else sum)(row.needed for row in demands)
    return request.reviews.filter(standing=True, verdict=Verdict.APPROVE).count() >= least


def wanting(demands: list[Demand], votes: list[int], *, several: bool = False) -> set[int]:
    """Return the rules that one more person, able to fill that rule alone, would bring further.

    Somebody who could fill several rules brings the request further exactly when one of those is among them.
    """
    given = _size(quorum.seats(demands, votes, several=several))
    return {
        tried.rule
        for tried in demands
        if _size(quorum.seats([_with_anybody(row, tried) for row in demands], [*votes, ANYBODY], several=several))
        > given
    }


def _with_anybody(row: Demand, tried: Demand) -> Demand:
    return Demand(row.rule, row.needed, row.people | {ANYBODY}) if row is tried else row


def _size(filled: dict[int, list[int]]) -> int:
    return sum(len(people) for people in filled.values())


def _open(request: ApprovalRequest, policy: ApprovalPolicy, wanted: set[int]) -> None:
    """Store the groups of the rules that want somebody, and who may not be that in spite of their duty."""
    groups = {rule.group_id for rule in policy.rules.all() if rule.pk in wanted}
    OpenSeat.objects.bulk_create(OpenSeat(request=request, group_id=group) for group in groups)
    names = {name for name in eligibility.barred(request) if len(name) <= LONGEST_NAME}
    BarredReviewer.objects.bulk_create(BarredReviewer(request=request, username=name) for name in sorted(names))
