"""Whose review of a request counts: asked at every vote, and once more before the write."""

from django.db.models import Q, QuerySet

from apps.accounts import grants
from apps.accounts.models import User
from apps.accounts.permissions import Permission
from apps.approvals.models import ApprovalRequest, Review
from apps.registry.models import ModelVersion

TRAINER_TAG = "mlflow.user"


def trainers(version: ModelVersion) -> set[str]:
    """Return the user names under which MLflow knows who ran the training or registered the version."""
    run = version.run or {}
    named = (run.get("user"), (run.get("tags") or {}).get(TRAINER_TAG), (version.tags or {}).get(TRAINER_TAG))
    return {name for name in named if isinstance(name, str) and name}


def trained_by(user: User) -> QuerySet[ModelVersion]:
    """Return the versions that name `user` among their `trainers`."""
    name = user.get_username()
    by_tag = Q(**{f"run__tags__{TRAINER_TAG}": name}) | Q(**{f"tags__{TRAINER_TAG}": name})
    return ModelVersion.objects.filter(Q(run__user=name) | by_tag)


def eligible_reviewers(request: ApprovalRequest) -> QuerySet[User]:
    """Return the active people whose review of this request counts.

    They hold the reviewer's duty on the model, are in the policy's group if it names one, and neither asked for the
    move nor trained the version.
    """
    model, group = request.version.model, request.policy.group
    people = grants.holders(Permission.MODEL_REVIEW, model)
    people = people.filter(pk__in=grants.holders(Permission.MODEL_READ, model).values("pk"))
    people = people.exclude(pk=request.requester_id).exclude(username__in=trainers(request.version))
    return people.filter(pk__in=group.user_set.values("pk")) if group else people


def lapsed_reviews(request: ApprovalRequest) -> QuerySet[Review]:
    """Return the standing reviews of people who may no longer give one, in order; the next review dismisses them."""
    able = eligible_reviewers(request).values("pk")
    return request.reviews.filter(standing=True).exclude(reviewer__in=able).select_related("reviewer").order_by("id")
