"""The rules of what is beside the ordinary: (user, request) → why not, as a sentence, or None. They only read."""

from datetime import timedelta

from django.utils import timezone
from django.utils.translation import gettext as _

from apps.accounts import grants
from apps.accounts.models import User
from apps.accounts.permissions import Permission
from apps.approvals import eligibility, evidence, schedule
from apps.approvals.exceptional.holding import holds
from apps.approvals.exceptional.unchanged import changes_since
from apps.approvals.models import AfterReview, ApprovalRequest, Bypass, RequestState
from apps.registry.models import RegisteredModel

DUE_BEFORE = timedelta(days=14)  # how long before the end an approval is due to be certified anew


def standing_bypass(request: ApprovalRequest) -> Bypass | None:
    """Return the bypass that was asked for, or confirmed, and not dropped."""
    return request.bypasses.filter(dropped_at=None).select_related("asked_by", "confirmed_by").first()


def after_review_of(request: ApprovalRequest) -> AfterReview | None:
    """Return the review that the request owes, or had, afterwards; None when it owes none."""
    return AfterReview.objects.filter(request=request).select_related("reviewer").first()


def outdated(request: ApprovalRequest, bypass: Bypass) -> bool:
    """Return whether the evidence changed since a bypass was asked for, so that nobody can confirm it any more."""
    asked_on = evidence.kept(request, bypass.evidence_digest)
    return asked_on is None or bool(changes_since(request, asked_on))


def not_asked_already(user: User, request: ApprovalRequest) -> str | None:
    """One bypass at a time; one that nobody can confirm any more makes way for another."""
    bypass = standing_bypass(request)
    if bypass is None or outdated(request, bypass) or no_longer_may(bypass, request.version.model):
        return None
    return _("%(person)s asked for a bypass already. It waits for a second person.") % {"person": bypass.asked_by}


def waits_for_something(user: User, request: ApprovalRequest) -> str | None:
    """There is nothing to go past where the move is approved and about to be made."""
    if request.state == RequestState.APPROVED and not schedule.held(request, timezone.now()):
        return _("The request is approved and about to be applied. There is nothing to bypass.")
    return None


def is_asked_for(user: User, request: ApprovalRequest) -> str | None:
    """A second person needs a first."""
    bypass = standing_bypass(request)
    if bypass is None or bypass.confirmed_at:
        return _("No bypass of this request waits to be confirmed.")
    return None


def no_longer_may(bypass: Bypass, model: RegisteredModel) -> User | None:
    """Return who asked for a bypass or confirmed it and has lost the account or the duty since; None: nobody."""
    people = (bypass.asked_by, bypass.confirmed_by)
    return next((who for who in people if who and not grants.allows(who, Permission.MODEL_BYPASS, model)), None)


def the_first_still_may(user: User, request: ApprovalRequest) -> str | None:
    """A second person confirms the word of a first, and that has to count still."""
    bypass = standing_bypass(request)
    if bypass is None or not no_longer_may(bypass, request.version.model):
        return None
    message = _("%(person)s asked for this bypass and may not do that any more. Ask for a new one if it is needed.")
    return message % {"person": bypass.asked_by}


def the_second_person(user: User, request: ApprovalRequest) -> str | None:
    """It takes two people, and whoever wants the move or made the version is not the second."""
    bypass = standing_bypass(request)
    if bypass and user.pk == bypass.asked_by_id:
        return _("You asked for this bypass, so somebody else has to confirm it.")
    if user.pk == request.requester_id:
        return _("You asked for this promotion, so somebody else has to confirm the bypass.")
    if user.get_username() in eligibility.sponsors(request):
        return _("You made the service account that asked, or a token of it: somebody else confirms the bypass.")
    if user.get_username() in eligibility.makers(request) or eligibility.exclusion(user, request):
        return _("You made this version or its evidence, so somebody else has to confirm the bypass.")
    return None


def not_answering_for_it(user: User, request: ApprovalRequest) -> str | None:
    """Whoever answers for a bypass does not review it afterwards, nor does who made the version."""
    bypass = standing_bypass(request)
    if bypass and user.pk in (bypass.asked_by_id, bypass.confirmed_by_id):
        return _("You answer for this bypass, so somebody else has to review it afterwards.")
    if user.get_username() in eligibility.makers(request):
        return _("You trained this version, so somebody else has to review it afterwards.")
    if user.get_username() in eligibility.sponsors(request):
        return _("You made the service account that asked, or a token of it: somebody else reviews it afterwards.")
    return None


def owes_a_review(user: User, request: ApprovalRequest) -> str | None:
    """Only a bypass or a rollback is reviewed afterwards, and once."""
    row = after_review_of(request)
    if row is None:
        return _("This request was voted on before it was applied. It owes no review afterwards.")
    if row.outcome:
        return _("%(person)s reviewed this afterwards already.") % {"person": row.reviewer}
    return None


def runs_out(user: User, request: ApprovalRequest) -> str | None:
    """Only an approval that ends is certified anew."""
    if request.recertify_by is None:
        return _("This approval holds for good. There is nothing to certify anew.")
    return None


def is_in_force(user: User, request: ApprovalRequest) -> str | None:
    """What is history stays history: it takes a new request."""
    if holds(request):
        return None
    message = _("%(version)s is not at %(target)s by this request any more, so there is nothing to certify anew.")
    return message % {"version": request.version, "target": request.target}


def was_ratified(user: User, request: ApprovalRequest) -> str | None:
    """What nobody voted on is reviewed afterwards first; what that review did not accept is rolled back."""
    row = after_review_of(request)
    if row is None or row.outcome == "ratified":
        return None
    if row.outcome:
        return _("The review afterwards did not ratify this. Roll it back, or ask again.")
    return _("This still owes its review afterwards. That comes first.")
