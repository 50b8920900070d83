"""Whose review of a request counts: asked at every vote, and once more before the write.

A review counts for one person: whoever gives it, or the one for whom a delegate gives it. Exclusions apply to both.
"""

from collections.abc import Callable
from enum import StrEnum

from django.contrib.auth.models import Group
from django.db.models import Exists, F, OuterRef, Q, QuerySet
from django.utils import timezone

from apps.accounts import grants
from apps.accounts import sponsors as sponsoring
from apps.accounts.models import User
from apps.accounts.permissions import Permission
from apps.approvals import quorum
from apps.approvals.at_once import once_while_looking
from apps.approvals.models import ApprovalPolicy, ApprovalRequest, Condition, Delegation, PolicyRule, Review, Verdict
from apps.registry.models import ModelVersion

TRAINER_TAG = "mlflow.user"
COUNTS = frozenset({Permission.MODEL_REVIEW, Permission.MODEL_READ})  # what a review must be given with


class Exclusion(StrEnum):
    """Why somebody's review of a request never counts, whatever their role."""

    REQUESTER = "requester"
    SPONSOR = "sponsor"  # of the service account that asked: they made it, or know a token of it
    RUN_OWNER = "run_owner"
    REGISTRANT = "registrant"
    LAST_EDITOR = "last_editor"


def registrants(version: ModelVersion) -> set[str]:
    """Return the user names under which MLflow knows who registered the version."""
    return _names((version.tags or {}).get(TRAINER_TAG))


def run_owners(version: ModelVersion) -> set[str]:
    """Return the user names under which MLflow knows who ran the training."""
    run = version.run or {}
    return _names(run.get("user"), (run.get("tags") or {}).get(TRAINER_TAG))


def trainers(version: ModelVersion) -> set[str]:
    """Return the user names of whoever made the version: ran the training or registered it."""
    return registrants(version) | run_owners(version)


def pinned_makers(request: ApprovalRequest) -> dict[str, set[str]]:
    """Return whom MLflow named as registrant or run owner at any time since the request was made."""
    pinned = request.evidence.get("makers", {}).get("pinned", {})
    return {part: set(pinned.get(part, ())) for part in ("registrants", "run_owners")}


def makers(request: ApprovalRequest) -> set[str]:
    """Return the user names of whoever made a request's version, as MLflow says now or said since it was asked."""
    return trainers(request.version).union(*pinned_makers(request).values())


@once_while_looking
def last_editors(version: ModelVersion) -> set[str]:
    """Return the user name of who last wrote a part of the evidence through Assent: reported a check of the version."""
    reports = version.external_checks.filter(current=True).order_by("-id")
    return set(reports.values_list("reporter__username", flat=True)[:1])


@once_while_looking
def sponsors(request: ApprovalRequest) -> set[str]:
    """Return the user names of who could act as the service account that asked, since the request was made.

    Of what a person asked for nobody: they asked themselves.
    """
    if not request.requester.is_service:
        return set()
    return set(sponsoring.sponsors(request.requester_id, request.created_at).values_list("username", flat=True))


def excluded(policy: ApprovalPolicy, version: ModelVersion) -> set[str]:
    """Return the user names that a policy keeps from signing this version, beside the requester."""
    return {
        *(registrants(version) if policy.exclude_registrant else ()),
        *(run_owners(version) if policy.exclude_run_owner else ()),
        *(last_editors(version) if policy.exclude_last_editor else ()),
    }


def barred(request: ApprovalRequest) -> set[str]:
    """Return the user names that are kept from signing a request, beside the requester: by its policy, and as sponsors.

    Whoever MLflow named as a maker when it was asked stays one, whatever MLflow says since.
    """
    policy, pinned = request.policy, pinned_makers(request)
    if policy is None:
        return set()
    return {
        *sponsors(request),
        *excluded(policy, request.version),
        *(pinned["registrants"] if policy.exclude_registrant else ()),
        *(pinned["run_owners"] if policy.exclude_run_owner else ()),
    }


