"""Rows against a signature: every kind of fault, every shape of JSON, and files that nobody meant well."""

import base64
import csv
import io
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.registry.data_check import UnreadableData, check, schema_of

pytestmark = pytest.mark.once

AGE = {"name": "age", "type": "long", "required": True}
PLAN = {"name": "plan", "type": "string", "required": False}
NUMBERS = st.integers(-(2**63), 2**63 - 1)


def asked(*columns: dict[str, Any]):
    schema = schema_of({"signature": {"inputs": json.dumps(columns)}})
    assert schema is not None
    return schema


def tensor(*shape: int, dtype: str = "float64", name: str = "") -> dict[str, Any]:
    return {"name": name, "type": "tensor", "tensor-spec": {"dtype": dtype, "shape": list(shape)}}


def faults(schema, content: str | bytes, *, is_json: bool = False) -> list[tuple]:
    """Return (column, problem, count, first rows) of everything that is wrong."""
    body = content.encode() if isinstance(content, str) else content
    report = check(schema, io.BytesIO(body), is_json=is_json)
    return [(found.column, found.problem, found.count, found.rows) for found in report.findings]


def json_faults(schema, value: Any) -> list[tuple]:
    return faults(schema, json.dumps(value), is_json=True)


def refusal(content: str | bytes, *, is_json: bool = False) -> str:
    with pytest.raises(UnreadableData) as caught:
        faults(asked(AGE), content, is_json=is_json)
    return str(caught.value)


def test_rows_that_fit_have_no_fault():
    assert faults(asked(AGE, PLAN), "plan,age\nbasic,41\n,42\n") == []


def test_columns_are_missing_or_unexpected():
    assert faults(asked(AGE, PLAN), "Age\n1\n") == [("age", "missing", 1, []), ("Age", "unexpected", 1, [])]


def test_an_optional_column_may_be_absent():
    assert faults(asked(AGE, PLAN), "age\n1\n") == []


def test_a_fault_names_its_first_rows_and_counts_all():
    rows = "\n".join(["x"] * 8)
    assert faults(asked(AGE), f"age\n1\n{rows}\n") == [("age", "type", 8, [2, 3, 4, 5, 6])]


def test_a_required_value_that_is_empty_is_a_fault():
    assert faults(asked(AGE, PLAN), "age,plan\n,\nNA,x\n") == [("age", "null", 2, [1, 2])]


def test_a_row_of_another_length_is_a_fault_of_the_row():
    assert faults(asked(AGE, PLAN), "age,plan\n1\n2,x\n") == [("", "cells", 1, [1])]


CELLS = [
    ("long", ["0", "-9223372036854775808", " 7 "], ["1.0", "9223372036854775808", "1e3", "x", "١x"]),
    ("integer", ["2147483647"], ["2147483648", "9" * 5000]),
    ("double", ["1", "1.5", ".5", "-1e300", "NaN", "inf"], ["1,5", "x", "0x10", "1_000"]),
    ("float", ["1.5"], ["1e39"]),
    ("boolean", ["true", "False"], ["1", "yes"]),
    ("string", ["anything", "1"], []),
    ("datetime", ["2026-05-04", "2026-05-04T12:00:00+00:00"], ["4 May", "2026-13-01"]),
    ("binary", [base64.b64encode(b"x").decode()], ["*"]),
]


@pytest.mark.parametrize(("kind", "good", "bad"), CELLS, ids=[row[0] for row in CELLS])
def test_cells_are_read_as_their_type(kind, good, bad):
    text = io.StringIO()
    csv.writer(text).writerows([["a"], *([cell] for cell in [*good, *bad])])
    found = faults(asked({"name": "a", "type": kind}), text.getvalue())
    wrong = list(range(len(good) + 1, len(good) + len(bad) + 1))
    assert found == ([("a", "type", len(bad), wrong)] if bad else [])


VALUES = [
    ("long", [0, -(2**63)], [1.0, 2**63, True, "1"]),
    ("double", [1, 1.5], ["1", True]),
    ("float", [1.5], [1e39]),
    ("boolean", [True], [0, "true"]),
    ("string", ["x"], [1]),
    ("binary", ["eA=="], ["é"]),
    ("any", [1, "x", [1]], []),
]


@pytest.mark.parametrize(("kind", "good", "bad"), VALUES, ids=[row[0] for row in VALUES])
def test_json_values_are_taken_as_they_are(kind, good, bad):
    found = json_faults(asked({"name": "a", "type": kind}), [{"a": value} for value in [*good, *bad]])
    wrong = list(range(len(good) + 1, len(good) + len(bad) + 1))
    assert found == ([("a", "type", len(bad), wrong)] if bad else [])


