"""Grants: the only importer of guardian.

A grant is a guardian row on one registered model, or a Django permission of the group for the whole registry.
People hold roles through groups; asking is `allows(user, permission, model)`; every list starts from `visible_to`.
"""

from collections.abc import Iterable
from typing import Any

from django.contrib.auth.models import Group
from django.contrib.auth.models import Permission as DjangoPermission
from django.db import models
from django.db.models import Exists, OuterRef, Q, QuerySet
from guardian.models import GroupObjectPermissionBase, UserObjectPermissionBase

from apps.accounts.models import User
from apps.accounts.permissions import MODEL_PERMISSIONS, Permission
from apps.accounts.roles import ADMIN, INSTALLATION_ADMIN, Role, role_names
from apps.audit.services import Actor

__all__ = ["GroupPermissionTable", "UserPermissionTable", "actor", "allows", "holders", "roles_of", "set_role", "visible_to"]


class UserPermissionTable(UserObjectPermissionBase):
    """Base of a table of one governed model's permissions held by persons (direct foreign key)."""

    class Meta(UserObjectPermissionBase.Meta):
        abstract = True


class GroupPermissionTable(GroupObjectPermissionBase):
    """Base of a table of one governed model's permissions held by groups (direct foreign key)."""

    class Meta(GroupObjectPermissionBase.Meta):
        abstract = True
        indexes = [models.Index(fields=["group", "permission", "content_object"])]


def allows(user: Any, permission: Permission, obj: models.Model | None = None) -> bool:
    """Return whether `user` may do `permission` on `obj`, or on the whole installation when `obj` is None."""
    if user is None or not getattr(user, "is_active", False):
        return False
    if user.has_perm(permission.full_name):
        return True
    return obj is not None and permission.on_model and user.has_perm(permission.full_name, obj)


def visible_to(user: Any, objects: QuerySet, permission: Permission = Permission.MODEL_READ) -> QuerySet:
    """Return those `objects` (of a governed model) on which `user` holds `permission`; none for a stranger."""
    if user is None or not getattr(user, "is_active", False):
        return objects.none()
    if user.has_perm(permission.full_name):
        return objects
    held = Q(permission__codename=permission.codename, content_object=OuterRef("pk"))
    of_groups = _table(objects.model, "group").objects.filter(held, group__user=user)
    of_person = _table(objects.model, "user").objects.filter(held, user=user)
    return objects.filter(Exists(of_groups) | Exists(of_person))


def holders(permission: Permission, obj: models.Model) -> QuerySet[User]:
    """Return the active people who hold `permission` on `obj`, by group or person, on it or on the whole registry."""
    wanted = Q(codename=permission.codename)
    group_table, user_table = _table(type(obj), "group"), _table(type(obj), "user")
    groups = Group.objects.filter(
        Q(permissions__in=DjangoPermission.objects.filter(wanted))
        | Q(pk__in=group_table.objects.filter(permission__codename=permission.codename, content_object=obj).values("group"))
    )
    persons = user_table.objects.filter(permission__codename=permission.codename, content_object=obj).values("user")
    return User.objects.filter(is_active=True).filter(
        Q(is_superuser=True)
        | Q(groups__in=groups)
        | Q(user_permissions__in=DjangoPermission.objects.filter(wanted))
        | Q(pk__in=persons)
    ).distinct()


def roles_of(user: Any, obj: models.Model | None = None) -> list[str]:
    """Return the role names that `user` holds on `obj`, or on the whole registry when `obj` is None."""
    return role_names({permission for permission in MODEL_PERMISSIONS if allows(user, permission, obj)})


def actor(user: Any, obj: models.Model | None = None) -> Actor:
    """Return `user` as the trail names people: user name, and roles held on `obj` at this moment."""
    return Actor(name=user.get_username(), role=", ".join(roles_of(user, obj)))


def set_role(group: Group, roles: Iterable[Role], obj: models.Model | None, *, model_class: type[models.Model]) -> None:
    """Make `roles` exactly what `group` holds on `obj`, or on the whole registry when `obj` is None; none removes all."""
    roles = list(roles)
    wanted = frozenset().union(*(role.permissions for role in roles))
    if obj is None:
        extra = INSTALLATION_ADMIN if ADMIN in roles else frozenset()
        codenames = {permission.codename for permission in Permission}
        group.permissions.remove(*group.permissions.filter(codename__in=codenames))
        group.permissions.add(*_stored(wanted | extra))
        return
    table = _table(model_class, "group")
    table.objects.filter(group=group, content_object=obj).delete()
    table.objects.bulk_create(
        [table(group=group, permission=permission, content_object=obj) for permission in _stored(wanted)]
    )


def _stored(permissions: Iterable[Permission]) -> QuerySet[DjangoPermission]:
    return DjangoPermission.objects.filter(codename__in=[permission.codename for permission in permissions])


def _table(governed: type[models.Model], holder: str) -> Any:
    """Return the direct-foreign-key permission table of a governed model ("group" or "user")."""
    base = GroupPermissionTable if holder == "group" else UserPermissionTable
    for relation in governed._meta.related_objects:
        if issubclass(relation.related_model, base):
            return relation.related_model
    raise LookupError(f"{governed.__name__} has no {holder} permission table")
