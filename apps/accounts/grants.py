"""Who may do what: the only importer of guardian.

Asked are the rows that follow from grants (granting.py): guardian's on one registered model, Django's own permissions
for the whole registry, and those that end by themselves. What has ended counts nowhere, also before anything is tidied.
People hold roles through groups; asking is `allows(user, permission, model)`; every list starts from `visible_to`.
"""

from collections.abc import Iterable
from typing import Any

from django.contrib.auth.models import Group
from django.db import models, transaction
from django.db.models import Q, QuerySet
from django.db.models.expressions import RawSQL
from django.utils import timezone
from guardian.models import GroupObjectPermissionBase, UserObjectPermissionBase

from apps.accounts import granting, holding, known
from apps.accounts.bounds import PERSONS_ALONE, withheld, within
from apps.accounts.granting import FOREVER, stored
from apps.accounts.models import Grant, GrantScope, TimedPermission, User
from apps.accounts.permissions import MODEL_PERMISSIONS, Permission
from apps.accounts.roles import Role, role_names
from apps.audit.services import Actor
from apps.written import Question, ask

__all__ = [
    "GroupPermissionTable",
    "UserPermissionTable",
    "actor",
    "allows",
    "held_on",
    "held_permissions",
    "held_somewhere",
    "held_there",
    "held_through",
    "holders",
    "holders_on",
    "keys_of_holders",
    "lasting_holders",
    "names_everywhere",
    "names_of_holders",
    "permissions_of",
    "roles_for",
    "roles_held",
    "roles_of",
    "set_role",
    "somewhere_question",
    "visible_to",
]
# Every page asks this: written out, as in `known`.
_HELD_SOMEWHERE = """
    SELECT permission.codename FROM auth_permission permission WHERE permission.codename IN ({wanted}) AND (
        EXISTS (SELECT 1 FROM accounts_user_groups member
            JOIN {of_groups} held ON held.group_id = member.group_id AND held.permission_id = permission.id
            WHERE member.user_id = %s AND held.until > CURRENT_TIMESTAMP{limited})
        OR EXISTS (SELECT 1 FROM {of_person} held
            WHERE held.user_id = %s AND held.permission_id = permission.id AND held.until > CURRENT_TIMESTAMP{limited})
    )
"""
SERVICE_ACCOUNT = "service_account"  # beside role names, in the trail
_BY_CODENAME = {permission.codename: permission for permission in Permission}
_BY_FULL_NAME = {permission.full_name: permission for permission in Permission}


class UserPermissionTable(UserObjectPermissionBase):
    """Base of a table of one governed model's permissions held by persons (direct foreign key), each with its end."""

    until = models.DateTimeField(default=FOREVER)

    class Meta(UserObjectPermissionBase.Meta):
        abstract = True
        indexes = [models.Index(fields=["user", "permission", "content_object", "until"])]


class GroupPermissionTable(GroupObjectPermissionBase):
    """Base of a table of one governed model's permissions held by groups (direct foreign key), each with its end."""

    until = models.DateTimeField(default=FOREVER)

    class Meta(GroupObjectPermissionBase.Meta):
        abstract = True
        indexes = [models.Index(fields=["group", "permission", "content_object", "until"])]


def held_permissions(user: Any, obj: models.Model | None = None) -> frozenset[Permission]:
    """Return everything that `user` may do on `obj`, or on the whole installation when `obj` is None.

    One query for a person (remembered on `user`, for one request), and one for `obj`. All within the bounds of the
    request: through a token that is limited to models, nothing is held on the whole installation.
    """
    if user is None or not getattr(user, "is_active", False):
        return frozenset()
    held = _granted_everywhere(user)
    if obj is None:
        return within(user, held)
    if not held.issuperset(MODEL_PERMISSIONS):
        held |= _held_on(user, type(obj), [obj.pk])[obj.pk]
    return within(user, held, obj.pk)


def held_on(user: Any, objects: Iterable[models.Model]) -> dict[Any, frozenset[Permission]]:
    """Return `held_permissions` for many `objects` of one class, by primary key, with a constant query count."""
    objects = list(objects)
    if not objects or user is None or not getattr(user, "is_active", False):
        return {obj.pk: frozenset() for obj in objects}
    everywhere, on_each = _granted_everywhere(user), _held_on(user, type(objects[0]), [obj.pk for obj in objects])
    return {key: within(user, everywhere | more, key) for key, more in on_each.items()}