def exclusion(user: User, request: ApprovalRequest) -> Exclusion | None:
    """Return what keeps a person from signing this request, or None."""
    if user.pk == request.requester_id:
        return Exclusion.REQUESTER
    policy, version, name = request.policy, request.version, user.get_username()
    if name in sponsors(request):
        return Exclusion.SPONSOR
    if policy is None:
        return None
    pinned = pinned_makers(request)
    if policy.exclude_run_owner and name in run_owners(version) | pinned["run_owners"]:
        return Exclusion.RUN_OWNER
    if policy.exclude_registrant and name in registrants(version) | pinned["registrants"]:
        return Exclusion.REGISTRANT
    return Exclusion.LAST_EDITOR if policy.exclude_last_editor and name in last_editors(version) else None


def trained_by(user: User) -> QuerySet[ModelVersion]:
    """Return the versions that name `user` among their `trainers`."""
    name = user.get_username()
    by_tag = Q(**{f"run__tags__{TRAINER_TAG}": name}) | Q(**{f"tags__{TRAINER_TAG}": name})
    return ModelVersion.objects.filter(Q(run__user=name) | by_tag)


def eligible_reviewers(request: ApprovalRequest) -> QuerySet[User]:
    """Return the active people whose review of this request counts for one of its rules.

    They hold the reviewer's duty on the model, are in the rule's group if it names one, and are not excluded: nobody
    signs what they asked for, by themselves or through a service account, and the policy says whether who made the
    version or wrote its evidence may.
    """
    people = reviewers_under(request.policy, request.version, requester_id=request.requester_id)
    return people.exclude(username__in=barred(request))


def reviewers_under(policy: ApprovalPolicy | None, version: ModelVersion, *, requester_id: int) -> QuerySet[User]:
    """Return whose review would count for a rule of `policy`, if `requester_id` asked to move `version`."""
    if policy is None:
        return User.objects.none()
    people = grants.holders(Permission.MODEL_REVIEW, version.model)
    people = people.filter(pk__in=grants.holders(Permission.MODEL_READ, version.model).values("pk"))
    sponsors = sponsoring.sponsors(requester_id, timezone.now())
    people = people.exclude(pk=requester_id).exclude(pk__in=sponsors.values("pk"))
    people = people.exclude(username__in=excluded(policy, version))
    rules = policy.rules.all()
    if any(rule.group_id is None for rule in rules):
        return people
    return people.filter(groups__in=[rule.group_id for rule in rules]).distinct()


@once_while_looking
def demands(request: ApprovalRequest) -> list[quorum.Demand]:
    """Return what each rule of the request's policy wants, and who could fill it at this moment."""
    return _demands(request.policy, able(request))


def demands_under(policy: ApprovalPolicy | None, version: ModelVersion, *, requester_id: int) -> list[quorum.Demand]:
    """Return what each rule of `policy` wants, and who could fill it, if `requester_id` asked to move `version`."""
    people = reviewers_under(policy, version, requester_id=requester_id).values_list("pk", flat=True)
    return _demands(policy, frozenset(people))


@once_while_looking
def counted(request: ApprovalRequest) -> list[int]:
    """Return the keys of the people for whom an approval counts at this moment, in the order of the approvals.

    Left out: those of people who may no longer give one, and those with a condition that is overdue.
    """
    due = Q(revoked_at__isnull=False) | Q(due_at__lte=timezone.now())
    overdue = Condition.objects.filter(due, review=OuterRef("pk"), met_at=None)
    approvals = request.reviews.filter(~Exists(overdue), standing=True, verdict=Verdict.APPROVE).order_by("id")
    heard = _heard(request)
    return [voice for giver, voice in approvals.values_list("reviewer", "counts_for") if heard(giver, voice)]


@once_while_looking
def able(request: ApprovalRequest) -> frozenset[int]:
    """Return the keys of the people whose review of this request counts at this moment: `eligible_reviewers`."""
    if request.policy is None:
        return frozenset()
    names, kept = grants.names_of_holders(COUNTS, request.version.model), barred(request)
    people = {key for key, name in names.items() if key != request.requester_id and name not in kept}
    groups = [rule.group_id for rule in request.policy.rules.all()]
    if None in groups:
        return frozenset(people)
    members = _members([group for group in groups if group])
    return frozenset(people.intersection(set().union(*members.values())))


