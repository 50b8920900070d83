"""Freeze windows: times in which nothing is applied. People may vote meanwhile.

What moves together is held together: a freeze of a stage holds the alias that the stage's policy moves with it, whether
that alias moves along or is asked for alone; a freeze of an alias holds a move to a stage that takes the alias along.
"""

from datetime import datetime, timedelta

from django.db.models import Q, QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _

from apps.accounts.models import User
from apps.approvals.aiming import NOT_SERVED, alias_of
from apps.approvals.models import UNFINISHED, ApprovalPolicy, ApprovalRequest, FreezeWindow, PolicyState, ProtectedAlias
from apps.approvals.policies.managing import managing, must_see, name_of
from apps.approvals.policies.selecting import in_force
from apps.approvals.texts import stage_from
from apps.audit.actions import Action
from apps.audit.services import Target
from apps.errors import InvalidInput, NotVisible, RuleViolation, WrongState
from apps.registry.models import RegisteredModel, Stage
from apps.registry.queries import visible_models
from apps.texts import text_from

MAX_NAME = 200
LONGEST = timedelta(days=366)


def holding(request: ApprovalRequest, at: datetime) -> FreezeWindow | None:
    """Return the freeze that holds a request back at this time, the one that ends last; None when nothing does."""
    return _holding(of_request(request, at), at)


def of_request(request: ApprovalRequest, at: datetime) -> QuerySet[FreezeWindow]:
    """Return the freezes of what a request moves, a stage with the alias that moves along, as `of_target`."""
    return of_target(request.version.model_id, request.to_stage, at, alias=alias_of(request))


def holding_target(model_id: int, stage: str, at: datetime, *, alias: str = "") -> FreezeWindow | None:
    """Return the freeze that holds a model's stage, or its alias, at this time."""
    return _holding(of_target(model_id, stage, at, alias=alias), at)


def of_target(model_id: int, stage: str, at: datetime, *, alias: str = "") -> QuerySet[FreezeWindow]:
    """Return the freezes of a model's stage, its alias, or both that hold at this time or are to come, in order."""
    targets = Q(stage="", alias="")
    if stage:
        targets |= Q(stage=stage)
    if alias:
        targets |= Q(alias=alias)
    if alias and not stage:
        targets |= Q(stage__in=stages_that_move(model_id, alias))
    return standing(at).filter(targets, Q(model=None) | Q(model=model_id)).order_by("starts_at", "id")


def stages_that_move(model_id: int, alias: str) -> list[str]:
    """Return the stages of a model whose policy in force moves this alias along."""
    if not ApprovalPolicy.objects.filter(state=PolicyState.PUBLISHED, moves_alias=alias).exists():
        return []
    governed = {stage: in_force(model_id, stage) for stage in Stage.values if stage not in NOT_SERVED}
    return [stage for stage, policy in governed.items() if policy and policy.moves_alias == alias]


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
    alias: str = "",
    reason: str,
    by: User | None,
) -> FreezeWindow:
    """Hold back what is approved from `starts_at` to `ends_at`, for one model or all.

    Of one stage, of one protected alias, or of every target.

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
            alias=_checked_alias(alias, stage),
            starts_at=starts_at,
            ends_at=ends_at,
            created_by=name_of(by),
        )
        _check_times(starts_at, ends_at)
        freeze.save(force_insert=True)
        trial.done(reason=freeze.reason, after=described(freeze))
    return freeze


def lift(freeze_id: int, *, reason: str, by: User | None) -> FreezeWindow:
    """End a freeze before its time, with a reason; not by somebody whose own unfinished request it holds back.

    Raises NotVisible, NotAllowed, WrongState when it is over already, RuleViolation and InvalidInput.
    """
    with managing(Action.FREEZE_LIFTED, Target("freeze", f"freeze {freeze_id}"), by=by) as trial:
        known = FreezeWindow.objects.select_for_update(of=("self",)).select_related("model")
        freeze = known.filter(pk=freeze_id).first() if 0 < freeze_id < 2**63 else None
        if freeze is None:
            raise NotVisible(_("There is no such freeze, or you may not see it."))
        must_see(freeze.model, by)
        trial.target, now = Target("freeze", freeze.name, freeze.model_id), timezone.now()
        if freeze.lifted_at or freeze.ends_at <= now:
            raise WrongState(_("This freeze is over already. There is nothing to lift."))
        reason = text_from(reason, field="reason")
        if by and (own := _held_request_of(by, freeze, now)):
            message = _(
                "It holds back your own request %(number)s, so somebody else has to lift it. Ask another admin."
            )
            raise RuleViolation(message % {"number": own.pk})
        freeze.lifted_at, freeze.lifted_by = now, name_of(by)
        freeze.save(update_fields=["lifted_at", "lifted_by"])
        trial.done(reason=reason, before=described(freeze))
    return freeze


def described(freeze: FreezeWindow) -> dict[str, str | None]:
    """Return a freeze as the trail keeps it."""
    return {
        "name": freeze.name,
        "model": freeze.model.reference if freeze.model else None,
        "stage": freeze.stage,
        "alias": freeze.alias,
        "starts_at": freeze.starts_at.isoformat(),
        "ends_at": freeze.ends_at.isoformat(),
    }


def _holding(freezes: QuerySet[FreezeWindow], at: datetime) -> FreezeWindow | None:
    return freezes.filter(starts_at__lte=at).order_by("-ends_at", "id").first()


def _held_request_of(by: User, freeze: FreezeWindow, at: datetime) -> ApprovalRequest | None:
    """Return an unfinished request of this person that the freeze holds back, or will; None when there is none.

    A bypass and a rollback are held back by nothing.
    """
    own = ApprovalRequest.objects.filter(requester=by, state__in=UNFINISHED, expedited=False)
    if freeze.model_id:
        own = own.filter(version__model=freeze.model_id)
    requests = own.select_related("version", "policy").order_by("pk")
    return next((row for row in requests if of_request(row, at).filter(pk=freeze.pk).exists()), None)


def _checked_alias(alias: str, stage: str) -> str:
    if alias and stage:
        message = _("Name a stage or an alias, not both. A freeze of a stage holds the alias that moves with it.")
        raise InvalidInput(message, field="alias")
    if alias and not ProtectedAlias.objects.filter(alias=alias).exists():
        message = _("@%(alias)s is not a protected alias: nothing of Assent moves it, so there is nothing to hold.")
        raise InvalidInput(message % {"alias": alias}, field="alias")
    return alias


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
