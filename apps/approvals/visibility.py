"""Which requests a person may see, and the locks under which one is changed.

Locks are taken in one order everywhere: people (a requester who asks), requests (the lowest number first), their model,
its versions, its findings, the end of the trail.
"""

from typing import Any

from django.db.models import Q, QuerySet
from django.utils.translation import gettext as _

from apps.accounts.models import User
from apps.approvals.models import UNFINISHED, ApprovalRequest, RequestState
from apps.errors import NotVisible
from apps.registry import queries as registry
from apps.registry import stages
from apps.registry.models import ModelVersion

PARTS = ("version__model", "policy", "requester")


def requests_seen_by(user: Any) -> QuerySet[ApprovalRequest]:
    """Return the requests on models that `user` may read; drafts are seen by who writes them, and nobody else."""
    visible = ApprovalRequest.objects.filter(version__model__in=registry.visible_models(user))
    return visible.filter(~Q(state=RequestState.DRAFT) | Q(requester=user))


def locked_request(request_id: int, by: User) -> ApprovalRequest:
    """Return a request that `by` may see, itself and its model locked until the end of the transaction.

    Raises NotVisible.
    """
    seen = requests_seen_by(by).select_for_update(of=("self",)).filter(pk=request_id)
    request = seen.select_related(*PARTS).first() if request_id < 2**63 else None
    if request is None:
        raise NotVisible(_("There is no request %(number)s, or you may not see it.") % {"number": request_id})
    return _with_model(request)


def locked(request_id: int) -> ApprovalRequest:
    """Return a request for what acts by itself, locked likewise. Raises ApprovalRequest.DoesNotExist."""
    return _with_model(
        ApprovalRequest.objects.select_for_update(of=("self",)).select_related(*PARTS).get(pk=request_id)
    )


def locked_rivals(model_id: int, *, to_stage: str, alias: str) -> list[ApprovalRequest]:
    """Return the unfinished requests of a model for the same target, locked: before the model's own lock is taken."""
    rivals = ApprovalRequest.objects.filter(
        version__model=model_id, to_stage=to_stage, alias=alias, state__in=UNFINISHED
    )
    rivals = rivals.select_for_update(of=("self",)).select_related("version").order_by("pk")
    return list(rivals.only("state", "version__number", "version__model"))


def visible_version(version_id: int, by: User) -> ModelVersion:
    """Return a version with its model. Raises NotVisible."""
    versions = ModelVersion.objects.filter(model__in=registry.visible_models(by)).select_related("model")
    version = versions.filter(pk=version_id).first()
    if version is None:
        raise NotVisible(_("There is no such version, or you may not see it."))
    return version


def _with_model(request: ApprovalRequest) -> ApprovalRequest:
    """Lock the model, then take the version as it is under that lock: a sync may just have changed it."""
    stages.lock_model(request.version.model_id)
    request.version = ModelVersion.objects.select_related("model").get(pk=request.version_id)
    return request
