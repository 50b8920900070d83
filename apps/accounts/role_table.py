"""Roles on one page: which permissions each gives, on what how many grants of it count, and who holds it where."""

from dataclasses import dataclass
from typing import Any

from django.db.models import Count, F, Q, QuerySet
from django.utils.translation import gettext as _

from apps.accounts import chains, granting, queries
from apps.accounts.models import Grant, GrantScope, User
from apps.accounts.permissions import Permission
from apps.accounts.roles import ROLES, Role, gives
from apps.errors import InvalidInput

FIRST = (Permission.MODEL_READ, Permission.MODEL_WRITE, Permission.MODEL_DEPLOY, Permission.MODEL_DELETE)
GROUPS_FIRST = [F(name).asc(nulls_last=True) for name in ("group__name", "person__username")]


@dataclass(frozen=True)
class RoleColumn:
    """A role of the table, and how many grants of it are in force."""

    role: str
    label: str
    duty: bool
    held: int


@dataclass(frozen=True)
class RoleTable:
    """Permissions × roles: the four that every system has come first, then the finer ones.

    A line is a permission with, for each role, its label and a word: "yes", "registry" (there alone) or "no".
    `scopes`: on what the grants in force count, each with the roles and how many grants of each there are.
    `superusers`: who holds everything without any grant.
    """

    roles: list[RoleColumn]
    lines: list[tuple[Permission, list[tuple[str, str]]]]
    scopes: list[tuple[GrantScope, list[tuple[RoleColumn, int]]]]
    superusers: list[User]


def role_table() -> RoleTable:
    """Return which role gives which permission, on models and only on the whole registry. Two queries."""
    order = [*FIRST, *(permission for permission in Permission if permission not in FIRST)]
    rows = granting.in_force().order_by().values_list("scope", "role").annotate(Count("pk"))
    counted = {(scope, role): count for scope, role, count in rows}
    roles = list(ROLES.values())
    columns = [
        RoleColumn(
            role.name, str(role.label), role.duty, sum(counted.get((scope, role.name), 0) for scope in GrantScope)
        )
        for role in roles
    ]
    scopes = [(scope, [(column, counted.get((scope, column.role), 0)) for column in columns]) for scope in GrantScope]
    lines = [(permission, [(str(role.label), _given(role, permission)) for role in roles]) for permission in order]
    return RoleTable(columns, lines, scopes, list(superusers()))


def superusers() -> QuerySet[User]:
    """Return the active people who hold everything by what Django calls them: in no grant, so in no access review."""
    return User.objects.filter(is_superuser=True, is_active=True).order_by("username")


def _given(role: Role, permission: Permission) -> str:
    if permission in gives(role.name, everywhere=False):
        return "yes"
    return "registry" if permission in gives(role.name, everywhere=True) else "no"


def holders(user: Any, wanted: dict[str, Any], size: int) -> tuple[list[chains.Chain], int | None]:
    """Return the grants in force that `user` may know of: those of groups by their names, then those of persons.

    `wanted` names holder, role and scope, and with `after` the grant that was shown last. Also returns the number to
    go on from, None at the end. As many queries for one grant as for thousands. Raises InvalidInput (field "after")
    for a grant that is not there.
    """
    visible = queries.visible_grants(user)
    rows = queries.filtered_grants(visible, {name: wanted.get(name) for name in ("holder", "role", "scope")})
    if last := _shown_last(visible, wanted.get("after")):
        rows = rows.filter(_behind(last))
    found = list(rows.order_by(*GROUPS_FIRST, "pk")[: size + 1])
    more = found[size - 1].pk if len(found) > size else None
    return [chains.Chain(grant) for grant in chains.named(found[:size], user)], more


def _behind(last: Grant) -> Q:
    """Return the condition on a grant that it stands behind another one in the list."""
    name = last.holder_name
    if last.group_id:
        return Q(group=None) | Q(group__name__gt=name) | Q(group__name=name, pk__gt=last.pk)
    return Q(group=None) & (Q(person__username__gt=name) | Q(person__username=name, pk__gt=last.pk))


def _shown_last(visible: QuerySet[Grant], number: int | None) -> Grant | None:
    if number is None:
        return None
    found = visible.filter(pk=number).first()
    if found is None:
        raise InvalidInput(_("There is no such grant to go on from. Start at the first page."), field="after")
    return found
