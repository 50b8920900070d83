"""One review on one state of the evidence, and what happens to reviews when the evidence changes."""

from typing import Any

from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _

from apps.accounts.assurance import is_enough
from apps.accounts.models import User
from apps.accounts.signing import confirmed_with
from apps.approvals import eligibility, evidence, findings, schedule, staleness, waiting
from apps.approvals.exceptional import dropping
from apps.approvals.models import UNDER_REVIEW, ApprovalRequest, RequestState, Review, Verdict
from apps.approvals.records import about, request_target
from apps.approvals.signing import Signing, asks, meaning_from, printed_name, statement
from apps.audit import services as audit
from apps.audit.actions import Action
from apps.audit.services import Actor
from apps.errors import Conflict, InvalidInput, UpstreamUnavailable
from apps.registry.models import DetailsState, ModelVersion

SYSTEM = Actor("system:approvals")
EVIDENCE = ["evidence", "evidence_digest", "checks", "baseline", "headline", "updated_at"]  # what a refresh writes
MOST_LISTED = 100  # changes in one event


class EvidenceChanged(Conflict):
    """The evidence is no longer what the request shows; the caller dismisses the reviews after the refusal."""


def seen_digest(request: ApprovalRequest, digest: str | None) -> str:
    """Return the digest that the reviewer read: what they sign, and nothing else.

    An earlier one is good as long as nothing changed since by which a vote could fall. Raises InvalidInput without a
    digest, Conflict when it is of evidence that has changed since.
    """
    if not digest:
        message = _("A review names the digest of the evidence it is about. Open the request and review it there.")
        raise InvalidInput(message, field="evidence_digest")
    read = evidence.kept(request, digest)
    if read is None or staleness.weighty(read, request.evidence):
        message = _("The evidence of request %(number)s has changed since you read it. Read it again, then decide.")
        raise Conflict(message % {"number": request.pk}, field="evidence_digest")
    return digest


def check_evidence(request: ApprovalRequest, *, verdict: Verdict) -> None:
    """Raise EvidenceChanged when the mirror no longer says what the request shows.

    Raises UpstreamUnavailable for an approval of a version whose details could not be read.
    """
    request.version = version = _as_it_is_now(request)
    if version.details_state != DetailsState.LOADED:
        if verdict != Verdict.APPROVE:
            return
        message = _("The run and MLmodel of %(version)s are being read again. Approve when that is done.")
        raise UpstreamUnavailable(message % {"version": version})
    if found := staleness.weighty(request.evidence, evidence.of(request)):
        message = _("The evidence changed: %(fields)s. Approvals of what it was before were dismissed. Read it again.")
        raise EvidenceChanged(message % {"fields": fields_in_words(found)})
    refresh_evidence(request)


def give_review(
    request: ApprovalRequest,
    verdict: Verdict,
    *,
    by: User,
    role: str,
    comment: str,
    digest: str,
    signing: Signing | None = None,
    voice: User | None = None,
) -> Review:
    """Sign `digest` in the caller's transaction; what the signer, or the person they speak for, said before is kept.

    Each person has one standing word, and each is spoken for once. `voice` is for whom it counts: `by`, unless a
    delegate gives it. Raises InvalidInput (meaning, password) and NotAllowed after too many wrong passwords.
    """
    signing, voice = signing or Signing(), voice or by
    confirmed = confirmed_with(signing.confirmation, by, asks=asks(request))
    meaning = meaning_from(signing.meaning, verdict)
    former = request.reviews.filter(Q(reviewer=by) | Q(counts_for=voice), standing=True)
    dismiss(former, _("Replaced by a later review."))
    return Review.objects.create(
        request=request,
        requester=request.requester,
        reviewer=by,
        counts_for=voice,
        reviewer_role=role,
        verdict=verdict,
        comment=comment,
        evidence_digest=digest,
        scopes=eligibility.scopes_of(request, voice),
        meaning=meaning,
        signed_name=printed_name(by),
        confirmed_with=confirmed,
        statement=statement(request, verdict, meaning, by=by, voice=voice),
    )


def dismiss_for_changes(request_id: int) -> None:
    """Dismiss the standing reviews when the evidence differs, in a transaction of its own; otherwise do nothing."""
    with transaction.atomic(durable=True):
        request = (
            ApprovalRequest.objects.select_for_update(of=("self",))
            .select_related("version__model", "policy")
            .get(pk=request_id)
        )
        if request.state in UNDER_REVIEW:
            refresh_evidence(request)


