"""Permissions of registered models: levels in, grants on the model underneath, levels out."""

import pytest
from databricks.sdk.errors import InvalidParameterValue, PermissionDenied, ResourceDoesNotExist
from databricks.sdk.service.ml import RegisteredModelAccessControlRequest as Entry
from databricks.sdk.service.ml import RegisteredModelPermissionLevel as Level

from apps.accounts import giving, grants
from apps.accounts.models import Grant, GrantScope, User
from apps.accounts.permissions import Permission

pytestmark = pytest.mark.mlflow


def levels(answer) -> dict[str, list[tuple[str, bool]]]:
    """Return holder → levels, and whether each is inherited."""
    return {
        row.user_name or row.group_name or row.service_principal_name: [
            (held.permission_level.value, held.inherited) for held in row.all_permissions
        ]
        for row in answer.access_control_list
    }


def on_model(model) -> dict[str, set[str]]:
    """Return holder → roles that are given on the model itself."""
    found: dict[str, set[str]] = {}
    for grant in Grant.objects.filter(scope=GrantScope.MODEL, model_id=model.pk, ended_at=None):
        found.setdefault(grant.holder_name, set()).add(grant.role)
    return found


def test_levels_give_roles_and_are_read_back(sdk, admin, alice, mallory, model):
    key, registry = str(model.pk), sdk(admin, "admin")
    registry.update_permissions(
        key, access_control_list=[Entry(user_name="mallory", permission_level=Level.CAN_MANAGE_PRODUCTION_VERSIONS)]
    )
    assert on_model(model) == {"mallory": {"ml_engineer", "reviewer"}}
    assert grants.allows(User.objects.get(pk=mallory.pk), Permission.MODEL_REVIEW, model)
    answer = registry.get_permissions(key)
    assert (answer.object_id, answer.object_type) == (f"/registered-models/{key}", "registered-model")
    assert levels(answer) == {
        "admins": [("CAN_MANAGE", True)],
        "data_scientists": [("CAN_EDIT", True)],
        "mallory": [("CAN_MANAGE_PRODUCTION_VERSIONS", False)],
    }
    lowered = registry.update_permissions(
        key, access_control_list=[Entry(user_name="mallory", permission_level=Level.CAN_EDIT)]
    )
    assert (levels(lowered)["mallory"], on_model(model)) == ([("CAN_EDIT", False)], {"mallory": {"data_scientist"}})


def test_set_permissions_is_the_whole_list_and_keeps_what_is_in_it(sdk, admin, alice, mallory, model):
    key, registry = str(model.pk), sdk(admin, "admin")
    kept = giving.give_grant(mallory, "reviewer", GrantScope.MODEL, by=admin, reason="Signs.", model=model)
    giving.give_grant(mallory, "emergency", GrantScope.MODEL, by=admin, reason="Night.", model=model)
    giving.give_grant(alice, "admin", GrantScope.MODEL, by=admin, reason="Hers.", model=model)
    answer = registry.set_permissions(
        key,
        access_control_list=[
            Entry(user_name="mallory", permission_level=Level.CAN_READ),
            Entry(group_name="data_scientists", permission_level=Level.CAN_MANAGE_STAGING_VERSIONS),
        ],
    )
    assert on_model(model) == {"mallory": {"reviewer", "emergency"}, "data_scientists": {"ml_engineer"}}
    assert Grant.objects.get(pk=kept.pk).in_force  # a level that is held already is left as it is
    assert levels(answer) == {
        "admins": [("CAN_MANAGE", True)],
        "data_scientists": [("CAN_MANAGE_STAGING_VERSIONS", False), ("CAN_EDIT", True)],
        "mallory": [("CAN_READ", False)],
    }
    assert levels(registry.set_permissions(key))["data_scientists"] == [("CAN_EDIT", True)]
    assert on_model(model) == {"mallory": {"emergency"}}  # no level says that


def test_get_permission_levels(sdk, charlie, model):
    found = sdk(charlie, "read").get_permission_levels(str(model.pk)).permission_levels
    assert [row.permission_level for row in found] == [
        Level.CAN_READ,
        Level.CAN_EDIT,
        Level.CAN_MANAGE_STAGING_VERSIONS,
        Level.CAN_MANAGE_PRODUCTION_VERSIONS,
        Level.CAN_MANAGE,
    ]


def test_permissions_are_for_who_manages_people(sdk, admin, bob, mallory, model):
    key, entry = str(model.pk), Entry(user_name="bob", permission_level=Level.CAN_MANAGE)
    for registry in (sdk(bob, "write"), sdk(admin, "write")):
        for call in (registry.get_permissions, registry.set_permissions, registry.update_permissions):
            with pytest.raises(PermissionDenied):
                call(key) if call == registry.get_permissions else call(key, access_control_list=[entry])
    for unknown in (key, "999999", "churn"):
        with pytest.raises(ResourceDoesNotExist):
            sdk(mallory, "read").get_permission_levels(unknown)
    assert on_model(model) == {}


def test_a_wrong_list_gives_nothing_at_all(sdk, admin, alice, model):
    good = Entry(user_name="alice", permission_level=Level.CAN_MANAGE)
    for entries in (
        [good, Entry(user_name="nobody", permission_level=Level.CAN_READ)],
        [good, Entry(service_principal_name="alice", permission_level=Level.CAN_READ)],
        [good, good],
        [good, Entry(user_name="alice", group_name="admins", permission_level=Level.CAN_READ)],
        [good, Entry(group_name="admins")],
    ):
        with pytest.raises(InvalidParameterValue):
            sdk(admin, "admin").set_permissions(str(model.pk), access_control_list=entries)
    assert on_model(model) == {}
