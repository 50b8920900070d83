"""Why somebody may do something, or may not: each way from a grant to the permission, and who could give it."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from django.apps import apps
from django.contrib.auth.models import Group
from django.db.models import Q, QuerySet

from apps.accounts import grant_scopes, granting, grants
from apps.accounts.models import Grant, GrantScope, User
from apps.accounts.permissions import Permission
from apps.accounts.roles import giving, role_label

MOST_NAMED = 20


@dataclass(frozen=True)
class Chain:
    """One way: the grant, and where it is a group's, that the person is in it. `waits`: it will count later."""

    grant: Grant
    waits: bool = False

    @property
    def through(self) -> Group | None:
        """The group through which the person holds it, None where they hold it themselves."""
        return self.grant.group

    @property
    def role(self) -> str:
        """What the role is called."""
        return role_label(self.grant.role)

    @property
    def on(self) -> str:
        """On what the grant counts, in words; one model is called by its reference."""
        return where(self.grant)


@dataclass(frozen=True)
class Answer:
    """Whether `person` may do `permission` on `model` (None: on the installation), and all that there is to say why.

    `nearly` are grants that would give it and do not count: ended ones, and those that wait for a request to be
    finished. `givers` are the admins who could give it.
    """

    person: User
    permission: Permission
    model: Any
    allowed: bool
    chains: list[Chain]
    nearly: list[Chain]
    givers: list[User]


def may(person: User, permission: Permission, model: Any = None) -> Answer:
    """Return whether a person may do something on a model, or on the installation when None, and why. Pure reading."""
    allowed = permission in grants.held_permissions(User.objects.get(pk=person.pk), model)
    given = of(person, permission, model)
    counting = [grant for grant in given if grant.in_force]
    chains = [Chain(grant) for grant in counting] if allowed else []
    nearly = [Chain(grant, waits=grant.in_force) for grant in given if not (allowed and grant.in_force)]
    givers = [] if allowed else list(grants.holders(Permission.PEOPLE_MANAGE).order_by("username")[:MOST_NAMED])
    return Answer(person, permission, model, allowed, chains, nearly[:MOST_NAMED], givers)


def of(person: User, permission: Permission, model: Any = None) -> list[Grant]:
    """Return the grants to a person or their groups that give a permission there, ended ones too, newest first."""
    everywhere = Q(scope=GrantScope.REGISTRY, role__in=giving(permission, everywhere=True))
    there = Q()
    if model is not None and permission.on_model:
        there = ~Q(scope=GrantScope.REGISTRY) & Q(model_id__in=[0, model.pk])
        there &= Q(role__in=giving(permission, everywhere=False))
    held = Grant.objects.filter(Q(person=person) | Q(group__user=person), everywhere | there if there else everywhere)
    found = list(held.select_related("group", "person").order_by("-id").distinct())
    if model is None:
        return found
    return granting.reaching(found, model.pk)


def where(grant: Grant) -> str:
    """Say on what a grant counts; the model of one is named where `named` put it, else by its number."""
    return grant_scopes.words(grant.scope, grant.value, getattr(grant, "model_name", f"#{grant.model_id}"))


def named(found: Iterable[Grant], by: Any) -> list[Grant]:
    """Return grants with the names of their models, in one query; without those on models that `by` may not see."""
    found = list(found)
    keys = {grant.model_id for grant in found if grant.model_id}
    models = {model.pk: model for model in visible_models(by).filter(pk__in=keys)} if keys else {}
    for grant in found:
        if grant.model_id in models:
            grant.model_name = str(models[grant.model_id])  # type: ignore[attr-defined]
    return [grant for grant in found if not grant.model_id or grant.model_id in models]


def visible_models(by: Any) -> QuerySet:
    """Return the registered models that `by` may see."""
    return grants.visible_to(by, all_models().select_related("connection"))


def all_models() -> QuerySet:
    """Return the registered models, whoever asks. Accounts imports no registry."""
    return apps.get_model("registry", "RegisteredModel").objects.all()
