"""The command lines of Assent's processes. docker-compose.yml uses the same ones (tests/config/test_compose.py)."""

import os
import sys
from pathlib import Path

from cryptography.fernet import Fernet

WEB_THREADS = 8


def web(port: int) -> list[str]:
    """The web server: threads, because a request waits more than it computes."""
    gunicorn = [sys.executable, "-m", "gunicorn", "config.wsgi", "--no-control-socket", "--bind", f"127.0.0.1:{port}"]
    gthread = ["--worker-class", "config.web.StayingWorker", "--workers", "1", "--threads", str(WEB_THREADS)]
    return [*gunicorn, *gthread, "--limit-request-line", "8190"]  # characters: MLflow's pages ask for 100 runs at once


def worker() -> list[str]:
    """A Celery worker that does two jobs at a time."""
    return [sys.executable, "-m", "celery", "-A", "config", "worker", "--concurrency", "2", "--loglevel", "WARNING"]


def beat() -> list[str]:
    """Celery's clock."""
    return [sys.executable, "-m", "celery", "-A", "config", "beat", "--loglevel", "WARNING", "--pidfile="]


def mlflow(port: int, folder: Path) -> list[str]:
    """A local MLflow server with its own database and artifacts in `folder`."""
    server = [sys.executable, "-m", "mlflow", "server", "--host", "127.0.0.1", "--port", str(port), "--workers", "1"]
    database = f"sqlite:///{folder / 'mlflow.db'}"
    return [*server, "--backend-store-uri", database, "--artifacts-destination", str(folder / "artifacts")]


def mlflow_webhooks(folder: Path) -> dict[str, str]:
    """What lets that server send webhooks to this machine; its key stays in `folder`, or it could read none again."""
    path = folder / "webhook_key"
    try:
        with open(path, "xb", opener=lambda name, flags: os.open(name, flags, 0o600)) as file:
            file.write(Fernet.generate_key())
    except FileExistsError:
        pass  # made by an earlier start
    return {
        "MLFLOW_WEBHOOK_ALLOWED_SCHEMES": "http,https",
        "MLFLOW_WEBHOOK_ALLOW_PRIVATE_IPS": "true",
        "MLFLOW_WEBHOOK_SECRET_ENCRYPTION_KEY": path.read_text(),
        "MLFLOW_WEBHOOK_CACHE_TTL": "5",  # seconds until it hears of a new webhook
    }


def training(url: str, marker: Path) -> list[str]:
    """Train and register the demo's models."""
    return [sys.executable, "-m", "apps.demo.training", url, str(marker)]


def manage(*words: str) -> list[str]:
    """A management command."""
    return [sys.executable, "manage.py", *words]
