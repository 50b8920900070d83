"""A real PostgreSQL for the tests: TEST_POSTGRES_URL, else this machine's, else the pip-installed one."""

import atexit
import os
import tempfile

LOCAL = "postgres://postgres@127.0.0.1:5432/postgres"


def postgres_url() -> str:
    """Return a database URL with the right to create databases, starting a server when none is found.

    The answer is kept in TEST_POSTGRES_URL, so that the test session's other processes use the same server.
    """
    if "TEST_POSTGRES_URL" not in os.environ:
        os.environ["TEST_POSTGRES_URL"] = LOCAL if _answers(LOCAL) else _start_embedded()
    return os.environ["TEST_POSTGRES_URL"]


def _answers(url: str) -> bool:
    import psycopg

    try:
        psycopg.connect(url.replace("postgres://", "postgresql://", 1), connect_timeout=2).close()
    except psycopg.OperationalError:
        return False
    return True


def _start_embedded() -> str:
    raise NotImplementedError
