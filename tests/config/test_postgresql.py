"""Our PostgreSQL backend: it notices a server that went away, and reads times as Django does."""

from datetime import UTC, datetime

import psycopg
import pytest
from django.db import DatabaseError, connection
from django.db.backends.postgresql.psycopg_any import BaseTzLoader

from apps.accounts.models import User
from config.postgresql.base import UtcLoader

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif(connection.vendor != "postgresql", reason="SQLite has no server"),
]


class DjangosLoader(BaseTzLoader):
    timezone = UTC


def end_the_connection() -> None:
    """End this thread's connection at the server, as a restart of the server does."""
    connection.ensure_connection()
    number = connection.connection.info.backend_pid
    with psycopg.connect(**connection.connection.info.get_parameters(), autocommit=True) as other:
        other.execute("SELECT pg_terminate_backend(%s)", [number])
        other.execute("SELECT pg_sleep(0.1)")  # until it has said so


def test_a_request_after_a_restart_of_the_server_opens_a_new_connection(client, alice):
    client.force_login(alice)
    assert client.get("/models/").status_code == 200
    end_the_connection()
    connection.health_check_enabled, connection.health_check_done = True, False  # as at the start of a request
    assert client.get("/models/").status_code == 200


def test_an_idle_connection_is_usable_without_asking_the_server(django_assert_num_queries):
    connection.ensure_connection()
    with django_assert_num_queries(0):
        assert connection.is_usable()


def test_an_ended_connection_is_not_usable():
    end_the_connection()
    assert not connection.is_usable()
    connection.close()


@pytest.mark.parametrize(
    "text",
    ["2026-05-04 12:00:00+00", "2026-05-04 12:00:00.5+00", "1969-12-31 23:59:59.000001+00", "0001-01-01 00:00:00+00"],
)
def test_times_are_read_as_django_reads_them(text):
    data = text.encode()
    assert UtcLoader(0).load(data) == DjangosLoader(0).load(data)
    assert UtcLoader(0).load(memoryview(data)).tzinfo is UTC


def test_times_of_the_database_are_in_utc():
    with connection.cursor() as cursor:
        cursor.execute("SELECT TIMESTAMPTZ '2026-05-04 14:30:00.25+02:30'")
        assert cursor.fetchone() == (datetime(2026, 5, 4, 12, 0, 0, 250_000, tzinfo=UTC),)


def test_a_time_that_python_has_not_is_refused_and_not_made_up():
    with connection.cursor() as cursor:
        cursor.execute("SELECT TIMESTAMPTZ 'infinity'")
        with pytest.raises(DatabaseError):
            cursor.fetchone()


def test_people_are_still_read(alice):
    assert User.objects.get(pk=alice.pk).date_joined.tzinfo is UTC
