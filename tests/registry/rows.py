"""Rows of the mirror without an MLflow, for tests of reading."""

from datetime import UTC, datetime
from typing import Any

from apps.registry.models import ModelAlias, ModelVersion, RegisteredModel

THEN = datetime(2026, 1, 1, tzinfo=UTC)


def model(name: str = "churn", **fields: Any) -> RegisteredModel:
    """Store a model."""
    return RegisteredModel.objects.create(name=name, created_at=THEN, updated_at=THEN, **fields)


def version(of: RegisteredModel, number: int = 1, *aliases: str, **fields: Any) -> ModelVersion:
    """Store a version and its aliases."""
    row = ModelVersion.objects.create(model=of, number=number, created_at=THEN, updated_at=THEN, **fields)
    for alias in aliases:
        ModelAlias.objects.create(model=of, alias=alias, version=row)
    return row
