"""Personas and databases for every test.

alice: data scientist (asks) · bob: ML engineer and reviewer · erin: reviewer · charlie: viewer ·
admin: admin of everything · mallory: signed in, granted nothing (the stranger).
Roles are held on the whole registry through groups, as an admin would give them.
"""

import gc
import os
import signal

import pytest
from django.contrib.auth.models import Group
from django.core.management.sql import emit_post_migrate_signal
from django.db import connection, transaction
from django.test import TransactionTestCase

from apps.accounts import grants
from apps.accounts.models import User
from apps.accounts.roles import ADMIN, DATA_SCIENTIST, ML_ENGINEER, REVIEWER, VIEWER, Role
from apps.approvals.policies import triggers as policy_triggers
from apps.audit import triggers
from apps.modelcards import triggers as card_triggers
from apps.registry.models import DEFAULT_CONNECTION, Connection, RegisteredModel

pytest_plugins = ["tests.servers.mlflow"]
os.environ.setdefault("DJANGO_ALLOW_ASYNC_UNSAFE", "true")  # the browser driver runs an event loop beside the ORM
signal.signal(signal.SIGTERM, signal.default_int_handler)  # ended early, the session still stops its servers
PASSWORD = "correct horse battery staple"
_flush = TransactionTestCase._fixture_teardown


def pytest_collection_finish() -> None:
    """Leave what was imported and collected out of every look for garbage: it stays to the end of the session."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 20)


def _flush_with_trail(case: TransactionTestCase) -> None:
    """Empty the tables after a test with real transactions: the triggers that forbid it are lifted meanwhile."""
    triggers.remove(connection)
    policy_triggers.remove(connection)
    card_triggers.remove(connection)
    try:
        _empty() if connection.vendor == "postgresql" else _flush(case)
    finally:
        triggers.install(connection)
        policy_triggers.install(connection)
        card_triggers.install(connection)
        Connection.objects.get_or_create(name=DEFAULT_CONNECTION)  # a migration makes it once


def _empty() -> None:
    """Delete the few rows that there are: Django truncates every table, which takes ten times as long."""
    tables = connection.introspection.django_table_names(only_existing=True, include_views=False)
    with connection.cursor() as cursor, transaction.atomic():
        cursor.execute("SET LOCAL session_replication_role = replica")  # no foreign key is asked
        cursor.execute(" UNION ALL ".join(f"SELECT '{table}' WHERE EXISTS (SELECT 1 FROM {table})" for table in tables))
        for (table,) in cursor.fetchall():
            cursor.execute(f"DELETE FROM {table}")
    emit_post_migrate_signal(verbosity=0, interactive=False, db=connection.alias)


TransactionTestCase._fixture_teardown = _flush_with_trail  # type: ignore[method-assign]


def member(username: str, *roles: Role) -> User:
    """Create a person in one group per role, each held on the whole registry."""
    user = User.objects.create_user(username, password=PASSWORD, first_name=username.title())
    for role in roles:
        group, made = Group.objects.get_or_create(name=f"{role.name}s")
        if made:
            grants.set_role(group, [role], None, model_class=RegisteredModel)
        user.groups.add(group)
    return user


@pytest.fixture
def alice(db) -> User:
    return member("alice", DATA_SCIENTIST)


@pytest.fixture
def bob(db) -> User:
    return member("bob", ML_ENGINEER, REVIEWER)


@pytest.fixture
def erin(db) -> User:
    return member("erin", REVIEWER)


@pytest.fixture
def charlie(db) -> User:
    return member("charlie", VIEWER)


@pytest.fixture
def admin(db) -> User:
    return member("admin", ADMIN)


@pytest.fixture
def mallory(db) -> User:
    return member("mallory")
