"""Permissions of a registered model: Databricks' levels, given and taken as grants on that model.

What levels cannot say stays as it is: grants on anything larger (shown as inherited), the emergency duty, and single
permissions.
"""

from collections import defaultdict
from collections.abc import Iterable
from typing import Any

from django.contrib.auth.models import Group
from django.db.models import Q
from django.utils.translation import gettext as _

from apps.accounts import giving, granting, queries, scopes
from apps.accounts.models import Grant, GrantScope, User
from apps.accounts.roles import gives
from apps.errors import InvalidInput, NotVisible
from apps.gateway.callers import Caller
from apps.gateway.canonical import Answer, Call
from apps.gateway.databricks import fields
from apps.gateway.databricks.levels import BY_NAME, LEVELS, ROLES, level_of
from apps.gateway.enforcement import guards
from apps.registry import queries as registry
from apps.registry.models import DEFAULT_CONNECTION, RegisteredModel

Holder = Group | User
PRINCIPALS = ("user_name", "group_name", "service_principal_name")
MOST = 200  # entries of one list


@guards("databricks.permissions.levels")
def levels(call: Call, who: Caller) -> Answer | None:
    """Answer with the levels that there are, the lowest first."""
    _model(call, who, scopes.READ)
    rows = [{"permission_level": level.name, "description": str(level.description)} for level in reversed(LEVELS)]
    return {"permission_levels": rows}


@guards("databricks.permissions.get")
def get(call: Call, who: Caller) -> Answer | None:
    """Answer with who holds what on a model: for whoever manages people, since part of a list would read as all."""
    model = _model(call, who, scopes.ADMIN)
    queries.needs_people_manage(who.user)
    return _listed(model)


@guards("databricks.permissions.set")
def replace(call: Call, who: Caller) -> Answer | None:
    """Make a list all that is given on the model itself: who is not in it loses what levels give there."""
    model = _model(call, who, scopes.ADMIN)
    queries.needs_people_manage(who.user)
    wanted = _entries(call)
    for holder, level in wanted:
        _set_level(model, holder, level, who)
    named = {_identity(holder) for holder, _level in wanted}
    for key, grants in _direct(model).items():
        if key not in named:
            _end(grants, who)
    return _listed(model)


@guards("databricks.permissions.update")
def update(call: Call, who: Caller) -> Answer | None:
    """Give each holder in the list their level on the model; everybody else keeps theirs."""
    model = _model(call, who, scopes.ADMIN)
    queries.needs_people_manage(who.user)
    for holder, level in _entries(call):
        _set_level(model, holder, level, who)
    return _listed(model)


def _model(call: Call, who: Caller, scope: str) -> RegisteredModel:
    who.needs(scope)
    number = fields.key(call)
    rows = registry.visible_models(who.user).filter(connection=DEFAULT_CONNECTION, deleted_at=None, pk=number)
    found = rows.first()
    if found is None:
        raise NotVisible(_("Registered Model with id=%(id)s not found") % {"id": number})
    call.about, call.model_id = found.name, found.pk
    return found


def _entries(call: Call) -> list[tuple[Holder, str]]:
    """Return the holders of a list with their levels, all checked before anything is given. Raises InvalidInput."""
    given = call.params.get("access_control_list", [])
    if not isinstance(given, list) or len(given) > MOST or not all(isinstance(entry, dict) for entry in given):
        message = _("“access_control_list” must be a list of at most %(most)s entries.")
        raise InvalidInput(message % {"most": MOST}, field="access_control_list")
    found = [_entry(entry) for entry in given]
    if len({_identity(holder) for holder, _level in found}) != len(found):
        raise InvalidInput(_("Each holder stands in the list once."), field="access_control_list")
    return found


def _entry(entry: dict[str, Any]) -> tuple[Holder, str]:
    named = [(kind, entry[kind]) for kind in PRINCIPALS if entry.get(kind)]
    if len(named) != 1 or not isinstance(named[0][1], str):
        message = _("Each entry names one holder: %(kinds)s.") % {"kinds": ", ".join(PRINCIPALS)}
        raise InvalidInput(message, field="access_control_list")
    level = entry.get("permission_level")
    if level not in BY_NAME:
        message = _("There is no such level. Use one of: %(levels)s.")
        raise InvalidInput(message % {"levels": ", ".join(BY_NAME)}, field="permission_level")
    return _holder(*named[0]), str(level)


