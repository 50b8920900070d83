"""Publishing a policy: in the same moment the one before it is retired."""

from django.contrib.auth.models import Group
from django.db import IntegrityError, transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from apps.accounts import grants
from apps.accounts.models import User
from apps.accounts.permissions import Permission
from apps.approvals.models import ApprovalPolicy, PolicyRule, PolicyState
from apps.approvals.policies.content import MAX_APPROVALS, terms
from apps.approvals.texts import stage_from, text_from
from apps.audit import services as audit
from apps.audit.actions import Action
from apps.audit.services import Target
from apps.errors import Conflict, InvalidInput, NotAllowed, NotVisible
from apps.registry import queries as registry
from apps.registry.models import RegisteredModel


def publish_policy(
    stage: str,
    *,
    required_approvals: int,
    group: Group | None = None,
    model: RegisteredModel | None = None,
    archive_existing: bool = True,
    revert_drift: bool = False,
    reason: str,
    by: User,
) -> ApprovalPolicy:
    """Publish what `stage` demands from now on, for `model` or for every model without a policy of its own.

    The policy before it is retired; requests already open keep theirs. `revert_drift`: a version that MLflow moves into
    this stage or out of it without a decision is moved back as soon as that is seen.

    Raises NotAllowed without `policy:manage`, NotVisible for a model that `by` may not see, InvalidInput (naming the
    field) and Conflict when another was published in the same moment.
    """
    target = Target("policy", f"{stage} policy" + (f" for {model}" if model else ""), model.pk if model else None)
    with audit.attempt(Action.POLICY_PUBLISHED, by=grants.actor(by, model), target=target) as trial:
        if not grants.allows(by, Permission.POLICY_MANAGE):
            raise NotAllowed(_("Publishing a policy needs the admin role. Ask an admin."))
        if model and not registry.visible_models(by).filter(pk=model.pk).exists():
            trial.target = Target("policy", f"{stage} policy")
            raise NotVisible(_("There is no such model, or you may not see it."))
        stage = stage_from(stage, field="stage")
        if not 1 <= required_approvals <= MAX_APPROVALS:
            message = _("A policy needs from 1 to %(most)s approvals.") % {"most": MAX_APPROVALS}
            raise InvalidInput(message, field="required_approvals")
        reason = text_from(reason, field="reason")
        scope = ApprovalPolicy.objects.filter(stage=stage, model=model, state=PolicyState.PUBLISHED)
        former = scope.select_for_update().first()
        scope.update(state=PolicyState.RETIRED, retired_at=timezone.now())
        policy = ApprovalPolicy(
            stage=stage,
            model=model,
            archive_existing=archive_existing,
            revert_drift=revert_drift,
            state=PolicyState.PUBLISHED,
            drafted_by=by.get_username(),
            published_at=timezone.now(),
            published_by=by.get_username(),
            revision=ApprovalPolicy.objects.filter(stage=stage, model=model).count() + 1,
            reason=reason,
        )
        try:
            with transaction.atomic():
                policy.save()
                PolicyRule.objects.create(policy=policy, needed=required_approvals, group=group)
        except IntegrityError as error:
            message = _("Another policy for this stage was published in the same moment. Read it, then try again.")
            raise Conflict(message) from error
        trial.done(reason=reason, before=terms(former) if former else None, after=terms(policy))
    return policy
