"""Publishing a draft: by somebody other than who edited it last. In the same moment the policy before it is retired."""

from django.conf import settings
from django.db import IntegrityError, transaction
from django.db.models import Max, QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _

from apps.accounts.models import User
from apps.approvals.models import ApprovalPolicy, PolicyState
from apps.approvals.policies import checking, content
from apps.approvals.policies.drafting import locked_draft, target_of
from apps.approvals.policies.managing import managing, name_of
from apps.approvals.policies.selecting import SCOPE
from apps.audit.actions import Action
from apps.audit.services import Target
from apps.errors import Conflict, RuleViolation
from apps.texts import text_from


def publish(policy_id: int, *, by: User | None, reason: str = "", digest: str = "") -> ApprovalPolicy:
    """Put a draft in force. Requests that are open keep the policy they began with.

    `by` None is the operator, at the server's own shell. `digest` (content.digest) is that of the draft which was
    read. An empty reason leaves the draft's. Raises NotVisible, NotAllowed, RuleViolation (it takes a second admin, see
    ASSENT_POLICY_SECOND_ADMIN), WrongState (it is no draft), Conflict (it changed, or another was published in the same
    moment) and InvalidInput (it demands what does not exist any more).
    """
    with managing(Action.POLICY_PUBLISHED, Target("policy", f"policy {policy_id}"), by=by) as trial:
        policy = locked_draft(policy_id, by, digest)
        trial.target = target_of(policy)
        alone = by is not None and policy.drafted_by == by.get_username()
        if alone and settings.POLICY_SECOND_ADMIN:
            raise RuleViolation(_("You edited this draft last, so another admin has to read and publish it."))
        checking.check(policy, list(policy.rules.select_related("group")))
        former = _retire(policy)
        policy.state, policy.published_at, policy.published_by = PolicyState.PUBLISHED, timezone.now(), name_of(by)
        policy.revision = (_of_scope(policy).aggregate(last=Max("revision"))["last"] or 0) + 1
        policy.reason = text_from(reason, field="reason", needed=False) or policy.reason
        try:
            with transaction.atomic():
                policy.save()
        except IntegrityError as error:
            message = _("Another policy for the same was published in the same moment. Read it, then try again.")
            raise Conflict(message) from error
        before = content.terms(former) if former else None
        how = {"alone": True} if alone else {}
        trial.done(
            reason=policy.reason, before=before, after=content.terms(policy), drafted_by=policy.drafted_by, **how
        )
    return policy


def may_publish(policy: ApprovalPolicy, user: User) -> bool:
    """Return whether this person may publish a draft, permission aside: somebody else edited it last."""
    return not settings.POLICY_SECOND_ADMIN or policy.drafted_by != user.get_username()


def _of_scope(policy: ApprovalPolicy) -> QuerySet[ApprovalPolicy]:
    return ApprovalPolicy.objects.filter(**{name: getattr(policy, name) for name in SCOPE})


def _retire(policy: ApprovalPolicy) -> ApprovalPolicy | None:
    """Retire the policy in force for the same models and target, and return it."""
    former = _of_scope(policy).filter(state=PolicyState.PUBLISHED).select_for_update(of=("self",), no_key=True).first()
    if former:
        ApprovalPolicy.objects.filter(pk=former.pk).update(state=PolicyState.RETIRED, retired_at=timezone.now())
    return former