@once_while_looking
def people(request: ApprovalRequest) -> dict[int, User]:
    """Return the people who could fill a rule of the request, by key, in the order of their user names."""
    keys = {key for row in demands(request) for key in row.people}
    named = User.objects.only("username", "first_name", "last_name", "is_service")
    return {person.pk: person for person in named.filter(pk__in=keys).order_by("username")}


@once_while_looking
def given_for_others(request: ApprovalRequest) -> bool:
    """Return whether anybody's word on this request was given by somebody else."""
    return request.reviews.exclude(reviewer=F("counts_for")).exists()


def seats(request: ApprovalRequest) -> dict[int, list[int]]:
    """Return for each rule of the request who fills it, by user key: approvals that count at this moment."""
    several = bool(request.policy and request.policy.several_rules)
    return quorum.seats(demands(request), counted(request), several=several)


def enough_approvals(request: ApprovalRequest) -> bool:
    """Return whether every rule is filled, counting only those who may sign at this moment."""
    return quorum.complete(demands(request), seats(request))


def lapsed_reviews(request: ApprovalRequest, *verdicts: Verdict) -> list[Review]:
    """Return the standing reviews of people who may no longer give one, in order; the next review dismisses them.

    With `verdicts`, only those that say one of these.
    """
    standing = request.reviews.filter(standing=True).select_related("reviewer").order_by("id")
    reviews = list(standing.filter(verdict__in=verdicts) if verdicts else standing)
    heard = _heard(request) if reviews else None
    return [review for review in reviews if heard and not heard(review.reviewer_id, review.counts_for_id)]


def speakers(request: ApprovalRequest) -> QuerySet[User]:
    """Return the active people who may speak for somebody else on this request: readers of the model, not excluded.

    Never a service account; whose review counts (`reviewers_under`) is never one either, for none holds that duty.
    """
    readers = grants.holders(Permission.MODEL_READ, request.version.model).exclude(pk=request.requester_id)
    readers = readers.filter(is_service=False)
    return readers.exclude(username__in=barred(request)) if request.policy else readers.none()


def scopes_of(request: ApprovalRequest, person: User) -> list[str]:
    """Return what of the evidence a person's vote is about: the scopes of the rules that they could fill.

    Empty: everything, as soon as one of those rules is about everything.
    """
    could = {row.rule for row in demands(request) if person.pk in row.people}
    scopes = [rule.scopes for rule in request.policy.rules.all() if rule.pk in could] if request.policy else []
    return sorted({scope for row in scopes for scope in row}) if scopes and all(scopes) else []


def _heard(request: ApprovalRequest) -> Callable[[int, int], bool]:
    """Return whether a review counts at this moment, asked by the keys of who gave it and of whom it counts for.

    What was said for somebody falls when they take their word back; that the delegation has run out since does no harm.
    """
    counts, lent = able(request), _lent(request) if given_for_others(request) else frozenset()
    return lambda giver, voice: voice in counts and (giver == voice or (giver, voice) in lent)


def _lent(request: ApprovalRequest) -> frozenset[tuple[int, int]]:
    """Return who may speak for whom on this request: keys of delegate and delegator."""
    here = Q(model=None) | Q(model=request.version.model_id)
    lent = Delegation.objects.filter(here, revoked_at=None, delegate__in=speakers(request).values("pk"))
    return frozenset(lent.values_list("delegate", "delegator"))


def _demands(policy: ApprovalPolicy | None, able: frozenset[int]) -> list[quorum.Demand]:
    rules = list(policy.rules.all()) if policy else []
    members = _members([rule.group_id for rule in rules if rule.group_id])
    return [_demand(rule, able, members) for rule in rules]


def _demand(rule: PolicyRule, able: frozenset[int], members: dict[int, set[int]]) -> quorum.Demand:
    people = able & members.get(rule.group_id, set()) if rule.group_id else able
    return quorum.Demand(rule.pk, rule.needed, frozenset(people))


def _members(group_ids: list[int]) -> dict[int, set[int]]:
    """Return who is in each group, in one query."""
    found: dict[int, set[int]] = {}
    if not group_ids:
        return found
    for group, person in Group.objects.filter(pk__in=group_ids).values_list("pk", "user"):
        found.setdefault(group, set()).add(person)
    return found


def _names(*named: object) -> set[str]:
    return {name for name in named if isinstance(name, str) and name}
