"""The API's JSON is what REST framework writes, byte for byte but for its spaces."""

import json
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from uuid import UUID

import pytest
from django.utils.translation import gettext_lazy
from rest_framework.renderers import JSONRenderer

from config.api_json import JsonRenderer

BODIES = [
    {"name": "churn", "tags": {"équipe": "リスク"}, "number": 3, "share": 0.1, "none": None, "yes": True},
    [1, 2.5, "a", [], {}],
    {"label": gettext_lazy("Production"), "at": datetime(2026, 5, 4, 12, 30, tzinfo=UTC)},
    {"day": date(2026, 5, 4), "took": timedelta(seconds=90), "price": Decimal("1.50"), "id": UUID(int=7)},
    {"large": 2**70, "keys": {1: "a", None: "b"}},
    {"script": "</script>", "line": "a\u2028b", "nul": "\x00"},
    "text",
    0,
]


@pytest.mark.parametrize("body", BODIES, ids=lambda body: str(body)[:30])
def test_the_api_writes_what_rest_framework_writes(body):
    assert json.loads(JsonRenderer().render(body)) == json.loads(JSONRenderer().render(body))


def test_a_time_with_a_fraction_keeps_it():
    body = {"at": datetime(2026, 5, 4, 12, 0, 0, 250_001, tzinfo=UTC)}
    assert JsonRenderer().render(body) == b'{"at":"2026-05-04T12:00:00.250001Z"}'


def test_no_body_is_written_for_nothing():
    assert JsonRenderer().render(None) == b""


def test_what_asks_for_indented_json_gets_it():
    assert JsonRenderer().render({"a": 1}, "application/json; indent=2") == b'{\n  "a": 1\n}'
