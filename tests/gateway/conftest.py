"""Assent with a real MLflow behind it, reached by unmodified clients."""

import warnings
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest

from apps.accounts.models import User
from apps.accounts.tokens import create_token

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    import mlflow

NO_RETRIES = {"MLFLOW_HTTP_REQUEST_MAX_RETRIES": "0", "MLFLOW_HTTP_REQUEST_TIMEOUT": "60"}


@pytest.fixture
def door(transactional_db, mlflow_registry, live_server, monkeypatch) -> str:
    """The address of an Assent with an empty MLflow behind it."""
    for name, value in NO_RETRIES.items():
        monkeypatch.setenv(name, value)
    return live_server.url


@pytest.fixture
def token_of() -> Callable[..., str]:
    """Make a token of a person, and return its text."""

    def make(user: User, scope: str = "write", **more: Any) -> str:
        return create_token("training", by=user, scope=scope, **more).text

    return make


@pytest.fixture
def act_as(door, token_of, monkeypatch) -> Iterator[Callable[..., mlflow.MlflowClient]]:
    """Let MLflow's own client act as a person from now on: by the two variables, and nothing else."""

    def become(user: User, scope: str = "write", **more: Any) -> mlflow.MlflowClient:
        monkeypatch.setenv("MLFLOW_TRACKING_TOKEN", token_of(user, scope, **more))
        mlflow.set_tracking_uri(door)
        mlflow.set_registry_uri(door)
        return mlflow.MlflowClient(door)

    yield become
    mlflow.set_tracking_uri("")


@pytest.fixture
def send(door, token_of) -> Callable[..., httpx.Response]:
    """Send a request as a person, as it stands: `send(alice, "GET", path, params=…)`."""
    tokens: dict[tuple[int, str], str] = {}

    def sent(user: User | None, method: str, path: str, *, scope: str = "write", **more: Any) -> httpx.Response:
        headers = more.pop("headers", {})
        if user:
            key = (user.pk, scope)
            tokens.setdefault(key, token_of(user, scope) if key not in tokens else "")
            headers = {"Authorization": f"Bearer {tokens[key]}", **headers}
        with httpx.Client(trust_env=False, timeout=60) as http:
            return http.request(method, f"{door}{path}", headers=headers, **more)

    return sent
