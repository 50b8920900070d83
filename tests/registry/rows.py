"""Rows of the mirror without an MLflow, for tests of reading."""

from datetime import UTC, datetime
from typing import Any

from apps.registry import summaries
from apps.registry.models import ModelAlias, ModelVersion, RegisteredModel

THEN = datetime(2026, 1, 1, tzinfo=UTC)


def model(name: str = "churn", **fields: Any) -> RegisteredModel:
    """Store a model."""
    row = RegisteredModel.objects.create(name=name, created_at=THEN, updated_at=THEN, **fields)
    summaries.refresh([row.pk])
    return row


def version(of: RegisteredModel, number: int = 1, *aliases: str, **fields: Any) -> ModelVersion:
    """Store a version and its aliases."""
    row = ModelVersion.objects.create(model=of, number=number, created_at=THEN, updated_at=THEN, **fields)
    for alias in aliases:
        ModelAlias.objects.create(model=of, alias=alias, version=row)
    summaries.refresh([of.pk])
    return row
