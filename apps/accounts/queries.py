"""Reading roles, grants, tokens and service accounts, with constant query counts."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from django.contrib.auth.models import Group
from django.db.models import Q, QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _

from apps.accounts import chains, granting, grants
from apps.accounts.grant_scopes import DEFAULT_CONNECTION
from apps.accounts.models import ApiToken, Grant, GrantScope, User
from apps.accounts.permissions import Permission
from apps.accounts.roles import ROLES, gives
from apps.errors import NotAllowed, NotVisible

GRANTS_SHOWN = 20  # of a group, or of one's own; the page of grants has all


@dataclass(frozen=True)
class ModelRoles:
    """The roles held on one registered model."""

    model: Any
    roles: list[str]


def own_roles(user: User) -> tuple[list[str], list[ModelRoles]]:
    """Return the role names on the whole registry, and those on each single model where `user` was given more."""
    everywhere = grants.held_permissions(user)
    held: dict[int, frozenset[Permission]] = {}
    for grant in _own(user).filter(scope=GrantScope.MODEL)[:GRANTS_SHOWN]:
        held[grant.model_id] = held.get(grant.model_id, frozenset()) | gives(grant.role, everywhere=False)
    more = {key: names for key, names in held.items() if not names <= everywhere}
    models = chains.visible_models(user).filter(pk__in=more)
    rows = [ModelRoles(model, grants.roles_for(everywhere | more[model.pk])) for model in models]
    return grants.roles_of(user), by_name(rows)


def own_scopes(user: User) -> list[chains.Chain]:
    """Return the grants in force that `user` holds by the names, tags, tiers and servers of models."""
    parts = _own(user).exclude(scope__in=[GrantScope.REGISTRY, GrantScope.MODEL])
    return [chains.Chain(grant) for grant in parts[:GRANTS_SHOWN]]


def held_by(user: User) -> Q:
    """Return the condition on a grant that it is the person's own, or of a group that they are in."""
    return Q(person=user) | Q(group__in=user.groups.order_by().values("pk"))


def _own(user: User) -> QuerySet[Grant]:
    return granting.in_force().filter(held_by(user)).select_related("group").order_by("-id")


def in_order(roles: list[str]) -> list[str]:
    """Return roles in the order of roles.py, single permissions last."""
    order = list(ROLES)
    return sorted(set(roles), key=lambda role: (order.index(role) if role in ROLES else len(order), role))


@dataclass(frozen=True)
class ListedToken:
    """A token and the models that it is limited to, as far as who looks sees them; `unseen`: how many others."""

    token: ApiToken
    models: list[Any]
    unseen: int


def tokens_of(user: User) -> QuerySet[ApiToken]:
    """Return the tokens of a person or service account, newest first, revoked and expired ones too."""
    return ApiToken.objects.filter(user=user).select_related("user").order_by("-id")


def visible_tokens(owner: User, viewer: Any) -> QuerySet[ApiToken]:
    """Return the tokens of `owner` that `viewer` may know of: a token that is limited to models knows itself alone."""
    rows = tokens_of(owner)
    return rows.filter(pk=viewer.bounds.through.pk) if viewer.is_limited else rows


def listed_tokens(tokens: Iterable[ApiToken], viewer: Any) -> list[ListedToken]:
    """Return tokens with the models that they are limited to, as `viewer` sees them, in two queries at most."""
    tokens = list(tokens)
    keys = {key for token in tokens for key in token.limited_to or ()}
    named = {model.pk: model for model in chains.visible_models(viewer).filter(pk__in=keys)} if keys else {}
    found = []
    for token in tokens:
        models = [named[key] for key in token.limited_to or () if key in named]
        found.append(ListedToken(token, models, len(token.limited_to or ()) - len(models)))
    return found


def service_account(number: int) -> User:
    """Return the service account of this number. Raises NotVisible, also for a person's."""
    found = User.objects.filter(pk=number, is_service=True).first()
    if found is None:
        raise NotVisible(_("There is no such service account. Look at the list of people."))
    return found


def by_name(rows: list[ModelRoles]) -> list[ModelRoles]:
    """Return the roles on models by the name of the model."""
    return sorted(rows, key=lambda row: str(row.model))


def needs_people_manage(user: Any) -> None:
    """Refuse whoever does not manage people. Raises NotAllowed."""
    if not grants.allows(user, Permission.PEOPLE_MANAGE):
        raise NotAllowed(_("Only an admin of the whole registry manages people. Ask one to do this."))


def visible_grants(user: Any) -> QuerySet[Grant]:
    """Return the grants that `user` may know of: those of others to who manages people, else one's own.

    A grant on one model is known only to who may see that model. Through a token that is limited to models, only those
    on them: what else a grant is on, and why it was given, may name any other.
    """
    rows = Grant.objects.select_related("group", "person")
    if not grants.allows(user, Permission.PEOPLE_MANAGE):
        rows = rows.filter(held_by(user))
    if grants.allows(user, Permission.MODEL_READ):
        return rows
    of_models = Q(model_id__in=chains.visible_models(user).order_by().values("pk"))
    return rows.filter(of_models if user.is_limited else Q(model_id=0) | of_models)


def filtered_grants(rows: QuerySet[Grant], wanted: dict[str, Any]) -> QuerySet[Grant]:
    """Return the grants that are wanted: by holder, role, scope, and whether they are in force ("ended", "ending")."""
    if holder := wanted.get("holder"):
        rows = rows.filter(
            Q(group__name=holder) | Q(person__username=holder) | Q(group__user__username=holder)
        ).distinct()
    if role := wanted.get("role"):
        rows = rows.filter(role=role)
    if scope := wanted.get("scope"):
        rows = rows.filter(scope=scope)
    in_force = Q(until=None) | Q(until__gt=timezone.now())
    show = wanted.get("show") or ""
    if show == "ended":
        return rows.filter(~in_force | Q(ended_at__isnull=False))
    if show == "ending":
        in_force &= Q(until__isnull=False)
    return rows.filter(in_force, ended_at=None)


def grants_page(user: Any, wanted: dict[str, Any], size: int) -> tuple[list[chains.Chain], int | None]:
    """Return grants, newest first, from the number `before` on, and the number to go on from, None at the end."""
    rows = filtered_grants(visible_grants(user), wanted)
    if before := wanted.get("before"):
        rows = rows.filter(pk__lt=before)
    found = list(rows.order_by("-pk")[: size + 1])
    more = found[size - 1].pk if len(found) > size else None
    return [chains.Chain(grant) for grant in chains.named(found[:size], user)], more


def group_named(name: str) -> Group | None:
    """Return the group of this name, or None."""
    return Group.objects.filter(name=name).first()


def person_named(name: str) -> User | None:
    """Return the person with this user name, or None."""
    return User.objects.filter(username=name).first()


def model_named(reference: str, by: User) -> Any:
    """Return the live model that is called so ("churn", "eu:churn"), as `by` sees it, or None."""
    server, colon, name = reference.partition(":")
    connection, name = (server, name) if colon else (DEFAULT_CONNECTION, reference)
    return chains.visible_models(by).filter(connection=connection, name=name, deleted_at=None).first()
