"""Reading requests: lists, the queue, what a person may do, and why a request does not move. Constant query counts."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from django.db.models import Exists, OuterRef, Prefetch, Q, QuerySet
from django.utils.translation import gettext as _

from apps.accounts import grants
from apps.accounts.models import User
from apps.accounts.permissions import Permission
from apps.approvals import blockers, eligibility
from apps.approvals.models import (
    UNDER_REVIEW,
    UNFINISHED,
    ApprovalPolicy,
    ApprovalRequest,
    PolicyRule,
    PolicyState,
    RequestState,
    Review,
    Verdict,
)
from apps.approvals.transitions import TRANSITIONS, RequestAction, refusal
from apps.errors import NotVisible
from apps.registry.queries import DETAILS, visible_models

BIG = ("evidence", "checks", "baseline", *(f"version__{name}" for name in DETAILS))  # lists leave them in the database


@dataclass(frozen=True)
class ActionOffer:
    """An action that the request's state allows; `refusal` says why this person may not take it, None if they may."""

    action: RequestAction
    label: str
    refusal: str | None
    comment_needed: bool = False


def visible_requests(user: Any) -> QuerySet[ApprovalRequest]:
    """The requests on models that `user` may read, newest first, with version, model, requester and policy."""
    return (
        ApprovalRequest.objects.filter(version__model__in=visible_models(user))
        .select_related("version__model", "requester", "policy")
        .prefetch_related("policy__rules__group")
        .order_by("-id")
    )


def get_request(user: Any, number: int) -> ApprovalRequest:
    """One request with its reviews in order. Raises NotVisible."""
    found = visible_requests(user).prefetch_related(_reviews()).filter(pk=number).first() if number < 2**63 else None
    if found is None:
        raise NotVisible(_("There is no request %(number)s, or you may not see it.") % {"number": number})
    return found


def waiting_for(user: Any) -> QuerySet[ApprovalRequest]:
    """The requests that `user` can review and has not, oldest first."""
    reviewed = Review.objects.filter(request=OuterRef("pk"), reviewer=user, standing=True)
    under_review = ApprovalRequest.objects.filter(state__in=UNDER_REVIEW)
    concerned = visible_models(user).filter(  # a few: not every model is looked at
        deleted_at=None, pk__in=under_review.values("version__model")
    )
    return (
        under_review.filter(
            Exists(_rules_for(user)),
            version__deleted_at=None,
            version__model__in=grants.visible_to(user, concerned, Permission.MODEL_REVIEW),
        )
        .exclude(requester=user)
        .exclude(Exists(reviewed))
        .exclude(Exists(eligibility.trained_by(user).filter(pk=OuterRef("version"))))
        .select_related("version__model", "requester", "policy")
        .prefetch_related("policy__rules__group")
        .order_by("id")
    )


def _rules_for(user: Any) -> QuerySet[PolicyRule]:
    """The rules of a request's policy that `user` could fill, exclusions not looked at."""
    theirs = Q(group=None) | Q(group__in=user.groups.values("pk"))
    return PolicyRule.objects.filter(theirs, policy=OuterRef("policy"))


def open_requests_for(model_ids: Iterable[int]) -> QuerySet[ApprovalRequest]:
    """The unfinished requests on these models, newest first. The caller has checked that they are visible."""
    requests = ApprovalRequest.objects.filter(version__model__in=model_ids, state__in=UNFINISHED)
    return (
        requests.select_related("version__model", "requester", "policy")
        .prefetch_related("policy__rules__group")
        .order_by("-id")
    )


def requests_by_version(version_ids: Iterable[int]) -> dict[int, list[ApprovalRequest]]:
    """Every request on these versions, newest first, by version, in one query; versions without one are left out."""
    found: dict[int, list[ApprovalRequest]] = {}
    requests = ApprovalRequest.objects.filter(version__in=version_ids).select_related("requester", "policy")
    for request in requests.order_by("-id"):
        found.setdefault(request.version_id, []).append(request)
    return found


def applied_request_for(version_id: int, stage: str | None = None) -> ApprovalRequest | None:
    """The request that last moved this version (to `stage`), with its reviews: who decided, and why."""
    applied = ApprovalRequest.objects.filter(version=version_id, state=RequestState.APPLIED)
    applied = applied.filter(to_stage=stage) if stage else applied
    return applied.select_related("requester").prefetch_related(_reviews()).order_by("-closed_at", "-id").first()


def visible_policies(user: Any) -> QuerySet[ApprovalPolicy]:
    """The policies of stages, and of models that `user` may see, newest first, retired ones included."""
    policies_seen = ApprovalPolicy.objects.filter(Q(model=None) | Q(model__in=visible_models(user)))
    rules = Prefetch("rules", PolicyRule.objects.select_related("group"))
    published = policies_seen.exclude(state=PolicyState.DRAFT)
    return published.select_related("model").prefetch_related(rules).order_by("-id")


def allowed_actions(request: ApprovalRequest, user: Any) -> list[ActionOffer]:
    """What the request's state allows, each with why `user` may not do it, or None: the answer that `act` gives."""
    offers = []
    for row in TRANSITIONS.values():
        if request.state not in row.sources:
            continue
        error = refusal(row, request, user)
        if error and row.quiet:
            continue
        offers.append(ActionOffer(row.action, str(row.label), error.message if error else None, row.comment_needed))
    return offers


def who_could_approve(request: ApprovalRequest) -> list[User]:
    """The people whose approval would count and is not given yet, by name.

    Where only an objection that lapsed is in the way, those who approved before may do so again.
    """
    people = eligibility.eligible_reviewers(request).order_by("username")
    if eligibility.lapsed_reviews(request).filter(verdict=Verdict.REQUEST_CHANGES).exists():
        return list(people)
    approved = request.reviews.filter(standing=True, verdict=Verdict.APPROVE).values("reviewer")
    return list(people.exclude(pk__in=approved))


def why_blocked(request: ApprovalRequest) -> list[str]:
    """What the request waits for, as sentences: see blockers.py."""
    return [row.sentence for row in blockers.why_blocked(request)]


def _reviews() -> Prefetch:
    return Prefetch("reviews", Review.objects.select_related("reviewer").order_by("id"))