def held_somewhere(user: Any, among: frozenset[Permission], governed: type[models.Model]) -> frozenset[Permission]:
    """Return which of `among` the user holds on the whole installation, or on any object of a class; one query."""
    question = somewhere_question(user, among, governed)
    return ask(question) if question else _sure(user, among)


def somewhere_question(
    user: Any, among: frozenset[Permission], governed: type[models.Model]
) -> Question[frozenset[Permission]] | None:
    """Return how to ask for `held_somewhere`; None where what is held on the whole installation is the answer."""
    held = _sure(user, among)
    if user is None or not getattr(user, "is_active", False):
        return None
    wanted = [permission.codename for permission in among - held - withheld(user)]
    models = user.bounds.models
    if not wanted or (models is not None and not models):
        return None
    query = _HELD_SOMEWHERE.format(
        **_table_names(governed),
        wanted=", ".join(["%s"] * len(wanted)),
        limited="" if models is None else f" AND held.content_object_id IN ({', '.join(['%s'] * len(models))})",
    )
    person = [user.pk, *(models or ())]
    return Question(query, [*wanted, *person, *person], lambda rows: held | _named(codename for (codename,) in rows))


def allows(user: Any, permission: Permission, obj: models.Model | None = None) -> bool:
    """Return whether `user` may do `permission` on `obj`, or on the whole installation when `obj` is None."""
    return permission in held_permissions(user) or (obj is not None and permission in held_permissions(user, obj))


def visible_to(user: Any, objects: QuerySet, permission: Permission = Permission.MODEL_READ) -> QuerySet:
    """Return those `objects` (of a governed model) on which `user` holds `permission`; none for a stranger."""
    if user is None or not getattr(user, "is_active", False):
        return objects.none()
    if permission in withheld(user):
        return objects.none()
    if user.bounds.models is not None:
        objects = objects.filter(pk__in=user.bounds.models)
    if permission in _granted_everywhere(user):
        return objects
    return objects.filter(pk__in=holding.keys_held(permission.codename, user.pk, **_table_names(objects.model)))


def holders(permission: Permission, obj: models.Model | None = None) -> QuerySet[User]:
    """Return the active people who hold `permission`, by group or person, on `obj` or on the whole installation.

    Service accounts are among them where the permission is not for persons alone.
    """
    wanted = stored([permission])
    timed = TimedPermission.objects.filter(_now(), permission__in=wanted)
    groups, people = Q(pk__in=timed.values("group")), Q(pk__in=timed.values("user"))
    if obj is not None:
        on_obj = {"permission__in": wanted, "content_object": obj}
        groups |= Q(pk__in=_table(type(obj), "group").objects.filter(_now(), **on_obj).values("group"))
        people |= Q(pk__in=_table(type(obj), "user").objects.filter(_now(), **on_obj).values("user"))
    return _counting(_holding(wanted, groups, people), permission)


def held_there(permission: Permission, governed: type[models.Model], *, person: str, key: str) -> Q:
    """Return the condition on a row that the person in one column holds `permission` on the object in another."""
    on_it = {"permission__in": stored([permission]), "content_object": models.OuterRef(key)}
    own = _table(governed, "user").objects.filter(_now(), **on_it, user=models.OuterRef(person))
    shared = _table(governed, "group").objects.filter(_now(), **on_it, group__user=models.OuterRef(person))
    everywhere = Q(**{f"{person}__in": keys_of_holders(permission)})
    return everywhere | Q(models.Exists(own)) | Q(models.Exists(shared))


def keys_of_holders(permission: Permission) -> RawSQL:
    """Return the keys of whom `holders` finds for the whole installation, as what `__in` takes in another query."""
    return holding.keys_of_holders(permission.codename, persons=permission in PERSONS_ALONE)


def names_of_holders(permissions: Iterable[Permission], obj: models.Model) -> dict[int, str]:
    """Return the active people who hold all of `permissions` on `obj`, as `holders` finds them: key → user name."""
    wanted = sorted(permissions)
    return holding.names_of_holders(
        [permission.codename for permission in wanted],
        obj.pk,
        **_table_names(type(obj)),
        persons=not PERSONS_ALONE.isdisjoint(wanted),
    )


