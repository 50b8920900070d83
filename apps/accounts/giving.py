"""Roles are given on a scope, with a reason and perhaps a last day; they are taken, and they lapse.

Each is one transaction: the grant, what follows from it (granting.py), whoever may object (guards.py), and the event.
"""

from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from django.apps import apps
from django.contrib.auth.models import Group
from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _

from apps.accounts import grant_scopes, granting, guards
from apps.accounts.managing import (
    kept,
    locked,
    managing,
    needs_reason,
    somebody_still_manages_people,
    target_of,
    visible_model,
)
from apps.accounts.models import Grant, GrantScope, User
from apps.accounts.permissions import Permission
from apps.accounts.roles import DATA_SCIENTIST, ROLES, gives
from apps.audit.actions import Action
from apps.audit.services import Actor, Target, record
from apps.errors import Conflict, InvalidInput, NotVisible, RuleViolation
from apps.jobs.ringing import Over, each_in_time, over_after

LONGEST = timedelta(days=3653)  # ten years
SYSTEM = Actor("system:grants")
MAX_REASON = 5000  # characters
SECONDS = 20  # that one ring of `lapse` takes: beat rings once a minute


def give_grant(
    holder: Group | User,
    role: str,
    scope: str = GrantScope.REGISTRY,
    *,
    by: User,
    reason: str,
    value: str = "",
    model: Any = None,
    until: date | None = None,
) -> Grant:
    """Give a group or person a role, or a single permission, on a scope; `until` is the last day (UTC) of it.

    `value` is the pattern, tag, tier or server; `model` the registered model, or its key, where the scope is one.
    Raises NotAllowed, NotVisible, InvalidInput (role, scope, value, until, reason), Conflict when they hold it there
    already, RuleViolation when a guard objects: whoever asked for a promotion does not choose who signs it.
    """
    kind = "group" if isinstance(holder, Group) else "person"
    person = holder if isinstance(holder, User) else None
    with managing(Action.GRANT_CHANGED, by=by, target=target_of(kind, holder), person=person) as trial:
        who = locked(type(holder), holder)
        on = visible_model(model, by)
        trial.target = Target(kind, str(who) if kind == "group" else who.get_username(), on.pk if on else None)
        _check_scope(scope, on)
        new = Grant(
            role=_checked_role(role, scope),
            scope=scope,
            value=grant_scopes.checked_value(scope, value),
            model_id=on.pk if on else 0,
            until=_end_of(until),
            reason=kept(reason, MAX_REASON),
            made_by=by.get_username(),
            **{kind: who},
        )
        needs_reason(reason)
        granting.lock()
        there = _same(new)
        if there and there.in_force:
            message = _("%(holder)s holds this already on %(scope)s. End that grant first to give it another last day.")
            raise Conflict(message % {"holder": who, "scope": _on(new, on)}, field="role")
        if there:
            _lapse(there)
        new.save(force_insert=True)
        found = granting.bring_up(who, meant=[new])
        guards.ask(guards.GrantChange(by, who, found.of(granting.as_holder(who))))
        trial.done(reason=reason, before={"grant": None}, after={"grant": described(new, on)}, number=new.pk)
    return new


def give_maker(maker: User, model: Any) -> None:
    """Give whoever registered a model the data scientist's role on it, unless a grant gives them that already."""
    with transaction.atomic():
        granting.lock()
        new = Grant(
            role=DATA_SCIENTIST.name, scope=GrantScope.MODEL, model_id=model.pk, made_by=SYSTEM.name, person=maker,
            reason=_("They registered the model."),
        )  # fmt: skip
        if _same(new):
            return
        new.save(force_insert=True)
        granting.bring_up(maker, meant=[new])
        record(
            Action.GRANT_CHANGED, by=SYSTEM, target=_target(new), reason=new.reason, before={"grant": None},
            after={"grant": described(new, model)}, number=new.pk,
        )  # fmt: skip


def end_grant(number: int, *, by: User, reason: str) -> Grant:
    """Take a grant back; what follows from it ends at once.

    Raises NotAllowed, NotVisible, InvalidInput (reason), Conflict when it has ended already, RuleViolation when nobody
    could manage people any more, or when a guard objects.
    """
    with managing(Action.GRANT_CHANGED, by=by, target=Target("grant", str(number))) as trial:
        granting.lock()
        grant = Grant.objects.select_related("group", "person").filter(pk=number).first() if number < 2**63 else None
        if grant is None:
            raise NotVisible(_("There is no such grant. Look at the list of grants."))
        on = visible_model(grant.model_id or None, by)
        trial.target = _target(grant)
        needs_reason(reason)
        if not grant.in_force:
            raise Conflict(_("This grant has ended already."))
        _take(grant, by=by, reason=reason)
        somebody_still_manages_people()
        trial.done(reason=reason, before={"grant": described(grant, on)}, after={"grant": None}, number=grant.pk)
    return grant


def end_reviewed(
    grant: Grant, *, by: User | None, actor: Actor, reason: str, behind: Iterable[User] = (), **data: Any
) -> None:
    """End a grant that an access review takes back, in the caller's transaction, which is in line and holds the lock.

    The caller has seen to it that whoever decides may. `by` None: nobody answered; the guards are asked as if each of
    `behind`, whom the caller has locked, ended it. `data` is what the event says besides. Raises RuleViolation when
    nobody could manage people any more, or when a guard objects.
    """
    _take(grant, by=by, reason=reason, name=actor.name, behind=behind)
    somebody_still_manages_people()
    _record_end(grant, actor, reason, **data)


