"""The product's settings, on a throw-away data directory and the database that TEST_DATABASE names.

TEST_DATABASE=sqlite (default) or postgres: see tests/servers/postgres.py for where the server comes from.
"""

import os
import tempfile

if "PYTEST_XDIST_WORKER" not in os.environ:
    os.environ["ASSENT_DATA_DIR"] = tempfile.mkdtemp(prefix="assent-test-")
os.environ.setdefault("MLFLOW_BACKEND_URL", "http://127.0.0.1:9")  # nothing listens there: tests name their server
if os.environ.get("TEST_DATABASE") == "postgres":
    from tests.servers.postgres import postgres_url

    os.environ["DATABASE_URL"] = postgres_url()
else:
    os.environ.pop("DATABASE_URL", None)

from config.settings import *  # noqa: F403

PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]  # speed: hundreds of tests make people
if "TEST" not in DATABASES["default"] and DATABASES["default"]["ENGINE"].endswith("sqlite3"):  # noqa: F405
    # A file, not memory: threads and worker processes must see the same rows, with the real locks.
    DATABASES["default"]["TEST"] = {"NAME": str(DATA_DIR / "test.sqlite3")}  # noqa: F405
STATIC_ROOT = DATA_DIR / "static"  # noqa: F405
STATIC_ROOT.mkdir(exist_ok=True)  # whitenoise warns when it is absent
