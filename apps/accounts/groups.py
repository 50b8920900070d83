"""Reading groups: a page of them as a table, and one of them, each in a constant number of queries."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from django.contrib.auth.models import Group
from django.core.paginator import Page, Paginator
from django.db.models import Count, Q, QuerySet
from django.utils.translation import gettext as _

from apps.accounts import chains, queries
from apps.accounts.models import Grant, GrantScope, User
from apps.accounts.queries import GRANTS_SHOWN, ModelRoles, by_name, in_order
from apps.accounts.single_sign_on.services import claims_for
from apps.errors import NotVisible

GROUP_ROWS = 25
MEMBERS_SHOWN = 50
NAMES_OFFERED = 200  # user names that a browser completes while somebody is put into a group


@dataclass(frozen=True)
class GroupLine:
    """A group in the table: how many members, its roles on the whole registry, how many grants besides.

    `claims` are what the provider of single sign-on must say of somebody who is to be a member; empty where it does
    not decide.
    """

    group: Group
    members: int
    registry_roles: list[str]
    others: int
    claims: list[str]


@dataclass(frozen=True)
class GroupOverview:
    """A group: a page of its active and inactive members, its roles on the whole registry, and those on parts of it.

    `others` are grants by name, tag, tier or server, in words; `more`: how many grants there are beyond those shown.
    """

    group: Group
    members: Page
    registry_roles: list[str]
    model_roles: list[ModelRoles]
    others: list[chains.Chain]
    more: int


def matching_groups(words: str) -> QuerySet[Group]:
    """Return the groups whose name has each of these words, by name; all of them for none."""
    return Group.objects.filter(*(Q(name__icontains=word) for word in words.split())).order_by("name")


def matching_people(words: str) -> QuerySet[User]:
    """Return the people whose user name or name has each of these words, by user name; all of them for none."""
    named = (
        Q(username__icontains=word) | Q(first_name__icontains=word) | Q(last_name__icontains=word)
        for word in words.split()
    )
    return User.objects.filter(*named).order_by("username")


def group_lines(user: Any, found: Iterable[Group]) -> list[GroupLine]:
    """Return these groups for the table, in two queries; grants on models out of the reader's sight do not count."""
    listed = list(found)
    keys = [group.pk for group in listed]
    memberships = User.groups.through.objects.filter(group__in=keys).values("group").annotate(number=Count("pk"))
    members = {row["group"]: row["number"] for row in memberships.order_by()}
    everywhere: dict[int, list[str]] = defaultdict(list)
    others: dict[int, int] = defaultdict(int)
    for row in _grants_of(user, keys).order_by().values("group", "scope", "role").annotate(number=Count("pk")):
        if row["scope"] == GrantScope.REGISTRY:
            everywhere[row["group"]].append(row["role"])
        else:
            others[row["group"]] += row["number"]
    return [
        GroupLine(
            group,
            members.get(group.pk, 0),
            in_order(everywhere[group.pk]),
            others[group.pk],
            claims_for(group.name),
        )
        for group in listed
    ]


def group_numbered(number: int) -> Group:
    """Return the group of this number, to those who manage people: the caller has asked that. Raises NotVisible."""
    found = Group.objects.filter(pk=number).first() if number < 2**63 else None
    if found is None:
        raise NotVisible(_("There is no such group. Look at the list of people and groups."))
    return found


def group_overview(user: Any, group: Group, page: int = 1) -> GroupOverview:
    """Return one group with a page of its members; only models that `user` may see are named."""
    held = _grants_of(user, [group.pk])
    everywhere = list(held.filter(scope=GrantScope.REGISTRY).values_list("role", flat=True))
    parts = held.exclude(scope=GrantScope.REGISTRY)
    shown = list(parts.order_by("scope", "-pk")[:GRANTS_SHOWN])
    keys = {grant.model_id for grant in shown if grant.model_id}
    models = {model.pk: model for model in chains.visible_models(user).filter(pk__in=keys)}
    on: dict[int, list[str]] = defaultdict(list)
    for grant in shown:
        if grant.model_id in models:
            on[grant.model_id].append(grant.role)
    return GroupOverview(
        group,
        Paginator(group.user_set.order_by("username"), MEMBERS_SHOWN).get_page(page),
        in_order(everywhere),
        by_name([ModelRoles(models[key], in_order(roles)) for key, roles in on.items()]),
        [chains.Chain(grant) for grant in shown if not grant.model_id],
        parts.count() - len(shown),
    )


def names_to_offer() -> list[User]:
    """Return the first active people by user name, for the field that puts one into a group."""
    return list(User.objects.filter(is_active=True).order_by("username")[:NAMES_OFFERED])


def _grants_of(user: Any, groups: list[int]) -> QuerySet[Grant]:
    return queries.filtered_grants(queries.visible_grants(user), {}).filter(group__in=groups)