def lapse(over: Over | None = None) -> int:
    """Mark as ended the grants whose last day is over, and tidy what followed from them; return how many.

    They counted no longer before: what follows from a grant carries its end. `over` says whether this ring has taken
    its time: what is left, or fails, waits for the next one and holds up no other.
    """
    return each_in_time(_overdue(), _lapse_one, over or over_after(SECONDS))


def _overdue() -> QuerySet[Grant]:
    return Grant.objects.filter(ended_at=None, until__lte=timezone.now())


def _lapse_one(number: int) -> bool:
    granting.lock()
    grant = _overdue().select_related("group", "person").filter(pk=number).first()
    if grant is None:
        return False
    _lapse(grant)
    return True


def described(grant: Grant, model: Any = None) -> dict[str, Any]:
    """Return what the trail tells of a grant."""
    last_day = grant.last_day
    return {
        "role": grant.role,
        "on": _on(grant, model),
        "until": last_day.isoformat() if last_day else None,
        "reason": grant.reason,
    }


def _lapse(grant: Grant) -> None:
    """End a grant whose time is over, in the caller's transaction, which holds the lock."""
    reason = _("It was given until %(day)s.") % {"day": grant.last_day}
    _take(grant, by=None, reason=reason)
    _record_end(grant, SYSTEM, reason)


def _record_end(grant: Grant, actor: Actor, reason: str, **data: Any) -> None:
    model = apps.get_model("registry", "RegisteredModel").objects.filter(pk=grant.model_id).first()
    before = {"grant": described(grant, model)}
    record(
        Action.GRANT_CHANGED, by=actor, target=_target(grant), reason=reason, before=before, after={"grant": None},
        number=grant.pk, **data,
    )  # fmt: skip


def _take(grant: Grant, *, by: User | None, reason: str, name: str = "", behind: Iterable[User] = ()) -> None:
    """Mark a grant as ended, and end what follows from it. `by` None: it happens by itself, perhaps through `behind`.

    Raises RuleViolation when a guard objects to one of them.
    """
    name = name or (by.get_username() if by else SYSTEM.name)
    grant.ended_at, grant.ended_by, grant.ended_reason = timezone.now(), name, kept(reason, MAX_REASON)
    grant.save(update_fields=["ended_at", "ended_by", "ended_reason"])
    found = granting.bring_up(grant.holder)
    change = guards.GrantChange(by, grant.holder, found.of(granting.as_holder(grant.holder)))
    _check_behind(change, behind)
    (guards.ask if by else guards.tell)(change)


def _check_behind(change: guards.GrantChange, people: Iterable[User]) -> None:
    """Ask the guards as if each of these people made the change. Raises RuleViolation."""
    for person in people:
        try:
            guards.check(replace(change, by=person))
        except RuleViolation as error:
            message = _("%(person)s may not bring this about: “%(why)s”")
            raise RuleViolation(message % {"person": person.get_username(), "why": error.message}) from error


def _same(new: Grant) -> Grant | None:
    """Return the grant of the same to the same that has not been marked as ended, or None."""
    of = {"group": new.group, "person": new.person, "role": new.role}
    on = {"scope": new.scope, "value": new.value, "model_id": new.model_id}
    return Grant.objects.filter(**of, **on, ended_at=None).select_related("group", "person").first()


def _target(grant: Grant) -> Target:
    holder = grant.holder
    kind, name = ("person", holder.get_username()) if isinstance(holder, User) else ("group", holder.name)
    return Target(kind, name, grant.model_id or None)


def _on(grant: Grant, model: Any) -> str:
    return grant_scopes.words(grant.scope, grant.value, str(model))


def _check_scope(scope: str, model: Any) -> None:
    if scope not in GrantScope.values:
        message = _("There is no scope “%(scope)s”. Choose from: %(scopes)s.")
        raise InvalidInput(message % {"scope": scope, "scopes": ", ".join(GrantScope.values)}, field="scope")
    if scope == GrantScope.MODEL and model is None:
        raise InvalidInput(_("Name the model on which it counts."), field="model")
    if scope != GrantScope.MODEL and model is not None:
        raise InvalidInput(_("A model is named only where the scope is one model."), field="model")


def _checked_role(role: str, scope: str) -> str:
    if role not in ROLES and role not in list(Permission):
        names = ", ".join([*ROLES, *Permission])
        message = _("There is no role “%(name)s”. Choose from: %(roles)s.")
        raise InvalidInput(message % {"name": role, "roles": names}, field="role")
    if not gives(role, everywhere=scope == GrantScope.REGISTRY):
        message = _("“%(name)s” is not about models: it is given on the whole registry alone.")
        raise InvalidInput(message % {"name": role}, field="role")
    return role


def _end_of(until: date | None) -> datetime | None:
    """Return the moment from which a grant with this last day does not count."""
    if until is None:
        return None
    today = timezone.now().astimezone(UTC).date()
    if not today <= until <= today + LONGEST:
        raise InvalidInput(_("The last day is today or later, at most ten years from now."), field="until")
    return datetime.combine(until + timedelta(days=1), time.min, UTC)
