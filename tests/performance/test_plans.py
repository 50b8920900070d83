"""With thousands of models, no page that people wait for reads the whole table of versions.

The planner decides as it would in service: the tables are filled and analysed, and nothing is forbidden to it.
"""

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection
from django.test import Client

from apps.registry import summaries
from apps.registry.models import DetailsState, ModelAlias, ModelVersion, RegisteredModel, Stage

MODELS, VERSIONS = 3000, 3
THEN = datetime(2026, 5, 4, 12, 0, tzinfo=UTC)
WHOLE_VERSION_TABLE = re.compile(r"Seq Scan on registry_modelversion\b|^SCAN registry_modelversion\b")
HOT = [
    "/models/",
    "/models/?q=churn",
    "/models/?stage=Production&owner=team-3",
    "/models/?tag=team%3Dteam-3",
    "/models/?alias=champion&sort=-updated",
    "/models/?counts=on",
    "/models/churn-0000/",
    "/models/churn-0000/v/2/",
    "/compare/?base=churn-0000@2&candidate=churn-0001@3",
    "/reviews/",
    "/requests/",
    "/connections/",
    "/api/v1/models/?page_size=100",
    "/api/v1/models/?q=churn-1&page_size=100",
    "/api/v1/models/?tag=team%3Dteam-3&page_size=100",
    "/api/v1/models/churn-0000/",
    "/api/v1/models/churn-0000/versions/",
    "/api/v1/models/churn-0000/versions/2/",
]


@pytest.fixture
def registry(db) -> None:
    """Models of ten teams with three versions each, the second of every fifth in Production."""
    RegisteredModel.objects.bulk_create(_model(number) for number in range(MODELS))
    models = list(RegisteredModel.objects.order_by("pk"))
    ModelVersion.objects.bulk_create(row for model in models for row in _versions(model))
    champions = ModelVersion.objects.filter(stage=Stage.PRODUCTION)
    ModelAlias.objects.bulk_create(ModelAlias(model_id=v.model_id, alias="champion", version=v) for v in champions)
    summaries.refresh(model.pk for model in models)
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")


def _model(number: int) -> RegisteredModel:
    at = THEN + timedelta(minutes=number)
    tags = {"team": f"team-{number % 10}"}
    return RegisteredModel(name=f"churn-{number:04}", tags=tags, created_at=at, updated_at=at)


def _versions(model: RegisteredModel) -> Iterator[ModelVersion]:
    for number in range(1, VERSIONS + 1):
        stage = Stage.PRODUCTION if number == 2 and model.pk % 5 == 0 else Stage.NONE
        yield ModelVersion(
            model=model, number=number, stage=stage, source=f"s3://models/{number}", created_at=THEN, updated_at=THEN,
            details_state=DetailsState.LOADED, details_at=THEN, metrics={"accuracy": number / 10},
        )  # fmt: skip


def plan_of(client: Client, address: str) -> list[str]:
    """The lines of the plans of all that a page asks the database for."""
    asked: list[tuple] = []

    def note(execute, sql, params, many, context):
        asked.append((sql, params))
        return execute(sql, params, many, context)

    with connection.execute_wrapper(note):
        assert client.get(address).status_code == 200, address
    explain = "EXPLAIN" if connection.vendor == "postgresql" else "EXPLAIN QUERY PLAN"
    lines = []
    with connection.cursor() as cursor:
        for sql, params in asked:
            if sql.startswith("SELECT"):
                cursor.execute(f"{explain} {sql}", params)
                lines += [str(row[-1]).strip() for row in cursor.fetchall()]
    return lines


def test_no_hot_page_reads_the_whole_table_of_versions(registry, admin, client):
    client.force_login(admin)
    scans = {
        address: [line for line in plan_of(client, address) if WHOLE_VERSION_TABLE.search(line)] for address in HOT
    }
    assert {address: lines for address, lines in scans.items() if lines} == {}


def test_a_scan_of_the_table_of_versions_would_be_noticed(db):
    with connection.cursor() as cursor:
        explain = "EXPLAIN" if connection.vendor == "postgresql" else "EXPLAIN QUERY PLAN"
        cursor.execute(f"{explain} SELECT * FROM registry_modelversion WHERE description = 'x'")
        lines = [str(row[-1]).strip() for row in cursor.fetchall()]
    assert any(WHOLE_VERSION_TABLE.search(line) for line in lines)