def lasting_holders(permission: Permission) -> QuerySet[User]:
    """Return the active people who hold `permission` on the whole installation, and do not lose it by itself."""
    return _counting(_holding(stored([permission]), Q(), Q()), permission)


def holders_on(permission: Permission, objects: QuerySet) -> dict[Any, frozenset[int]]:
    """Return the active people who hold `permission` on each of `objects`: primary key → user keys. Three queries."""
    keys = list(objects.order_by().values_list("pk", flat=True))
    everywhere = set(holders(permission).values_list("pk", flat=True))
    on_them = {"permission__in": stored([permission]), "content_object__in": objects.order_by().values("pk")}
    counts = {"is_active": True} | ({"is_service": False} if permission in PERSONS_ALONE else {})
    of_members = {f"group__user__{name}": value for name, value in counts.items()}
    of_groups = _table(objects.model, "group").objects.filter(_now(), **on_them, **of_members)
    of_people = _table(objects.model, "user").objects.filter(
        _now(), **on_them, **{f"user__{name}": value for name, value in counts.items()}
    )
    more: dict[Any, set[int]] = {}
    for key, person in of_groups.values_list("content_object_id", "group__user").union(
        of_people.values_list("content_object_id", "user_id")
    ):
        more.setdefault(key, set()).add(person)
    all_over = frozenset(everywhere)
    return {key: all_over | more[key] if key in more else all_over for key in keys}


def roles_of(user: Any, obj: models.Model | None = None) -> list[str]:
    """Return the role names that `user` holds on `obj`, or on the whole registry when `obj` is None."""
    return role_names(set(held_permissions(user, obj)))


def actor(user: Any, obj: models.Model | None = None) -> Actor:
    """Return `user` as the trail names people: user name, and roles held on `obj` at this moment.

    A service account is called one, before its roles.
    """
    kind = [SERVICE_ACCOUNT] if user.is_service else []
    return Actor(name=user.get_username(), role=", ".join([*kind, *roles_of(user, obj)]))


def set_role(
    group: Group,
    roles: Iterable[Role],
    obj: models.Model | None,
    *,
    model_class: type[models.Model] | None = None,
    by: str = "system",
    reason: str = "Set up",
) -> granting.Difference:
    """Make `roles` exactly what `group` was granted on `obj`, or on the whole registry when None; none ends all.

    What it holds on `obj` by other grants (a pattern, a tag) stays; so do other apps' permissions. Everything happens
    in one transaction. `by` and `reason` are noted in the grants. Returns what that changed.
    """
    scope, key = (GrantScope.MODEL, obj.pk) if obj is not None else (GrantScope.REGISTRY, 0)
    wanted = {role.name for role in roles}
    with transaction.atomic():
        granting.lock()
        there = Grant.objects.filter(group=group, scope=scope, model_id=key, ended_at=None)
        ended = {"ended_at": timezone.now(), "ended_by": by, "ended_reason": reason}
        there.filter(~Q(role__in=wanted) | Q(until__isnull=False)).update(**ended)
        missing = sorted(wanted - set(there.values_list("role", flat=True)))
        given = [
            Grant(group=group, role=role, scope=scope, model_id=key, made_by=by, reason=reason) for role in missing
        ]
        return granting.bring_up(group, meant=Grant.objects.bulk_create(given))


def roles_held(group: Group, obj: models.Model | None = None) -> list[str]:
    """Return the role names that `group` holds on `obj` itself, or on the whole registry when `obj` is None."""
    return role_names(set(permissions_of(group, obj)))


def permissions_of(group: Group, obj: models.Model | None = None) -> frozenset[Permission]:
    """Return what `group` holds on `obj` itself, or on the whole registry when `obj` is None."""
    if obj is None:
        timed = group.timed_permissions.filter(_now()).values_list("permission__codename", flat=True)
        lasting = group.permissions.order_by().values_list("codename", flat=True)
        return frozenset(_named(lasting.union(timed)))
    rows = _table(type(obj), "group").objects.filter(_now(), group=group, content_object=obj)
    return frozenset(_named(rows.values_list("permission__codename", flat=True)))


