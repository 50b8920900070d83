"""Which grants a campaign covers: those in force that whoever opens it may know of, perhaps of some groups or roles."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from django.contrib.auth.models import Group
from django.utils.translation import gettext as _

from apps.accounts import chains, grant_scopes, granting, queries
from apps.accounts.grant_scopes import Facts
from apps.accounts.models import Grant, GrantScope, User
from apps.accounts.permissions import Permission
from apps.accounts.roles import ROLES
from apps.errors import InvalidInput

MOST_GROUPS = 500


@dataclass(frozen=True)
class Coverage:
    """What narrows a campaign; nothing: it covers every grant.

    `pattern` is of models' names, as grants write it: the campaign covers the grants on parts of the registry that
    reach such a model. Those on the whole registry belong to a campaign without a pattern.
    """

    groups: tuple[str, ...] = ()
    roles: tuple[str, ...] = ()
    pattern: str = ""

    def described(self) -> dict[str, Any]:
        """Return it as the trail and the API tell it."""
        return {"groups": list(self.groups), "roles": list(self.roles), "pattern": self.pattern}


def checked(groups: Iterable[str], roles: Iterable[str], pattern: str) -> Coverage:
    """Return what was asked for. Raises InvalidInput on the field at fault."""
    groups, roles, pattern = tuple(dict.fromkeys(groups)), tuple(dict.fromkeys(roles)), pattern.strip()
    if len(groups) > MOST_GROUPS:
        raise InvalidInput(_("Name at most %(most)d groups.") % {"most": MOST_GROUPS}, field="groups")
    unknown = set(groups) - set(Group.objects.filter(name__in=groups).values_list("name", flat=True))
    if unknown:
        message = _("There is no group “%(name)s”. Copy its name from the people page.")
        raise InvalidInput(message % {"name": min(unknown)}, field="groups")
    for role in roles:
        if role not in ROLES and role not in list(Permission):
            raise InvalidInput(_("There is no role “%(name)s”.") % {"name": role}, field="roles")
    if pattern:
        try:
            pattern = grant_scopes.checked_value(GrantScope.PATTERN, pattern)
        except InvalidInput as error:
            raise InvalidInput(error.message, field="pattern") from error
    return Coverage(groups, roles, pattern)


def covered(coverage: Coverage, by: User) -> list[Grant]:
    """Return the grants that a campaign opened now by `by` covers, by holder, with the names of their models."""
    rows = queries.visible_grants(by).filter(pk__in=granting.in_force().values("pk"))
    if coverage.groups:
        rows = rows.filter(group__name__in=coverage.groups)
    if coverage.roles:
        rows = rows.filter(role__in=coverage.roles)
    if coverage.pattern:
        rows = rows.exclude(scope=GrantScope.REGISTRY)
    found = list(rows.order_by("pk"))
    if coverage.pattern:
        found = granting.reaching_any(found, _named_like(coverage.pattern, by))
    return sorted(chains.named(found, by), key=lambda grant: (str(holder_name(grant)).casefold(), grant.role, grant.pk))


def _named_like(pattern: str, by: User) -> list[int]:
    """Return the keys of the models that `by` sees whose names fit."""
    fits = grant_scopes.reach(GrantScope.PATTERN, pattern)
    rows = chains.visible_models(by).values_list("pk", "connection_id", "name").order_by()
    return [key for key, server, name in rows if fits(Facts(key, server, name, {}, ""))]


def holder_name(grant: Grant) -> str:
    """Return the name of the group, or the user name of the person, that holds a grant."""
    holder = grant.holder
    return holder.get_username() if isinstance(holder, User) else holder.name
