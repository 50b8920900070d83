"""Whom what happens to a request concerns. Who may not read the model is left out later, for everybody alike."""

from django.db.models import Q, QuerySet

from apps.accounts import grants
from apps.accounts.models import User
from apps.accounts.permissions import Permission
from apps.approvals.delegating.voices import in_force
from apps.approvals.eligibility import eligible_reviewers, speakers
from apps.approvals.models import ApprovalRequest
from apps.registry.models import RegisteredModel


def undecided(request: ApprovalRequest) -> QuerySet[User]:
    """Whose review counts and is not given yet, and who speaks for them at this moment."""
    given = set(request.reviews.filter(standing=True).values_list("counts_for", flat=True))
    own = set(eligible_reviewers(request).values_list("pk", flat=True)) - given  # in steps: SQLite bounds nesting
    lent = in_force().filter(Q(model=None) | Q(model=request.version.model), delegator__in=own)
    others = speakers(request).filter(pk__in=list(lent.values_list("delegate", flat=True)))
    return User.objects.filter(pk__in=own | set(others.values_list("pk", flat=True)))


def involved(request: ApprovalRequest) -> QuerySet[User]:
    """Who asked, everybody who has reviewed or lent their word, dismissed reviews included, and who asked to bypass."""
    reviewed = Q(pk__in=request.reviews.values("reviewer")) | Q(pk__in=request.reviews.values("counts_for"))
    bypassing = Q(pk__in=request.bypasses.values("asked_by"))
    return User.objects.filter(Q(pk=request.requester_id) | reviewed | bypassing)


def involved_or_undecided(request: ApprovalRequest) -> QuerySet[User]:
    """Who is involved, and whose review is wanted now: for what went back to review."""
    return User.objects.filter(pk__in={*_keys(involved(request)), *_keys(undecided(request))})


def involved_or_eligible(request: ApprovalRequest) -> QuerySet[User]:
    """Who is involved, and whose review counts: for what a reviewer has let pass."""
    return User.objects.filter(pk__in={*_keys(involved(request)), *_keys(eligible_reviewers(request))})


def involved_or_engineers(request: ApprovalRequest) -> QuerySet[User]:
    """Who is involved, and who can help: those who deploy the model."""
    return involved(request) | holders(Permission.MODEL_DEPLOY, request.version.model)


def involved_or_reviewers(request: ApprovalRequest) -> QuerySet[User]:
    """Who is involved, and everybody who reviews the model: those who were passed over."""
    return involved(request) | holders(Permission.MODEL_REVIEW, request.version.model)


def _keys(people: QuerySet[User]) -> list[int]:
    return list(people.values_list("pk", flat=True))


def holders(permission: Permission, model: RegisteredModel | None = None) -> QuerySet[User]:
    """Who holds a permission on a model, or on the whole installation."""
    return User.objects.filter(pk__in=list(grants.holders(permission, model).values_list("pk", flat=True)))