def held_through(group: Group, permissions: Iterable[Permission], objects: QuerySet) -> QuerySet:
    """Return those `objects` on which membership of `group` gives any of `permissions`."""
    wanted = stored(permissions)
    everywhere = group.permissions.filter(pk__in=wanted), group.timed_permissions.filter(_now(), permission__in=wanted)
    if any(rows.exists() for rows in everywhere):
        return objects
    rows = _table(objects.model, "group").objects.filter(_now(), group=group, permission__in=wanted)
    return objects.filter(pk__in=rows.values("content_object"))


def roles_for(permissions: Iterable[Permission]) -> list[str]:
    """Return the role names that `permissions` amount to."""
    return role_names(set(permissions))


def _granted_everywhere(user: Any) -> frozenset[Permission]:
    """Return what an active `user` was granted on the whole installation, whatever bounds the request has."""
    if user.is_superuser:
        return frozenset(Permission)
    return frozenset(_BY_FULL_NAME[name] for name in names_everywhere(user) if name in _BY_FULL_NAME)


def _sure(user: Any, among: frozenset[Permission]) -> frozenset[Permission]:
    """Return which of `among` are held wherever the bounds of the request reach, whatever single objects say."""
    if user is None or not getattr(user, "is_active", False):
        return frozenset()
    anywhere = next(iter(user.bounds.models or ()), None)
    return within(user, _granted_everywhere(user), anywhere) & among


def names_everywhere(user: Any) -> set[str]:
    """Return the full names of all that `user` holds on the whole installation, by group or person, also others' own.

    They are kept where Django keeps them, so that its `has_perm` does not ask again.
    """
    if not hasattr(user, "_perm_cache"):
        user._perm_cache = known.names_held(user.pk)
    return user._perm_cache


def _held_on(user: Any, governed: type[models.Model], keys: list[Any]) -> dict[Any, frozenset[Permission]]:
    """Return what `user` holds on each object itself, by group or person, in one query."""
    columns = ("content_object_id", "permission__codename")
    within = {"content_object__in": keys}
    of_groups = _table(governed, "group").objects.filter(_now(), **within, group__user=user)
    of_person = _table(governed, "user").objects.filter(_now(), **within, user=user)
    held: dict[Any, set[Permission]] = {key: set() for key in keys}
    for key, codename in of_groups.values_list(*columns).union(of_person.values_list(*columns)):
        held[key].update(_named([codename]))
    return {key: frozenset(found) for key, found in held.items()}


def _named(codenames: Iterable[str]) -> set[Permission]:
    """Return the permissions with these stored names; names that are not ours are left out."""
    return {_BY_CODENAME[codename] for codename in codenames if codename in _BY_CODENAME}


def _holding(wanted: QuerySet, groups: Q, people: Q) -> QuerySet[User]:
    """Return the active people of these groups, these people, and those who hold it everywhere until further notice."""
    groups |= Q(permissions__in=wanted)
    people |= Q(is_superuser=True) | Q(
        pk__in=User.user_permissions.through.objects.filter(permission__in=wanted).values("user")
    )
    members = User.groups.through.objects.filter(group__in=Group.objects.filter(groups).values("pk")).values("user")
    return User.objects.filter(people | Q(pk__in=members), is_active=True)


def _counting(people: QuerySet[User], permission: Permission) -> QuerySet[User]:
    return people.filter(is_service=False) if permission in PERSONS_ALONE else people


def _now() -> Q:
    """Return the condition on a row that it has not ended."""
    return Q(until__gt=timezone.now())


def _table(governed: type[models.Model], holder: str) -> Any:
    """Return the direct-foreign-key permission table of a governed model ("group" or "user")."""
    base = GroupPermissionTable if holder == "group" else UserPermissionTable
    for relation in governed._meta.related_objects:
        if issubclass(relation.related_model, base):
            return relation.related_model
    raise LookupError(f"{governed.__name__} has no {holder} permission table")


def _table_names(governed: type[models.Model]) -> dict[str, str]:
    """Return the names of those tables, as queries that are written out want them."""
    return {"of_groups": _table(governed, "group")._meta.db_table, "of_person": _table(governed, "user")._meta.db_table}
