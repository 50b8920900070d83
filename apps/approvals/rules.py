"""The rules of the sign-off: (user, request) → why not, as a sentence, or None. They only read."""

from django.utils.translation import gettext as _

from apps.accounts.models import User
from apps.approvals import eligibility
from apps.approvals.drift import covering
from apps.approvals.models import ApprovalRequest, Verdict


def not_the_requester(user: User, request: ApprovalRequest) -> str | None:
    """Nobody decides on their own request, whatever their role."""
    if user.pk == request.requester_id:
        return _("You asked for this promotion, so somebody else has to review it.")
    return None


def not_the_trainer(user: User, request: ApprovalRequest) -> str | None:
    """Nobody decides on what they made: who ran the training or registered the version, as MLflow names them."""
    if request.policy and user.get_username() in eligibility.excluded(request.policy, request.version):
        return _("You trained this version, so somebody else has to review it.")
    return None


def in_the_policy_group(user: User, request: ApprovalRequest) -> str | None:
    """Where the policy names a group, only its members count."""
    groups = [rule.group for rule in request.policy.rules.select_related("group")] if request.policy else []
    if any(group is None or group.user_set.filter(pk=user.pk).exists() for group in groups):
        return None
    message = _("The policy of this request wants a review by the group %(group)s, and you are not in it.")
    return message % {"group": ", ".join(group.name for group in groups if group)}


def version_exists(user: User, request: ApprovalRequest) -> str | None:
    """There is nothing to sign off when the version is gone from MLflow."""
    if request.version.deleted_at or request.version.model.deleted_at:
        message = _("%(version)s was deleted in MLflow, so it can no longer be reviewed. Withdraw the request.")
        return message % {"version": request.version}
    return None


def in_the_asked_stage(user: User, request: ApprovalRequest) -> str | None:
    """The move that was asked for starts where the version was then."""
    version = request.version
    if version.stage == request.from_stage or version.pending_stage:
        return None
    if version.stage == request.to_stage and covering.covers(request):
        return None  # it asks to make a decision of what MLflow says already
    message = _(
        "%(version)s is now in %(stage)s, no longer in %(from_stage)s, so this move is not possible any more. "
        "Withdraw the request and ask again."
    )
    return message % {"version": version, "stage": version.stage, "from_stage": request.from_stage}


def not_approved_already(user: User, request: ApprovalRequest) -> str | None:
    """A second approval by the same person adds nothing, unless it takes the place of an objection that lapsed."""
    lapsed = eligibility.lapsed_reviews(request).filter(verdict=Verdict.REQUEST_CHANGES)
    if _said(user, request, Verdict.APPROVE) and not lapsed.exists():
        return _("You have already approved this request. Your approval is recorded and stands.")
    return None


def not_asked_for_changes_already(user: User, request: ApprovalRequest) -> str | None:
    """A second request for changes by the same person adds nothing."""
    if _said(user, request, Verdict.REQUEST_CHANGES):
        return _(
            "You have already asked for changes on this request. It waits for the requester, or for your new review."
        )
    return None


def _said(user: User, request: ApprovalRequest, verdict: Verdict) -> bool:
    """Return whether the person's standing review says this. Reads the prefetched reviews where there are any."""
    return any(
        review.reviewer_id == user.pk and review.standing and review.verdict == verdict
        for review in request.reviews.all()
    )
