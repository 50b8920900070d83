"""Reading requests: lists, one of them, what a person may do to it. Constant query counts; the queue: queue/."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from django.db.models import Count, Prefetch, Q, QuerySet
from django.utils.translation import gettext as _

from apps.accounts.models import User
from apps.approvals import blockers, eligibility
from apps.approvals.delegating.voices import speaks_for
from apps.approvals.models import (
    UNFINISHED,
    ApprovalRequest,
    RequestState,
    Review,
    Verdict,
)
from apps.approvals.transitions import TRANSITIONS, RequestAction, refusal
from apps.approvals.visibility import requests_seen_by
from apps.errors import NotVisible
from apps.registry.queries import DETAILS

BIG = ("evidence", "checks", "baseline", *(f"version__{name}" for name in DETAILS))  # lists leave them in the database


@dataclass(frozen=True)
class ActionOffer:
    """An action that the request's state allows; `refusal` says why this person may not take it, None if they may."""

    action: RequestAction
    label: str
    refusal: str | None
    comment_needed: bool = False


def visible_requests(user: Any) -> QuerySet[ApprovalRequest]:
    """The requests on models that `user` may read, newest first, with version, model, requester and policy.

    A draft is seen by who writes it.
    """
    return (
        requests_seen_by(user)
        .select_related("version__model", "requester", "policy")
        .prefetch_related("policy__rules__group")
        .order_by("-id")
    )


def get_request(user: Any, number: int) -> ApprovalRequest:
    """One request with its reviews in order. Raises NotVisible."""
    in_order = Prefetch("reviews", Review.objects.prefetch_related("conditions__owner").order_by("id"))
    found = visible_requests(user).prefetch_related(in_order).filter(pk=number).first() if number < 2**63 else None
    if found is None:
        raise NotVisible(_("There is no request %(number)s, or you may not see it.") % {"number": number})
    _put_people_in(found)
    return found


def _put_people_in(request: ApprovalRequest) -> None:
    """Give each review its people: mostly one is both who gave it and whom it counts for, and is read once."""
    reviews = request.reviews.all()
    if not reviews:
        return
    spoke = Q(pk__in=request.reviews.values("reviewer")) | Q(pk__in=request.reviews.values("counts_for"))
    people = {person.pk: person for person in User.objects.filter(spoke)}
    for review in reviews:
        review.reviewer, review.counts_for = people[review.reviewer_id], people[review.counts_for_id]


def open_requests_for(model_ids: Iterable[int]) -> QuerySet[ApprovalRequest]:
    """The unfinished requests on these models, newest first. The caller has checked that they are visible."""
    requests = ApprovalRequest.objects.filter(version__model__in=model_ids, state__in=UNFINISHED)
    return (
        requests.select_related("version__model", "requester", "policy")
        .prefetch_related("policy__rules__group")
        .order_by("-id")
    )


def requests_by_version(version_ids: Iterable[int]) -> dict[int, list[ApprovalRequest]]:
    """Every request on these versions, newest first, by version, in one query; versions without one are left out.

    Drafts are nobody's to see but their writers', and left out.
    """
    found: dict[int, list[ApprovalRequest]] = {}
    requests = ApprovalRequest.objects.filter(version__in=version_ids).exclude(state=RequestState.DRAFT)
    requests = requests.select_related("requester", "policy")
    for request in requests.order_by("-id"):
        found.setdefault(request.version_id, []).append(request)
    return found


def applied_request_for(version_id: int, stage: str | None = None) -> ApprovalRequest | None:
    """The request that last moved this version (to `stage`), with its reviews: who decided, and why."""
    applied = ApprovalRequest.objects.filter(version=version_id, state=RequestState.APPLIED)
    applied = applied.filter(to_stage=stage) if stage else applied
    return (
        applied.select_related("requester").prefetch_related(reviews_in_order()).order_by("-closed_at", "-id").first()
    )


def allowed_actions(request: ApprovalRequest, user: Any) -> list[ActionOffer]:
    """What the request's state allows, each with why `user` may not do it, or None: the answer that `act` gives."""
    offers, voices = [], speaks_for(user, request.version.model)
    for row in TRANSITIONS.values():
        if row.apart or request.state not in row.sources:
            continue
        error = refusal(row, request, user)
        if error and row.verdict and any(refusal(row, request, user, voice=voice) is None for voice in voices):
            error = None  # not for themselves, but for somebody who lent them their word
        if error and row.quiet:
            continue
        offers.append(ActionOffer(row.action, str(row.label), error.message if error else None, row.comment_needed))
    return offers


def who_could_approve(request: ApprovalRequest) -> list[User]:
    """The people whose approval would count and is not given yet, by name.

    Where only an objection that lapsed is in the way, those who approved before may do so again.
    """
    people = eligibility.eligible_reviewers(request).order_by("username")
    if eligibility.lapsed_reviews(request, Verdict.REQUEST_CHANGES):
        return list(people)
    approved = request.reviews.filter(standing=True, verdict=Verdict.APPROVE).values("counts_for")
    return list(people.exclude(pk__in=approved))


def why_blocked(request: ApprovalRequest) -> list[str]:
    """What the request waits for, as sentences: see blockers.py."""
    return [row.sentence for row in blockers.why_blocked(request)]


def as_rows(requests: QuerySet[ApprovalRequest]) -> QuerySet[ApprovalRequest]:
    """Return visible requests with all that a row of a list shows, in one query."""
    return requests.prefetch_related(None).defer(*BIG)


def filtered(requests: QuerySet[ApprovalRequest], values: dict[str, Any], user: Any) -> QuerySet[ApprovalRequest]:
    """Return the requests that match a valid RequestFilter."""
    state = values["state"]
    if state:
        requests = requests.filter(state__in=UNFINISHED if state == "unfinished" else [state])
    if values["model"]:
        requests = requests.filter(version__model__name__icontains=values["model"])
    return requests.filter(requester=user) if values["mine"] else requests


def counts(requests: QuerySet[ApprovalRequest]) -> dict[str, int]:
    """Return how many requests are unfinished, and how many there are."""
    unfinished = Count("pk", filter=Q(state__in=UNFINISHED))
    return requests.order_by().aggregate(unfinished=unfinished, total=Count("pk"))


def reviews_in_order() -> Prefetch:
    """Return how to prefetch the reviews of requests, oldest first, with who gave them and their conditions."""
    reviews = Review.objects.select_related("reviewer", "counts_for")
    return Prefetch("reviews", reviews.prefetch_related("conditions__owner").order_by("id"))
