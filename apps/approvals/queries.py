"""Reading requests: lists, the queue, what a person may do, and why a request does not move. Constant query counts."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from django.db.models import Exists, OuterRef, Prefetch, Q, QuerySet
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from apps.accounts import grants
from apps.accounts.models import User
from apps.accounts.permissions import Permission
from apps.approvals import eligibility, evidence, quorum, rules
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
from apps.approvals.reviewing import fields_in_words
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
    """What the request waits for, one sentence each with who can clear it; empty when it is finished."""
    if request.state == RequestState.APPLY_FAILED:
        retry = _("The requester or an ML engineer can try again or withdraw it.")
        return [_("Applying failed: %(error)s") % {"error": request.apply_error}, retry]
    if request.state == RequestState.APPROVED:
        return [_("Approved. A worker will apply it in a moment.")]
    if request.state == RequestState.APPLYING:
        return [_("A worker is moving the version in MLflow.")]
    if request.state not in UNDER_REVIEW:
        return []
    if request.version.deleted_at or request.version.model.deleted_at:
        message = _("%(version)s was deleted in MLflow. The requester or an ML engineer can withdraw the request.")
        return [message % {"version": request.version}]
    if elsewhere := rules.in_the_asked_stage(request.requester, request):
        return [elsewhere]
    able = set(eligibility.eligible_reviewers(request).values_list("pk", flat=True))
    return [
        *_changed_evidence(request),
        *_objections(request, able),
        *_lost_approvals(request, able),
        *_missing_approvals(request, able),
    ]


def _changed_evidence(request: ApprovalRequest) -> list[str]:
    found = evidence.changes(request.evidence, evidence.collect(request.version))
    if not found:
        return []
    message = _("The evidence changed since the request was made: %(fields)s. The next review takes it up.")
    return [message % {"fields": fields_in_words(found)}]


def _objections(request: ApprovalRequest, able: set[int]) -> list[str]:
    reviews = request.reviews.filter(standing=True, verdict=Verdict.REQUEST_CHANGES).select_related("reviewer")
    return [
        (
            _("%(person)s asked for changes and has to review again.")
            if review.reviewer_id in able
            else _(
                "%(person)s asked for changes and can no longer review, so somebody else has to: the next review by "
                "another reviewer decides."
            )
        )
        % {"person": review.reviewer}
        for review in reviews.order_by("id")
    ]


def _lost_approvals(request: ApprovalRequest, able: set[int]) -> list[str]:
    approvals = request.reviews.filter(standing=True, verdict=Verdict.APPROVE).select_related("reviewer")
    text = _("%(person)s approved and can no longer review. The approval does not count.")
    return [text % {"person": row.reviewer} for row in approvals.order_by("id") if row.reviewer_id not in able]


def _missing_approvals(request: ApprovalRequest, able: set[int]) -> list[str]:
    demands, filled = eligibility.demands(request), eligibility.seats(request)
    if quorum.complete(demands, filled):
        return []
    given, needed = sum(len(people) for people in filled.values()), sum(row.needed for row in demands)
    names = {"given": given, "needed": needed, "who": _reviewers_in_words(request.policy)}
    text = ngettext(
        "%(given)s of %(needed)s approval given. It needs %(who)s.",
        "%(given)s of %(needed)s approvals given. It needs %(who)s.",
        needed,
    )
    return [text % names, *_unreachable(request, len(able))]


def _unreachable(request: ApprovalRequest, able: int) -> list[str]:
    """Say so when fewer people could approve than the policy demands: no waiting helps then."""
    demands = eligibility.demands(request)
    if quorum.solvable(demands, several=bool(request.policy and request.policy.several_rules)):
        return []
    text = ngettext(
        "Only %(able)s person could approve this, requester and trainer not counted, and the policy demands "
        "%(needed)s. Ask an admin for more reviewers or another policy.",
        "Only %(able)s people could approve this, requester and trainer not counted, and the policy demands "
        "%(needed)s. Ask an admin for more reviewers or another policy.",
        able,
    )
    return [text % {"able": able, "needed": sum(row.needed for row in demands)}]


def _reviewers_in_words(policy: ApprovalPolicy | None) -> str:
    names = [rule.group.name for rule in policy.rules.select_related("group") if rule.group] if policy else []
    if names:
        return _("reviewers of this model in the group %(group)s") % {"group": ", ".join(names)}
    return _("reviewers of this model")


def _reviews() -> Prefetch:
    return Prefetch("reviews", Review.objects.select_related("reviewer").order_by("id"))
