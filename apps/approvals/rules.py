"""The rules of the sign-off: (user, request) → why not, as a sentence, or None. They only read."""

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from apps.accounts.assurance import SignWith
from apps.accounts.bounds import PERSONS_ALONE
from apps.accounts.factors.rules import why_cannot_sign
from apps.accounts.models import User
from apps.accounts.permissions import Permission
from apps.approvals import aiming, eligibility
from apps.approvals.at_once import once_while_looking
from apps.approvals.drift import covering
from apps.approvals.eligibility import Exclusion
from apps.approvals.models import ApprovalRequest, Verdict
from apps.approvals.signing import asked_to_bypass, asks

EXCLUDED = {
    Exclusion.SPONSOR: gettext_lazy(
        "You made the service account that asked, or a token of it, so somebody else has to review it."
    ),
    Exclusion.RUN_OWNER: gettext_lazy("You trained this version, so somebody else has to review it."),
    Exclusion.REGISTRANT: gettext_lazy("You registered this version, so somebody else has to review it."),
    Exclusion.LAST_EDITOR: gettext_lazy(
        "You were the last to report a check of this version, so somebody else has to review it."
    ),
}
EXCLUDED_DELEGATOR = {
    Exclusion.REQUESTER: gettext_lazy("%(person)s asked for this promotion, so nobody can review it for them."),
    Exclusion.SPONSOR: gettext_lazy(
        "%(person)s made the service account that asked, or a token of it, so nobody can review it for them."
    ),
    Exclusion.RUN_OWNER: gettext_lazy("%(person)s trained this version, so nobody can review it for them."),
    Exclusion.REGISTRANT: gettext_lazy("%(person)s registered this version, so nobody can review it for them."),
    Exclusion.LAST_EDITOR: gettext_lazy(
        "%(person)s was the last to report a check of this version, so nobody can review it for them."
    ),
}


def a_person(user: User, request: ApprovalRequest) -> str | None:
    """A machine may ask; the decisions of others stand until a person weighs them."""
    return _for_persons() if user.is_service else None


def for_persons(user: User, permission: Permission) -> str | None:
    """What is signed, waived, bypassed or ruled is so by a person: a service account never may, whatever its groups."""
    return _for_persons() if user.is_service and permission in PERSONS_ALONE else None


def _for_persons() -> str:
    return _("A service account asks and reports; it signs off nothing and clears nothing. A person has to do this.")


def not_the_requester(user: User, request: ApprovalRequest) -> str | None:
    """Nobody decides on their own request, whatever their role."""
    if user.pk == request.requester_id:
        return _("You asked for this promotion, so somebody else has to review it.")
    return None


def not_excluded(user: User, request: ApprovalRequest) -> str | None:
    """Nobody decides on what they made: the machine that asked, the version, or the last of its evidence."""
    found = eligibility.exclusion(user, request)
    return str(EXCLUDED[found]) if found in EXCLUDED else None


def in_the_policy_group(user: User, request: ApprovalRequest) -> str | None:
    """Where the policy names a group, only its members count."""
    groups = [rule.group for rule in request.policy.rules.all()] if request.policy else []
    if any(group is None or group.user_set.filter(pk=user.pk).exists() for group in groups):
        return None
    message = _("The policy of this request wants a review by the group %(group)s, and you are not in it.")
    return message % {"group": ", ".join(group.name for group in groups if group)}


def can_confirm(user: User, request: ApprovalRequest) -> str | None:
    """Where the policy asks for a second factor, somebody without one is told before they begin."""
    return _lacks_a_factor(user) if asks(request) is SignWith.FACTOR else None


def can_confirm_a_bypass(user: User, request: ApprovalRequest) -> str | None:
    """Going past a policy takes no less than signing under it."""
    return _lacks_a_factor(user) if asked_to_bypass(request) is SignWith.FACTOR else None


@once_while_looking
def _lacks_a_factor(user: User) -> str | None:
    return why_cannot_sign(user, SignWith.FACTOR)


def may_be_spoken_for(person: User, request: ApprovalRequest) -> str | None:
    """A delegate's review counts for `person` only where their own would."""
    if found := eligibility.exclusion(person, request):
        return str(EXCLUDED_DELEGATOR[found]) % {"person": person}
    if person.pk in eligibility.able(request):
        return None
    message = _("A review by %(person)s would not count here, so neither would one for them: the policy wants others.")
    return message % {"person": person}


def version_exists(user: User, request: ApprovalRequest) -> str | None:
    """There is nothing to sign off when the version is gone from MLflow."""
    if request.version.deleted_at or request.version.model.deleted_at:
        message = _("%(version)s was deleted in MLflow, so it can no longer be reviewed. Withdraw the request.")
        return message % {"version": request.version}
    return None


def in_the_asked_stage(user: User, request: ApprovalRequest) -> str | None:
    """The move that was asked for starts where the version was then, or where the alias pointed."""
    version = request.version
    if request.alias:
        return _alias_elsewhere(request)
    if version.pending_stage:
        return None
    if version.stage == request.from_stage:
        return _alias_elsewhere(request)
    if version.stage == request.to_stage and covering.covers(request):
        return _alias_elsewhere(request)  # it asks to make a decision of what MLflow says already
    message = _(
        "%(version)s is now in %(stage)s, no longer in %(from_stage)s, so this move is not possible any more. "
        "Withdraw the request and ask again."
    )
    return message % {"version": version, "stage": version.stage, "from_stage": request.from_stage}


def _alias_elsewhere(request: ApprovalRequest) -> str | None:
    alias = aiming.alias_of(request)
    points_to = aiming.pointed_to(request.version, alias) if alias else request.from_number
    if points_to == request.from_number:
        return None
    if points_to == request.version.number and covering.covers(request):
        return None
    message = _(
        "@%(alias)s no longer points where it did when this was asked for (%(before)s): it points to %(now)s, so this "
        "move is not possible any more. Withdraw the request and ask again."
    )
    before, now = aiming.number_in_words(request.from_number), aiming.number_in_words(points_to)
    return message % {"alias": alias, "before": before, "now": now}


def not_approved_already(user: User, request: ApprovalRequest) -> str | None:
    """A second approval by the same person adds nothing, unless it takes the place of an objection that lapsed."""
    if not _said(user, request, Verdict.APPROVE):
        return None
    if not eligibility.lapsed_reviews(request, Verdict.REQUEST_CHANGES):
        return _("You have already approved this request. Your approval is recorded and stands.")
    return None


def not_asked_for_changes_already(user: User, request: ApprovalRequest) -> str | None:
    """A second request for changes by the same person adds nothing."""
    if _said(user, request, Verdict.REQUEST_CHANGES):
        return _(
            "You have already asked for changes on this request. It waits for the requester, or for your new review."
        )
    return None


def not_said_for_them_already(user: User, person: User, request: ApprovalRequest, verdict: Verdict) -> str | None:
    """A delegate says the same thing for a person once."""
    if verdict == Verdict.REJECT or not _said(user, request, verdict, counts_for=person):
        return None
    return _("You have already said this for %(person)s. It is recorded and stands.") % {"person": person}


def _said(user: User, request: ApprovalRequest, verdict: Verdict, *, counts_for: User | None = None) -> bool:
    """Return whether the person's standing review says this. Reads the prefetched reviews where there are any."""
    voice = counts_for or user
    return any(
        (review.reviewer_id, review.counts_for_id) == (user.pk, voice.pk)
        and review.standing
        and review.verdict == verdict
        for review in request.reviews.all()
    )