def _holder(kind: str, name: str) -> Holder:
    found: Holder | None
    if kind == "group_name":
        found = queries.group_named(name)
    else:
        person = queries.person_named(name)
        found = person if person and person.is_service == (kind == "service_principal_name") else None
    if found is None:
        raise InvalidInput(_("There is no %(kind)s “%(name)s”.") % {"kind": kind, "name": name[:150]}, field=kind)
    return found


def _set_level(model: RegisteredModel, holder: Holder, wanted: str, who: Caller) -> None:
    """Give a holder a level on the model. One that they have there already is left as it is, with its last day."""
    held = _direct(model).get(_identity(holder), [])
    if _level(held) == wanted:
        return
    roles, reason = BY_NAME[wanted].roles, _reason()
    for role in sorted(roles - {grant.role for grant in held}):
        giving.give_grant(holder, role, GrantScope.MODEL, by=who.user, reason=reason, model=model)
    _end([grant for grant in held if grant.role not in roles], who)


def _end(grants: Iterable[Grant], who: Caller) -> None:
    for grant in grants:
        if grant.role in ROLES:
            giving.end_grant(grant.pk, by=who.user, reason=_reason())


def _reason() -> str:
    return _("Set as a permission of the registered model.")


def _listed(model: RegisteredModel) -> Answer:
    direct, inherited = _direct(model), _inherited(model)
    rows = [_row(key, direct.get(key, []), inherited.get(key, [])) for key in sorted({*direct, *inherited})]
    return {
        "object_id": f"/registered-models/{model.pk}",
        "object_type": "registered-model",
        "access_control_list": [row for row in rows if row["all_permissions"]],
    }


def _row(key: tuple[str, str], direct: list[Grant], inherited: list[Grant]) -> dict[str, Any]:
    holder = (direct or inherited)[0].holder
    found: list[dict[str, Any]] = []
    if level := _level(direct):
        found.append({"permission_level": level, "inherited": False})
    places: dict[str, list[Grant]] = defaultdict(list)
    for grant in inherited:
        places[_place(grant)].append(grant)
    for place, grants in sorted(places.items()):
        if level := _level(grants):
            found.append({"permission_level": level, "inherited": True, "inherited_from_object": [place]})
    display = holder.get_full_name() or holder.get_username() if isinstance(holder, User) else holder.name
    return {key[0]: key[1], "display_name": display, "all_permissions": found}


def _direct(model: RegisteredModel) -> dict[tuple[str, str], list[Grant]]:
    rows = Grant.objects.filter(scope=GrantScope.MODEL, model_id=model.pk, ended_at=None)
    return _by_holder(rows.select_related("group", "person").order_by("pk"))


def _inherited(model: RegisteredModel) -> dict[tuple[str, str], list[Grant]]:
    rows = Grant.objects.filter(~Q(scope=GrantScope.MODEL), ended_at=None).select_related("group", "person")
    return _by_holder(granting.reaching(rows.order_by("pk"), model.pk))


def _by_holder(grants: Iterable[Grant]) -> dict[tuple[str, str], list[Grant]]:
    found: dict[tuple[str, str], list[Grant]] = defaultdict(list)
    for grant in grants:
        if grant.in_force:
            found[_identity(grant.holder)].append(grant)
    return dict(found)


def _identity(holder: Holder) -> tuple[str, str]:
    """Return a holder as the lists name them: which field, and which name."""
    if isinstance(holder, Group):
        return "group_name", holder.name
    return "service_principal_name" if holder.is_service else "user_name", holder.get_username()


def _level(grants: Iterable[Grant]) -> str:
    return level_of(frozenset().union(*(gives(grant.role, everywhere=False) for grant in grants)))


def _place(grant: Grant) -> str:
    """Return on what an inherited grant is: "/registered-models/", or what of them it takes in."""
    value = "" if grant.scope == GrantScope.REGISTRY else f"?{grant.scope}={grant.value}"
    return f"/registered-models/{value}"
