"""The product's settings, on a throw-away data directory and the database that TEST_DATABASE names.

TEST_DATABASE=sqlite (default) or postgres: see tests/servers/postgres.py for where the server comes from.
"""

import atexit
import os
import shutil
import tempfile

if "PYTEST_XDIST_WORKER" not in os.environ:
    os.environ["ASSENT_DATA_DIR"] = tempfile.mkdtemp(prefix="assent-test-")
    atexit.register(shutil.rmtree, os.environ["ASSENT_DATA_DIR"], ignore_errors=True)
os.environ.setdefault("MLFLOW_BACKEND_URL", "http://127.0.0.1:9")  # nothing listens there: tests name their server
if os.environ.get("TEST_DATABASE") == "postgres":
    from tests.servers.postgres import postgres_url

    os.environ["DATABASE_URL"] = postgres_url()
else:
    os.environ.pop("DATABASE_URL", None)

from config.settings import *  # noqa: F403

PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]  # speed: hundreds of tests make people
# SQLite in a file, not in memory: threads and worker processes must see the same rows, with the real locks.
# PostgreSQL under a name of this run: runs at the same time leave each other alone.
_sqlite = DATABASES["default"]["ENGINE"].endswith("sqlite3")  # noqa: F405
_name = str(DATA_DIR / "test.sqlite3") if _sqlite else DATA_DIR.name.replace("-", "_")  # noqa: F405
DATABASES["default"]["TEST"] = {"NAME": _name}  # noqa: F405
WHITENOISE_AUTOREFRESH = True  # look files up when asked: every test client would list them all anew
INVENTORY_COUNTS_SECONDS = 0  # each test counts its own rows
COMPLIANCE_COUNTS_SECONDS = 0  # likewise, by a worker where there are many
RATES_PER_MINUTE = dict.fromkeys(RATES_PER_MINUTE, 0)  # noqa: F405 - all tests come from one address
SESSION_SEEN_SECONDS = 3600  # a slow test asks the database as often as a quick one
