"""Reading people, groups and roles, with constant query counts."""

from dataclasses import dataclass
from typing import Any

from django.apps import apps
from django.contrib.auth.models import Group
from django.db.models import Prefetch, QuerySet
from django.utils.translation import gettext as _

from apps.accounts import grants
from apps.accounts.models import ApiToken, User
from apps.errors import NotVisible


@dataclass(frozen=True)
class ModelRoles:
    """The roles held on one registered model."""

    model: Any
    roles: list[str]


@dataclass(frozen=True)
class GroupOverview:
    """A group: its active and inactive members, its roles on the whole registry, and those on single models."""

    group: Group
    members: list[User]
    registry_roles: list[str]
    model_roles: list[ModelRoles]


def groups_overview(user: Any) -> list[GroupOverview]:
    """Return every group by name, for the people page; only models that `user` may see are named."""
    models = _visible_models(user)
    held = grants.group_roles(models)
    named = {model.pk: model for model in models.filter(pk__in={key for on in held.values() for key in on})}
    groups = Group.objects.order_by("name").prefetch_related(
        "permissions", Prefetch("user_set", User.objects.order_by("username"), to_attr="members")
    )
    return [
        GroupOverview(
            group,
            group.members,
            grants.roles_in([permission.codename for permission in group.permissions.all()]),
            _by_name([ModelRoles(named[key], roles) for key, roles in held.get(group.pk, {}).items() if key in named]),
        )
        for group in groups
    ]


def own_roles(user: User) -> tuple[list[str], list[ModelRoles]]:
    """Return the role names on the whole registry, and those on each model where `user` holds more than that."""
    everywhere = grants.held_permissions(user)
    held = {key: names for key, names in grants.granted_on(user, _model_class()).items() if not names <= everywhere}
    models = _visible_models(user).filter(pk__in=held)
    rows = [ModelRoles(model, grants.roles_for(everywhere | held[model.pk])) for model in models]
    return grants.roles_of(user), _by_name(rows)


@dataclass(frozen=True)
class ListedToken:
    """A token and the models that it is limited to, as far as who looks sees them; `unseen`: how many others."""

    token: ApiToken
    models: list[Any]
    unseen: int


def tokens_of(user: User) -> QuerySet[ApiToken]:
    """Return the tokens of a person or service account, newest first, revoked and expired ones too."""
    return ApiToken.objects.filter(user=user).select_related("user").order_by("-id")


def listed_tokens(owner: User, viewer: Any) -> list[ListedToken]:
    """Return the tokens of `owner` with the models that they are limited to, in two queries at most."""
    tokens = list(tokens_of(owner))
    keys = {key for token in tokens for key in token.limited_to or ()}
    named = {model.pk: model for model in _visible_models(viewer).filter(pk__in=keys)} if keys else {}
    found = []
    for token in tokens:
        models = [named[key] for key in token.limited_to or () if key in named]
        found.append(ListedToken(token, models, len(token.limited_to or ()) - len(models)))
    return found


def service_account(username: str) -> User:
    """Return the service account of this name. Raises NotVisible, also for a person's name."""
    found = User.objects.filter(username=username, is_service=True).first()
    if found is None:
        raise NotVisible(_("There is no service account of this name. Look at the list of people."))
    return found


def _visible_models(user: Any) -> QuerySet:
    return grants.visible_to(user, _model_class().objects.all())


def _model_class() -> Any:
    return apps.get_model("registry", "RegisteredModel")


def _by_name(rows: list[ModelRoles]) -> list[ModelRoles]:
    return sorted(rows, key=lambda row: str(row.model))
