"""What a bypass and a rollback rest on: two people with the duty; an approval that holds, of the files as they are."""

from django.db.models.fields.json import KT
from django.utils import timezone
from django.utils.translation import gettext as _

from apps.accounts import grants
from apps.accounts.permissions import Permission
from apps.approvals.exceptional import recertification, rules
from apps.approvals.models import ApprovalRequest, Ratification, RequestKind

SIGNED = KT("evidence__artifact")  # the digest of the files that an approval was about


def gone(request: ApprovalRequest) -> str:
    """Return in a sentence why a bypass or a rollback may not be applied any more; empty: it may."""
    if request.bypassed:
        return _people_gone(request)
    if request.kind != RequestKind.ROLLBACK:
        return ""
    if not grants.allows(request.requester, Permission.MODEL_DEPLOY, request.version.model):
        message = _("%(person)s asked for the rollback and may not do that any more.")
        return message % {"person": request.requester}
    decisions = ApprovalRequest.objects.select_related("version__model", "after_review").annotate(signed=SIGNED)
    decision = decisions.filter(followers=request).first()
    if decision and not (why := refusal(decision)):
        return ""
    message = _("What it rests on does not allow to go back any more. %(why)s")
    return (message % {"why": why if decision else ""}).strip()


def _people_gone(request: ApprovalRequest) -> str:
    bypass = rules.standing_bypass(request)
    if bypass is None or bypass.confirmed_at is None:
        return _("Nobody answers for the bypass any more.")
    person = rules.no_longer_may(bypass, request.version.model)
    message = _("%(person)s answered for the bypass and may not do that any more.")
    return message % {"person": person} if person else ""


def unreviewed(request: ApprovalRequest) -> bool:
    """Return whether a decision was applied without votes and nobody has reviewed it since."""
    return request.expedited and not _outcome(request)


def _outcome(request: ApprovalRequest) -> str:
    return request.after_review.outcome if hasattr(request, "after_review") else ""


def refusal(request: ApprovalRequest) -> str:
    """Return why nobody can go back to what an applied request decided; empty: they can.

    `request` is annotated with `signed`, and has its version, model and review afterwards at hand.
    """
    version, number = request.version, {"number": request.pk}
    if version.deleted_at or version.model.deleted_at:
        return _("It was deleted in MLflow.")
    if unreviewed(request):
        return _("Request %(number)s put it there without votes, and nobody has reviewed that since.") % number
    if _outcome(request) == Ratification.NOT_RATIFIED:
        return _("The review of request %(number)s afterwards did not ratify it.") % number
    if recertification.over(request, timezone.now()):
        return _("Its approval (request %(number)s) has ended and was not certified anew.") % number
    signed = getattr(request, "signed", None)
    if not signed or not version.artifact_digest:
        return _("Its files were not recorded when request %(number)s was signed, so they cannot be compared.") % number
    if signed != version.artifact_digest:
        return _("Its files are not the ones that were signed in request %(number)s.") % number
    return ""
