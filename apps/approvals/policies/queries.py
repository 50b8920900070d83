"""Reading policies: those in force, drafts and history, as a person may see them. Constant query counts."""

from typing import Any

from django.db.models import Prefetch, Q, QuerySet
from django.utils.translation import gettext as _

from apps.accounts import grants
from apps.accounts.permissions import Permission
from apps.approvals.models import ApprovalPolicy, ApprovalRequest, PolicyRule, PolicyState
from apps.errors import NotVisible
from apps.registry.queries import visible_models


def visible_policies(user: Any) -> QuerySet[ApprovalPolicy]:
    """The policies of everything, and of models that `user` may see, newest first; drafts for those who manage them."""
    seen = ApprovalPolicy.objects.filter(Q(model=None) | Q(model__in=visible_models(user)))
    if not manages(user):
        seen = seen.exclude(state=PolicyState.DRAFT)
    rules = Prefetch("rules", PolicyRule.objects.select_related("group"))
    return seen.select_related("model__connection").prefetch_related(rules).order_by("-id")


def get_policy(user: Any, number: int) -> ApprovalPolicy:
    """One policy with its rules. Raises NotVisible, for a draft too where the person does not manage policies."""
    found = visible_policies(user).filter(pk=number).first() if number < 2**63 else None
    if found is None:
        raise NotVisible(_("There is no policy %(number)s, or you may not see it.") % {"number": number})
    return found


def manages(user: Any) -> bool:
    """Return whether a person may draft and publish policies, and set freezes."""
    return grants.allows(user, Permission.POLICY_MANAGE)


def requests_under(policy: ApprovalPolicy, user: Any) -> QuerySet[ApprovalRequest]:
    """The requests that follow a policy and that `user` may see, newest first."""
    requests = ApprovalRequest.objects.filter(policy=policy, version__model__in=visible_models(user))
    columns = ("state", "to_stage", "alias", "from_stage", "created_at", "requester", "version__number",
               "version__model__name", "version__model__connection")  # fmt: skip
    return requests.select_related("version__model__connection", "requester").only(
        *columns, "requester__username", "requester__first_name", "requester__last_name", "requester__is_active",
        "requester__is_service",
    ).order_by("-id")  # fmt: skip
