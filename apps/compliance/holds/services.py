"""Setting and lifting legal holds. Nothing of what is held is deleted through Assent, see apps.registry.holds."""

from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext as _

from apps.accounts import grants
from apps.accounts.models import User
from apps.accounts.permissions import Permission
from apps.audit import services as audit
from apps.audit.actions import Action
from apps.audit.services import Target
from apps.compliance.holds.queries import visible_holds
from apps.compliance.models import LegalHold
from apps.errors import Conflict, NotAllowed, NotVisible, RuleViolation, WrongState
from apps.registry import queries as registry
from apps.registry import stages
from apps.registry.details import jobs as details
from apps.registry.models import ModelVersion, RegisteredModel
from apps.texts import text_from

NEEDED = Permission.MODEL_DELETE  # who could delete a model says that it is kept: the admin role alone holds it


def set_hold(reference: str, number: int | None = None, *, reason: str, by: User) -> LegalHold:
    """Put a model, or one version of it, on legal hold, as a person.

    Raises NotVisible, NotAllowed without `model:delete` on the model, InvalidInput (field "reason"), and Conflict where
    a hold stands on just this already.
    """
    with audit.attempt(Action.HOLD_SET, by=grants.actor(by), target=Target("hold", "a new hold")) as trial:
        version = registry.get_version(by, reference, number) if number is not None else None
        model = version.model if version else registry.get_model(by, reference)
        trial.by, trial.target = grants.actor(by, model), Target("hold", "a new hold", model.pk)
        trial.data = {"model": model.reference, "version": number}
        _check_allowed(model, by)
        reason = text_from(reason, field="reason")
        stages.lock_model(model.pk)  # a deletion in the same moment waits, or was first
        _check_free(model, version)
        hold = LegalHold.objects.create(model=model, version=version, reason=reason, set_by=by)
        details.watch_held(version.pk if version else None, model.pk)
        trial.target = hold_target(hold)
        trial.done(reason=reason)
    return hold


def lift(number: int, *, reason: str, by: User) -> LegalHold:
    """End a hold, as a person other than who set it.

    Raises NotVisible, NotAllowed, WrongState when it was lifted already, RuleViolation and InvalidInput.
    """
    with audit.attempt(Action.HOLD_LIFTED, by=grants.actor(by), target=Target("hold", f"hold {number}")) as trial:
        seen = visible_holds(by).filter(pk=number).exists() if 0 < number < 2**63 else False
        if not seen:
            raise NotVisible(_("There is no hold %(number)s, or you may not see it.") % {"number": number})
        hold = (
            LegalHold.objects.select_for_update(of=("self",)).select_related("model", "version__model").get(pk=number)
        )
        trial.by, trial.target = grants.actor(by, hold.model), hold_target(hold)
        trial.data = {"model": hold.model.reference, "version": hold.version.number if hold.version else None}
        _check_allowed(hold.model, by)
        if hold.lifted_at:
            raise WrongState(_("This hold was lifted already. There is nothing to lift."))
        if hold.set_by_id == by.pk:
            raise RuleViolation(_("You set this hold, so somebody else has to lift it. Ask another admin."))
        hold.lift_reason = text_from(reason, field="reason")
        hold.lifted_by, hold.lifted_at = by, timezone.now()
        hold.save(update_fields=["lift_reason", "lifted_by", "lifted_at"])
        trial.done(reason=hold.lift_reason, before={"reason": hold.reason})
    return hold


def may_hold(by: User, model: RegisteredModel) -> bool:
    """Return whether the person may set and lift holds on a model."""
    return grants.allows(by, NEEDED, model)


def hold_target(hold: LegalHold) -> Target:
    """Return the hold as the trail names it."""
    return Target("hold", f"hold {hold.pk}", hold.model_id)


def _check_allowed(model: RegisteredModel, by: User) -> None:
    if by.is_service:  # it would be "somebody else" for the admin who made it
        raise RuleViolation(_("A service account neither sets nor lifts legal holds. A person has to do this."))
    if not may_hold(by, model):
        raise NotAllowed(_("Legal holds need the admin role on the model. Ask an admin."))


def _check_free(model: RegisteredModel, version: ModelVersion | None) -> None:
    same = Q(version=version) if version else Q(model=model, version=None)
    if LegalHold.objects.filter(same, lifted_at=None).exists():
        raise Conflict(_("This is on legal hold already. There is nothing to set."))
