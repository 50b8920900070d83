"""The table of what Assent answers by itself."""

import pytest

from apps.accounts.roles import ROLES
from apps.gateway import enforcement, guarding, routes
from apps.gateway.databricks.levels import LEVELS, level_of

pytestmark = pytest.mark.once


def test_every_row_has_a_guard_and_is_served_by_nobody_else():
    guarding.load()
    rows = routes.own_table()
    assert {row.guard for row in rows} - enforcement.known() == {routes.PUBLIC}
    assert {(row.method, row.path) for row in rows} & {(row.method, row.path) for row in routes.table()} == set()
    assert all(routes.is_door(row.path) for row in rows)
    assert [row.path for row in rows if row.guard == routes.PUBLIC] == [routes.DISCOVERY]


def test_who_holds_the_roles_of_a_level_is_shown_with_it():
    held = {level.name: frozenset().union(*(ROLES[role].permissions for role in level.roles)) for level in LEVELS}
    assert {name: level_of(permissions) for name, permissions in held.items()} == {name: name for name in held}
    assert level_of(ROLES["reviewer"].permissions) == "CAN_READ"
    assert level_of(()) == ""
