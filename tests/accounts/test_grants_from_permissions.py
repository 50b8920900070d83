"""What was held before there were grants is written down as grants that give exactly the same."""

from importlib import import_module

import pytest
from django.apps import apps
from django.contrib.auth.models import Group

from apps.accounts import granting, grants
from apps.accounts.models import Grant
from apps.accounts.permissions import Permission
from apps.accounts.roles import ADMIN, INSTALLATION_ADMIN, REVIEWER, VIEWER, gives
from tests.builders import make_model

migration = import_module("apps.registry.migrations.0014_grants_from_permissions")
EVERY_SET = [
    frozenset(),
    VIEWER.permissions,
    REVIEWER.permissions,
    ADMIN.permissions,
    ADMIN.permissions | INSTALLATION_ADMIN,
    ADMIN.permissions | {Permission.PEOPLE_MANAGE},
    frozenset({Permission.MODEL_DELETE}),
    frozenset({Permission.AUDIT_READ}),
    frozenset(Permission),
]


@pytest.mark.parametrize("held", EVERY_SET, ids=lambda held: ",".join(sorted(held)) or "nothing")
def test_the_roles_give_exactly_what_was_held(held):
    roles = migration.roles_for({permission.codename for permission in held}, everywhere=True)
    assert frozenset().union(*(gives(role, everywhere=True) for role in roles)) == held


def test_on_one_model_the_admin_role_is_that_of_models():
    assert migration.roles_for({permission.codename for permission in ADMIN.permissions}, everywhere=False) == ["admin"]


def test_what_follows_from_the_new_grants_is_what_was_there(admin, bob, mallory):
    group = Group.objects.create(name="team")
    grants.set_role(group, [VIEWER, REVIEWER], make_model())
    mallory.user_permissions.add(granting.stored([Permission.MODEL_DELETE]).get())
    Grant.objects.all().delete()
    migration.keep_as_grants(apps, None)
    assert not granting.complete(repair=False)
    assert set(Grant.objects.filter(group=group).values_list("role", "scope")) == {
        ("viewer", "model"), ("reviewer", "model"),
    }  # fmt: skip
    assert Grant.objects.get(person=mallory).role == "model:delete"