def refresh_evidence(request: ApprovalRequest) -> list[evidence.Change]:
    """Take the evidence as it is now; where it differs, dismiss the votes that fall by it and audit both.

    In the caller's transaction, with the request and its model locked. A request that lost a vote it needs goes back to
    review. Returns the changes by which votes can fall: none, when it only was completed or got better.
    """
    content = evidence.of(request)
    found = evidence.changes(request.evidence, content)
    if not found:
        return []
    weighty = staleness.weighty(request.evidence, content)
    fallen = staleness.falling(request, content)
    before = {"evidence_digest": request.evidence_digest, "state": str(request.state)}
    request.evidence, request.evidence_digest = content, evidence.digest(content)
    evidence.keep(request)
    findings.take(request)
    because = _("The evidence changed: %(fields)s.") % {"fields": fields_in_words(weighty or found)}
    dismissed = dismiss(request.reviews.filter(pk__in=fallen), because)
    if request.state in UNDER_REVIEW or not eligibility.enough_approvals(request):
        reopen(request)
    else:
        request.save(update_fields=EVIDENCE)
    audit.record(
        Action.REQUEST_EVIDENCE_CHANGED,
        by=SYSTEM,
        target=request_target(request),
        reason=because,
        before=before,
        after={"evidence_digest": request.evidence_digest, "state": str(request.state)},
        **about(request),
        changed=len(found),
        changes=[_event_row(change) for change in (weighty or found)[:MOST_LISTED]],
        dismissed=dismissed,
    )
    return weighty


def dismiss_lapsed(request: ApprovalRequest, *, objections: bool = True) -> list[str]:
    """Dismiss the standing reviews of people who may no longer give one, and audit it. Returns their user names.

    In the caller's transaction, with the request locked. An approved request that has enough approvals left stays so.
    `objections` False leaves those: they block until another reviewer has spoken.
    """
    verdicts = () if objections else set(Verdict) - {Verdict.REQUEST_CHANGES}
    lapsed = eligibility.lapsed_reviews(request, *verdicts)
    because = _("This reviewer can no longer review this request.")
    before = {"state": request.state}
    names = dismiss(request.reviews.filter(pk__in=[review.pk for review in lapsed]), because)
    if not names:
        return []
    if request.state in UNDER_REVIEW or not eligibility.enough_approvals(request):
        reopen(request)
    audit.record(
        Action.REQUEST_REVIEWS_DISMISSED,
        by=SYSTEM,
        target=request_target(request),
        reason=because,
        before=before,
        after={"state": request.state},
        dismissed=names,
        **about(request),
    )
    return names


def dismiss_weaker(request: ApprovalRequest) -> list[str]:
    """Dismiss the standing approvals that were signed with less than the request's policy asks for.

    In the caller's transaction, which records it, with the request locked. Returns the user names of those who gave
    them. An objection stands: it holds up what it was made against, however it was signed.
    """
    approvals = request.reviews.filter(standing=True, verdict=Verdict.APPROVE).values_list("pk", "confirmed_with")
    weaker = [key for key, method in approvals if not is_enough(method, asks(request))]
    because = _("It was signed with less than the present policy asks for: %(asked)s.")
    return dismiss(request.reviews.filter(pk__in=weaker), because % {"asked": asks(request).label})


def reopen(request: ApprovalRequest) -> None:
    """Put the request under review again, where its standing reviews say; its wait starts anew when they suffice."""
    dropping.end_expedited(request, by=SYSTEM)
    if request.approved_at:
        schedule.under_review_again(request, timezone.now())
    blocked = request.reviews.filter(standing=True, verdict=Verdict.REQUEST_CHANGES).exists()
    request.state = RequestState.CHANGES_REQUESTED if blocked else RequestState.OPEN
    request.save(update_fields=["state", *EVIDENCE, *schedule.TIMES])
    waiting.note(request)


def dismiss(reviews: QuerySet[Review], because: str) -> list[str]:
    """Dismiss reviews for good, in the caller's transaction; return the user names of those who gave them."""
    names = list(reviews.order_by("id").values_list("reviewer__username", flat=True))
    reviews.update(standing=False, dismissed_because=because, dismissed_at=timezone.now())
    return names


def _as_it_is_now(request: ApprovalRequest) -> ModelVersion:
    """Return the version as the mirror has it under the lock of its model: the request was read a moment before."""
    return ModelVersion.objects.select_related("model").get(pk=request.version_id)


def fields_in_words(found: list[evidence.Change], most: int = 5) -> str:
    """Return the names of the fields that changed: "metrics.accuracy, params.depth and 3 more"."""
    named = list(dict.fromkeys(_named(change.field) for change in found))
    names = ", ".join(named[:most])
    rest = len(named) - most
    return _("%(names)s and %(rest)s more") % {"names": names, "rest": rest} if rest > 0 else names


def _named(field: str) -> str:
    """Name what nobody reads field by field as a whole."""
    part, _dot, rest = field.partition(".")
    if part == "reports" and rest:
        return _("the report of %(check)s") % {"check": rest.rpartition(".")[0]}
    whole = {
        "policy": _("the policy"),
        "environment": _("the environment"),
        "makers": _("who made the version"),
        "selection": _("the risk tier or tags of the model"),
    }
    return whole.get(part, field)


def _event_row(change: evidence.Change) -> dict[str, Any]:
    return {"field": change.field, "before": change.before, "after": change.after}
