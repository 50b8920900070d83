"""The SDK of Databricks as its users install it, a model that it finds, and a policy that wants two people."""

import os
from collections.abc import Callable
from typing import Any

import pytest
from databricks.sdk import WorkspaceClient
from databricks.sdk.service.ml import ModelRegistryAPI

from apps.accounts.models import User
from apps.approvals.models import ApprovalPolicy
from apps.registry import services as mirror
from apps.registry.models import DEFAULT_CONNECTION, RegisteredModel
from tests.builders import make_policy
from tests.servers.mlflow import MlflowRegistry


@pytest.fixture
def workspace(door, token_of, monkeypatch, settings) -> Callable[..., WorkspaceClient]:
    """Let the SDK act as a person: with a host and a token, and nothing else."""
    for name in [name for name in os.environ if name.startswith("DATABRICKS_")]:
        monkeypatch.delenv(name)
    settings.PUBLIC_URL = "https://assent.test"
    monkeypatch.setenv("NO_PROXY", "127.0.0.1,localhost")

    def of(user: User, scope: str = "write", **more: Any) -> WorkspaceClient:
        return WorkspaceClient(host=door, token=token_of(user, scope, **more))

    return of


@pytest.fixture
def sdk(workspace) -> Callable[..., ModelRegistryAPI]:
    """The part of the SDK that is about models."""
    return lambda user, scope="write", **more: workspace(user, scope, **more).model_registry


@pytest.fixture
def model(door, mlflow_registry: MlflowRegistry) -> RegisteredModel:
    """The model churn, with a version that a run made."""
    mlflow_registry.model("churn", description="Who leaves.", tags={"team": "growth"})
    mlflow_registry.version("churn", params={"depth": "3"}, metrics={"accuracy": 0.9})
    mirror.mirror_now(DEFAULT_CONNECTION, ["churn"])
    return RegisteredModel.objects.get(name="churn")


@pytest.fixture
def policy(model, bob, erin) -> ApprovalPolicy:
    """Production takes two people, and there are two."""
    return make_policy(required_approvals=2)


@pytest.fixture
def asked(policy, alice, sdk) -> None:
    """Alice has asked for Production."""
    sdk(alice).create_transition_request("churn", "1", "Production", comment="Better on May data.")
