"""Freeze windows: times in which nothing is applied. People may vote meanwhile."""

from datetime import datetime, timedelta

from django.db.models import Q, QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _

from apps.accounts.models import User
from apps.approvals.models import ApprovalRequest, FreezeWindow
from apps.approvals.policies.managing import managing, must_see, name_of
from apps.approvals.texts import stage_from, text_from
from apps.audit.actions import Action
from apps.audit.services import Target
from apps.errors import InvalidInput, NotVisible, WrongState
from apps.registry.models import RegisteredModel
from apps.registry.queries import visible_models

MAX_NAME = 200
LONGEST = timedelta(days=366)


def holding(request: ApprovalRequest, at: datetime) -> FreezeWindow | None:
    """Return the freeze that holds a request back at this time, the one that ends last; None when nothing does."""
    return holding_target(request.version.model_id, request.to_stage, at)


def holding_target(model_id: int, stage: str, at: datetime, *, alias: str = "") -> FreezeWindow | None:
    """Return the freeze of a model's stage at this time. An alias is no stage: only freezes of every target hold it."""
    return of_target(model_id, stage, at).filter(starts_at__lte=at).order_by("-ends_at", "id").first()


def of_target(model_id: int, stage: str, at: datetime) -> QuerySet[FreezeWindow]:
    """Return the freezes of a model's stage that hold at this time or are still to come, in order."""
    stages = Q(stage="") | Q(stage=stage) if stage else Q(stage="")
    return standing(at).filter(stages, Q(model=None) | Q(model=model_id)).order_by("starts_at", "id")


def standing(at: datetime) -> QuerySet[FreezeWindow]:
    """Return the freezes that are not over at this time, those that have not begun included."""
    return FreezeWindow.objects.filter(Q(lifted_at=None) | Q(lifted_at__gt=at), ends_at__gt=at)


def visible(user: User) -> QuerySet[FreezeWindow]:
    """Return the freezes of everything and of models that `user` may read, in the order in which they begin."""
    seen = Q(model=None) | Q(model__in=visible_models(user))
    return FreezeWindow.objects.filter(seen).select_related("model").order_by("starts_at", "id")


def set_freeze(
    name: str,
    *,
    starts_at: datetime,
    ends_at: datetime,
    model: RegisteredModel | None = None,
    stage: str = "",
    reason: str,
    by: User | None,
) -> FreezeWindow:
    """Hold back what is approved from `starts_at` to `ends_at`, for one model or all, for one stage or every target.

    Raises NotAllowed without `policy:manage`, NotVisible for a model that `by` may not see, InvalidInput (the field).
    """
    target = Target("freeze", name[:MAX_NAME], model.pk if model else None)
    with managing(Action.FREEZE_SET, target, by=by) as trial:
        if model:
            trial.target = Target("freeze", name[:MAX_NAME])
            must_see(model, by)
            trial.target = target
        freeze = FreezeWindow(
            name=_checked_name(name),
            reason=text_from(reason, field="reason"),
            model=model,
            stage=stage_from(stage, field="stage") if stage else "",
            starts_at=starts_at,
            ends_at=ends_at,
            created_by=name_of(by),
        )
        _check_times(starts_at, ends_at)
        freeze.save(force_insert=True)
        trial.done(reason=freeze.reason, after=described(freeze))
    return freeze


def lift(freeze_id: int, *, reason: str = "", by: User | None) -> FreezeWindow:
    """End a freeze before its time. Raises NotVisible, NotAllowed, WrongState when it is over already."""
    with managing(Action.FREEZE_LIFTED, Target("freeze", f"freeze {freeze_id}"), by=by) as trial:
        known = FreezeWindow.objects.select_for_update(of=("self",)).select_related("model")
        freeze = known.filter(pk=freeze_id).first() if 0 < freeze_id < 2**63 else None
        if freeze is None:
            raise NotVisible(_("There is no such freeze, or you may not see it."))
        must_see(freeze.model, by)
        trial.target, now = Target("freeze", freeze.name, freeze.model_id), timezone.now()
        if freeze.lifted_at or freeze.ends_at <= now:
            raise WrongState(_("This freeze is over already. There is nothing to lift."))
        freeze.lifted_at, freeze.lifted_by = now, name_of(by)
        freeze.save(update_fields=["lifted_at", "lifted_by"])
        trial.done(reason=text_from(reason, field="reason", needed=False), before=described(freeze))
    return freeze


def described(freeze: FreezeWindow) -> dict[str, str | None]:
    """Return a freeze as the trail keeps it."""
    return {
        "name": freeze.name,
        "model": freeze.model.reference if freeze.model else None,
        "stage": freeze.stage,
        "starts_at": freeze.starts_at.isoformat(),
        "ends_at": freeze.ends_at.isoformat(),
    }


def _checked_name(name: str) -> str:
    name = text_from(name, field="name")
    if len(name) > MAX_NAME:
        raise InvalidInput(_("This has more than %(most)s characters.") % {"most": MAX_NAME}, field="name")
    return name


def _check_times(starts_at: datetime, ends_at: datetime) -> None:
    if ends_at <= starts_at:
        raise InvalidInput(_("The freeze ends before it begins. Give a later end."), field="ends_at")
    if ends_at <= timezone.now():
        raise InvalidInput(_("The freeze would be over already. Give an end that is still to come."), field="ends_at")
    if ends_at - starts_at > LONGEST:
        raise InvalidInput(_("A freeze lasts a year at most. Give an earlier end."), field="ends_at")
