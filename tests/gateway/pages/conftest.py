"""MLflow's own pages as browsers ask for them: by session, saying where a request comes from."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import Group
from django.http import HttpResponse
from django.test import Client

from apps.accounts import grants
from apps.accounts.models import User
from apps.accounts.roles import DATA_SCIENTIST
from apps.registry import sync
from apps.registry.models import RegisteredModel
from tests.conftest import member

SAME_ORIGIN = {"Sec-Fetch-Site": "same-origin"}


@pytest.fixture
def registry(db, mlflow_registry) -> Any:
    """An MLflow with one version of churn and one of secret, mirrored."""
    for name in ("churn", "secret"):
        mlflow_registry.model(name)
        mlflow_registry.version(name, metrics={"accuracy": 0.9})
    sync.synchronise(requested_by="test")
    return mlflow_registry


@pytest.fixture
def dana(registry) -> User:
    """A data scientist on churn alone."""
    person, group = member("dana"), Group.objects.create(name="churners")
    grants.set_role(group, [DATA_SCIENTIST], RegisteredModel.objects.get(name="churn"), model_class=RegisteredModel)
    person.groups.add(group)
    return person


@pytest.fixture
def ask() -> Callable[..., HttpResponse]:
    """Ask as MLflow's pages do: `ask(alice, "POST", "ajax-api/…", key="value")`; `headers` in place of our origin."""

    def asked(user: User | None, method: str, path: str, /, *, headers: Any = None, **fields: Any) -> HttpResponse:
        client = Client()
        if user:
            client.force_login(user)
        sent: Any = {"headers": SAME_ORIGIN if headers is None else headers}
        if method in ("GET", "HEAD"):
            return getattr(client, method.lower())(f"/mlflow/{path}", fields, **sent)
        return client.generic(method, f"/mlflow/{path}", json.dumps(fields), "application/json", **sent)

    return asked
