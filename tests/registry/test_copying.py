"""Many rows at once: the same rows as saving each would make."""

from datetime import UTC, datetime

import pytest
from django.db import IntegrityError, transaction

from apps.registry import copying
from apps.registry.models import ModelFacet, ModelVersion
from tests.registry import rows

AT = datetime(2026, 5, 4, 12, 0, 0, 123456, tzinfo=UTC)
AWKWARD = 'tab\t line\n back\\slash \\N "quotes" {braces} \u202eright to left, 模型'


@pytest.fixture(autouse=True, params=[1, 50], ids=["copied", "inserted"])
def worth_copying(request, monkeypatch):
    """Few rows both ways: with PostgreSQL's COPY, and by INSERT."""
    monkeypatch.setattr(copying, "WORTH_COPYING", request.param)


def version(model, number: int, **fields) -> ModelVersion:
    return ModelVersion(model=model, number=number, created_at=AT, updated_at=AT, **fields)


def test_inserted_rows_read_back_as_they_were(db):
    model = rows.model()
    given = [
        version(
            model, 1, description=AWKWARD, tags={AWKWARD: AWKWARD}, metrics={"loss": 0.1, "steps": 3}, stage_since=AT
        ),
        version(model, 2, files=[{"path": "a", "size": None}], signature={"inputs": []}, requirements=[]),
    ]
    copying.insert(given)
    columns = [field.attname for field in ModelVersion._meta.concrete_fields]
    stored = ModelVersion.objects.order_by("number").values(*columns)
    assert list(stored) == [{name: getattr(row, name) for name in columns} for row in given]


def test_inserted_rows_can_be_changed_and_saved(db):
    row = version(rows.model(), 1)
    copying.insert([row])
    row.description = "Changed."
    row.save()
    assert ModelVersion.objects.get().description == "Changed."


def test_rows_saved_afterwards_get_ids_of_their_own(db):
    model = rows.model()
    copying.insert([version(model, 1), version(model, 2)])
    assert rows.version(model, 3).pk not in ModelVersion.objects.filter(number__lt=3).values_list("pk", flat=True)


def test_a_row_that_is_there_already_is_refused(db):
    model = rows.model()
    rows.version(model, 1)
    with pytest.raises(IntegrityError), transaction.atomic():
        copying.insert([version(model, 2), version(model, 1)])
    assert list(ModelVersion.objects.values_list("number", flat=True)) == [1]


def test_no_rows_are_no_trouble(db):
    copying.insert([])
    assert ModelFacet.objects.count() == 0