SHAPES = [
    [{"age": 1}, {"age": None}],
    {"dataframe_records": [{"age": 1}, {"age": None}]},
    {"dataframe_split": {"columns": ["age"], "data": [[1], [None]]}},
    {"dataframe_split": {"data": [[1], [None]], "index": [0, 1], "columns": ["age"]}},
    {"columns": ["age"], "data": [[1], [None]]},
    {"instances": [{"age": 1}, {"age": None}]},
    {"inputs": [{"age": 1}, {"age": None}], "params": {"t": 1}},
    {"inputs": {"age": [1, None]}},
]


@pytest.mark.parametrize("value", SHAPES, ids=lambda value: ",".join(value) if isinstance(value, dict) else "records")
def test_json_comes_in_the_shapes_that_scoring_takes(value):
    assert json_faults(asked(AGE), value) == [("age", "null", 1, [2])]


def test_records_may_miss_a_column_in_one_row_only():
    assert json_faults(asked(AGE), [{"age": 1}, {"plan": "x"}]) == [
        ("age", "missing", 1, [2]),
        ("plan", "unexpected", 1, [2]),
    ]


def test_columns_without_names_are_told_apart_by_their_place():
    schema = asked({"type": "long"}, {"type": "string"})
    assert faults(schema, "a,b\n1,x\nx,y\n") == [("a", "type", 1, [2])]
    assert json_faults(schema, [[1, "x"], [1]]) == [("", "cells", 1, [2])]


def test_arrays_objects_and_maps_are_looked_into():
    array = {"name": "a", "type": "array", "items": {"type": "long"}}
    thing = {
        "name": "o",
        "type": "object",
        "properties": {"x": {"type": "long"}, "y": {"type": "long", "required": False}},
    }
    places = {"name": "m", "type": "map", "values": {"type": "double"}}
    good = {"a": [1, 2], "o": {"x": 1}, "m": {"k": 1.5}}
    bad = {"a": [1, "2"], "o": {"y": 1}, "m": {"k": "1.5"}}
    assert json_faults(asked(array, thing, places), [good, bad]) == [(name, "type", 1, [2]) for name in "aom"]


def test_an_array_in_a_cell_of_csv_is_read_as_json():
    assert faults(asked({"name": "a", "type": "array", "items": {"type": "long"}}), 'a\n"[1, 2]"\n[x\n') == [
        ("a", "type", 1, [2])
    ]


TENSORS = [
    ((-1, 2), [[1, 2.5], [3, 4]], []),
    ((-1, 2), [[1, 2], [1]], [("", "shape", 1, [2])]),
    ((-1, 2), [[1, "x"]], [("", "type", 1, [1])]),
    ((-1, 2), [[1, None]], [("", "null", 1, [1])]),
    ((-1, 2, 1), [[[1], [2]], [[1], 2]], [("", "shape", 1, [2])]),
    ((2, 1), [[1]], [("", "shape", 1, [])]),
    ((-1,), [1, [2]], [("", "shape", 1, [2])]),
]


@pytest.mark.parametrize(("shape", "value", "expected"), TENSORS)
def test_tensors_are_compared_in_shape_and_type(shape, value, expected):
    assert json_faults(asked(tensor(*shape)), {"inputs": value}) == expected


def test_tensors_have_names():
    schema = asked(tensor(-1, name="a"), tensor(-1, name="b", dtype="int64"))
    assert json_faults(schema, {"inputs": {"b": [1.5], "c": [1]}}) == [
        ("a", "missing", 1, []),
        ("b", "type", 1, [1]),
        ("c", "unexpected", 1, []),
    ]


def test_csv_can_be_a_tensor_of_two_axes():
    assert faults(asked(tensor(-1, 2)), "a,b\n1,2\n1,x\n1\n") == [("", "type", 1, [2]), ("", "shape", 1, [3])]


SILENT = [
    {},
    {"signature": "x"},
    *({"signature": {"inputs": raw}} for raw in ("{", "[1]", "[]", '[{"type": "tensor"}]')),
]


@pytest.mark.parametrize("content", SILENT)
def test_a_signature_that_says_nothing_of_inputs_asks_nothing(content):
    assert schema_of(content) is None


HOSTILE = [
    (b"\xff\xfeage", False, "not UTF-8"),
    (b"", False, "The file is empty"),
    (b"age,age\n1,2\n", False, "“age” stands twice"),
    (b'age\n"1\n2\n', False, "cannot be read as CSV"),
    (b"age\n" + b"1" * 200_000, False, "cannot be read as CSV"),
    (b"," * 20_000 + b"\n", False, "more than 10,000 columns"),
    (b"age\n" + b"1\n" * 1_000_001, False, "more than 1,000,000 rows"),
    (b"age\n" + (b"1" * 99_999 + b"\n") * 110, False, "larger than 10 MB"),
    (b"\xff", True, "not UTF-8"),
    (b"", True, "Line 1 cannot be read as JSON"),
    (b"[1, 2", True, "cannot be read as JSON"),
    (b'[{"age": 1}] x', True, "something follows the end"),
    (b'[{"age": 1},]', True, "a value is missing"),
    (b'{"inputs": [1], "inputs": [2]}', True, "stands twice"),
    (b'{"a": 1}', True, "none of the shapes"),
    (b'{"data": [[1]], "columns": 3}', True, "must be a list of names"),
    (b'{"inputs": {"a": [1], "b": []}}', True, "not all of the same length"),
    (b"[" * 100_000, True, "nests too deeply"),
    (b"[" * 2_000_000, True, "more than 1,000,000 rows"),
]


