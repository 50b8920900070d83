"""Pages by place: nothing twice, nothing left out, both ways, whatever happens to the rows meanwhile."""

import base64
import json
from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from apps.errors import InvalidInput
from apps.registry import keyset
from apps.registry.keyset import Order
from apps.registry.models import RegisteredModel
from tests.registry.rows import THEN

pytestmark = pytest.mark.django_db


def fill(*values: dict) -> None:
    RegisteredModel.objects.bulk_create(
        RegisteredModel(**{"name": f"m{at:02}", "created_at": THEN, "updated_at": THEN} | fields)
        for at, fields in enumerate(values)
    )


def seven() -> None:
    """Seven models: one number twice, one date twice, three without."""
    fill(
        {"open_drift": 1, "production_since": THEN, "owner": "b"},
        {"open_drift": 0, "owner": "a"},
        {"open_drift": 1, "production_since": THEN + timedelta(days=2)},
        {"open_drift": 0},
        {"open_drift": 5, "production_since": THEN},
        {"open_drift": 3, "production_since": THEN + timedelta(days=1)},
        {"open_drift": 2},
    )


def pages(order: str, size: int, way: str = "next", cursor: str = "") -> list[list[str]]:
    """Walk from a cursor to the end, and return the names on each page."""
    found = []
    while True:
        page = keyset.page(RegisteredModel.objects.all(), Order.of(order), size, cursor)
        found.append([row.name for row in page.rows])
        cursor = getattr(page, way)
        if not cursor:
            return found


def names(order: str) -> list[str]:
    return [name for page in pages(order, 100) for name in page]


ORDERS = [
    "owner",
    "-owner",
    "name",
    "-name",
    "open_drift",
    "-open_drift",
    "production_since",
    "-production_since",
    "updated_at",
]


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("size", [1, 2, 3, 6, 7, 8])
def test_walking_forward_shows_each_row_once_in_order(order, size):
    seven()
    walked = [name for page in pages(order, size) for name in page]
    assert (walked, sorted(walked)) == (names(order), [f"m{at:02}" for at in range(7)])


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("size", [1, 2, 3, 7])
def test_walking_back_shows_the_pages_that_walking_forward_showed(order, size):
    seven()
    forward, cursor, page = [], "", None
    while page is None or cursor:
        page = keyset.page(RegisteredModel.objects.all(), Order.of(order), size, cursor)
        forward.append([row.name for row in page.rows])
        cursor = page.next
    back = pages(order, size, "previous", page.previous) if page.previous else []
    assert back[::-1] == forward[:-1]


@pytest.mark.parametrize("order", ["production_since", "-production_since"])
def test_rows_without_a_value_come_last_both_ways(order):
    seven()
    assert sorted(names(order)[4:]) == ["m01", "m03", "m06"]


@pytest.mark.parametrize("order", ["owner", "-owner"])
def test_rows_with_an_empty_text_come_last_both_ways(order):
    seven()
    assert sorted(names(order)[:2]) == ["m00", "m01"]


def test_rows_of_equal_value_are_sorted_by_age():
    seven()
    assert (names("open_drift")[:2], names("-open_drift")[-2:]) == (["m01", "m03"], ["m03", "m01"])


def test_rows_that_come_and_go_move_no_page():
    seven()
    first = keyset.page(RegisteredModel.objects.all(), Order.of("name"), 3)
    RegisteredModel.objects.filter(name__in=["m00", "m02"]).delete()
    fill({"name": "a new one"})
    second = keyset.page(RegisteredModel.objects.all(), Order.of("name"), 3, first.next)
    assert [row.name for row in second.rows] == ["m03", "m04", "m05"]


def test_a_page_before_with_too_few_rows_becomes_the_whole_first_page():
    seven()
    second = keyset.page(RegisteredModel.objects.all(), Order.of("name"), 3, page_cursor(after=3))
    RegisteredModel.objects.filter(name="m01").delete()
    back = keyset.page(RegisteredModel.objects.all(), Order.of("name"), 3, second.previous)
    assert ([row.name for row in back.rows], back.previous) == (["m00", "m02", "m03"], "")


def page_cursor(after: int, order: str = "name") -> str:
    return keyset.page(RegisteredModel.objects.all(), Order.of(order), after).next


def test_the_only_page_has_no_neighbours():
    seven()
    page = keyset.page(RegisteredModel.objects.all(), Order.of("name"), 7)
    assert (page.next, page.previous) == ("", "")


def test_names_too_long_for_an_address_are_paged_too():
    fill(*({"name": "long " * 500 + str(at)} for at in range(3)))
    assert [len(cursor) < 100 for cursor in (page_cursor(1), page_cursor(2))] == [True, True]
    assert pages("name", 1) == [["long " * 500 + str(at)] for at in range(3)]


def test_rows_as_dictionaries_are_paged_too():
    seven()
    rows, read = RegisteredModel.objects.values("id", "name"), dict.__getitem__
    first = keyset.page(rows, Order.of("name"), 2, read=read)
    assert [row["name"] for row in keyset.page(rows, Order.of("name"), 2, first.next, read=read).rows] == ["m02", "m03"]


def test_a_page_is_one_query():
    seven()
    cursor = page_cursor(3)
    with CaptureQueriesContext(connection) as asked:
        keyset.page(RegisteredModel.objects.all(), Order.of("name"), 3, cursor)
    assert len(asked) == 1


def made(*parts: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(parts).encode()).decode().rstrip("=")


@pytest.mark.parametrize(
    "cursor",
    ["x", "%", "é", "a" * 10_000, made(), made("n", "name", "m01"), made("n", "-name", "m01", 1),
     made("x", "name", "m", 1), made("n", "name", None, 1), made("n", "name", 3, 1), made("n", "name", "a\0b", 1),
     made("n", "name", "\ud800", 1), made("n", "name", "m", "1"), made("n", "name", "m", True),
     made("n", "name", "m", 2**63), made("n", "name", "m", -1), made("n", "name", [], 1), made("n", "name", {}, 1),
     base64.urlsafe_b64encode(b"[" * 2000).decode()],
)  # fmt: skip
def test_a_cursor_of_nobodys_making_is_refused_by_name(cursor):
    with pytest.raises(InvalidInput) as refused:
        keyset.page(RegisteredModel.objects.all(), Order.of("name"), 3, cursor)
    assert refused.value.field == "cursor"


@pytest.mark.parametrize(
    ("order", "value"),
    [("updated_at", "yesterday"), ("updated_at", "2026-01-01T00:00:00"), ("updated_at", 3), ("updated_at", None),
     ("production_since", "2026-02-30T00:00:00+00:00"), ("open_drift", 2**31), ("open_drift", 1.5),
     ("open_drift", True), ("open_drift", "1"), ("candidate_number", -(2**31))],
)  # fmt: skip
def test_a_cursor_whose_value_cannot_stand_in_the_column_is_refused(order, value):
    with pytest.raises(InvalidInput):
        keyset.page(RegisteredModel.objects.all(), Order.of(order), 3, made("n", order, value, 1))