@pytest.mark.parametrize(("content", "is_json", "words"), HOSTILE, ids=[row[2] + str(row[0][:8]) for row in HOSTILE])
def test_hostile_files_are_refused_with_a_sentence(content, is_json, words):
    assert words in refusal(content, is_json=is_json)


def test_numbers_without_end_are_faults_not_trouble():
    body = '[{"age": ' + "9" * 1_000_000 + '}, {"age": 1e999}, {"age": NaN}]'
    assert faults(asked(AGE), body, is_json=True) == [("age", "type", 3, [1, 2, 3])]


def test_nul_signs_and_byte_order_marks_are_text():
    assert faults(asked(AGE, PLAN), b"\xef\xbb\xbfage,plan\n1,a\0b\n") == []


def test_findings_are_bounded():
    names = ",".join(f"c{number}" for number in range(5000))
    report = check(asked(AGE), io.BytesIO(f"{names}\n".encode()), is_json=False)
    assert (len(report.findings), report.more) == (200, 4801)


def test_an_example_is_short():
    report = check(asked(AGE), io.BytesIO(b"age\n" + b"x" * 1000), is_json=False)
    assert report.findings[0].example == "x" * 60 + "…"


@given(st.lists(NUMBERS, min_size=1))
def test_whole_numbers_fit_a_long_column_in_every_shape(numbers):
    text = "age\n" + "".join(f"{number}\n" for number in numbers)
    assert faults(asked(AGE), text) == []
    assert json_faults(asked(AGE), {"inputs": {"age": numbers}}) == []


@given(st.lists(st.one_of(NUMBERS, st.none(), st.text(max_size=5)), min_size=1))
def test_csv_and_json_agree_on_what_is_wrong(values):
    records = json_faults(asked(AGE), [{"age": value} for value in values])
    split = json_faults(asked(AGE), {"dataframe_split": {"columns": ["age"], "data": [[value] for value in values]}})
    assert records == split
    assert sum(count for _, _, count, _ in records) == sum(not isinstance(value, int) for value in values)


def outcome(schema, body: bytes, *, is_json: bool) -> str:
    """Return the sentence of a refusal, "checked." otherwise. Anything else that is raised fails the test."""
    try:
        check(schema, io.BytesIO(body), is_json=is_json)
    except UnreadableData as refused:
        return str(refused)
    return "checked."


@given(st.binary(max_size=300), st.booleans())
def test_any_bytes_are_checked_or_refused(body, is_json):
    assert outcome(asked(AGE), body, is_json=is_json).endswith(".")


KEYS = st.sampled_from(["inputs", "data", "columns", "age", "instances", "dataframe_split"])
LEAVES = st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=3)
ANYTHING = st.recursive(LEAVES, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(KEYS, inner))


@given(ANYTHING)
def test_any_json_is_checked_or_refused(value):
    body = json.dumps(value).encode()
    assert [outcome(schema, body, is_json=True)[-1] for schema in (asked(AGE), asked(tensor(-1, 2)))] == [".", "."]


def wide(columns: int) -> Any:
    return asked(*({"name": f"c{number}", "type": "long", "required": True} for number in range(columns)))


NESTED = {
    "name": "a", "type": "array", "required": True,
    "items": {"type": "object", "properties": {f"p{n}": {"type": "long", "required": False} for n in range(1000)}},
}  # fmt: skip


@pytest.mark.parametrize(
    ("schema", "body", "is_json"),
    [
        (wide(1000), "[" + ",".join(["{}"] * 3001) + "]", True),
        (wide(1000), "[" + ",".join(["[]"] * 3001) + "]", True),
        (asked(AGE), "age,b,c,d,e,f\n" + ",,,,,\n" * 500_001, False),
        (asked(NESTED), '[{"a": [' + ",".join(["{}"] * 3001) + "]}]", True),
        (asked(NESTED), 'a\n"[' + ",".join(["{}"] * 3001) + ']"\n', False),
    ],
    ids=["records", "lists", "csv", "nested", "nested csv"],
)
def test_more_values_than_a_request_may_compare_are_refused(schema, body, is_json):
    assert outcome(schema, body.encode(), is_json=is_json) == (
        "The file has more than 3,000,000 values to compare, rows times columns. Check a part of it."
    )


def test_as_many_values_as_a_request_may_compare_are_checked():
    body = "[" + ",".join(["{}"] * 3000) + "]"
    assert faults(wide(1000), body, is_json=True)[0] == ("c0", "missing", 3000, [1, 2, 3, 4, 5])
