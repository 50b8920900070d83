"""What is authorised is what is sent: requests as they are understood and rebuilt. Pure, without any server."""

import json
from urllib.parse import parse_qsl, unquote, urlsplit

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from apps.errors import DomainError, InvalidInput
from apps.gateway.canonical import check_path, one_spelling, understood
from apps.gateway.routes import Found, Route, find

pytestmark = pytest.mark.once
JSON = "application/json"
GET = Found(Route("GET", "/api/2.0/mlflow/runs/get", "run.read"), {})
POST = Found(Route("POST", "/api/2.0/mlflow/runs/set-tag", "run.tag"), {})
LOGGED = find("PATCH", "/api/2.0/mlflow/logged-models/m-1")
FILE = "/api/2.0/mlflow-artifacts/artifacts/"
words = st.text(st.characters(exclude_categories=("Cs",), exclude_characters="\0"), min_size=1, max_size=20)
fields = st.dictionaries(st.from_regex(r"[a-z]{1,6}(_[a-z]{1,5}){0,2}", fullmatch=True), words, min_size=1, max_size=5)
values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**63) | st.floats(allow_nan=False) | words,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(words, inner, max_size=3),
    max_leaves=8,
)


# Nothing here is about time: the first example reads the tables of Unicode, which takes a busy machine seconds.
patient = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])


def camel(name: str) -> str:
    first, *rest = name.split("_")
    return first + "".join(part.title() for part in rest)


@patient
@given(st.dictionaries(st.from_regex(r"[a-z]{1,6}", fullmatch=True), values, max_size=4))
def test_a_body_that_is_looked_at_is_the_body_that_is_sent(params):
    call = understood(POST, "", JSON, json.dumps(params).encode())
    assert (call.params, json.loads(call.body or b"")) == (params, params)


@patient
@given(fields)
def test_the_fields_of_a_question_are_those_that_are_sent_whichever_way_they_came(params):
    query = understood(GET, "&".join(f"{name}={_escaped(value)}" for name, value in params.items()), "", b"")
    body = understood(GET, "", JSON, json.dumps(params).encode())
    assert dict(parse_qsl(urlsplit(query.target).query, keep_blank_values=True)) == params
    assert (query.target, query.body) == (body.target, body.body)


@patient
@given(fields)
def test_camel_case_is_read_as_the_field_that_it_means(params):
    spelled = {camel(name): value for name, value in params.items()}
    assert understood(POST, "", JSON, json.dumps(spelled).encode()).params == params


@patient
@given(fields.filter(lambda found: any(camel(name) != name for name in found)))
def test_both_spellings_of_a_field_at_once_are_refused(params):
    spelled = {camel(name): value for name, value in params.items()}
    with pytest.raises(InvalidInput):
        understood(POST, "", JSON, json.dumps(params | spelled).encode())


@patient
@given(st.binary(max_size=60), st.sampled_from([GET, POST]))
def test_any_bytes_are_understood_or_refused_in_words(body, found):
    try:
        call = understood(found, "", JSON, body)
    except DomainError:
        return
    assert call.target.startswith(found.route.path)
    assert call.body is None or json.loads(call.body) == call.params


@patient
@given(st.text(max_size=40))
def test_a_path_of_artifacts_reaches_mlflow_as_it_was_looked_at(path):
    found = find("GET", FILE + path)
    if found is None:
        return
    try:
        call = understood(found, "", "", b"")
    except InvalidInput:
        return
    assert unquote(call.target) == FILE + path
    assert not {"", ".", "..", "%2e%2e"} & set(path.split("/"))


@pytest.mark.parametrize(
    "path",
    [
        "a/../b",
        "../a",
        "a/..",
        "a//b",
        "/a",
        "a/",
        ".",
        "a/./b",
        "a%2fb",
        "%2e%2e/a",
        "a%252fb",
        "a\\..\\b",
        "a\0b",
        "a\n",
    ],
)
def test_a_path_that_leads_elsewhere_is_refused(path):
    with pytest.raises(InvalidInput):
        check_path(path)


@pytest.mark.parametrize(
    ("content_type", "body"),
    [
        ("application/x-www-form-urlencoded", b"run_id=1"),
        ("multipart/form-data; boundary=x", b"--x--"),
        ("text/plain", b"{}"),
        ("", b"{}"),
        (JSON, b'{"run_id": "a", "run_id": "b"}'),
        (JSON, b'{"tags": [{"key": "a", "key": "b"}]}'),
        (JSON, b'{"run_id": "a", "runId": "b"}'),
        (JSON, b'"{\\"run_id\\": \\"a\\"}"'),
        (JSON, b'[{"run_id": "a"}]'),
        (JSON, b"null"),
        (JSON, b'{"run_id": "\\ud800"}'),
        (JSON, b'{"run_id": "\xed\xa0\x80"}'),
        (JSON, '{"run_id": "a"}'.encode("utf-16")),
        (JSON, b'{"a":' * 100_000 + b"1" + b"}" * 100_000),
        (JSON, b'{"a": ' + b"9" * 5000 + b"}"),
    ],
    ids=lambda value: None,
)
def test_a_body_that_could_be_read_in_two_ways_is_refused(content_type, body):
    with pytest.raises(InvalidInput):
        understood(POST, "", content_type, body)


@pytest.mark.parametrize(
    ("found", "query", "body"),
    [
        (GET, "run_id=a", b'{"run_id": "b"}'),
        (POST, "run_id=a", b'{"run_id": "b"}'),
        (GET, "key=a&key=b", b""),
        (GET, "runUuid=a&run_uuid=b", b""),
        (GET, "run_id=%ff", b""),
        (LOGGED, "", b'{"model_id": "m-2", "status": 2}'),
        (LOGGED, "", b'{"modelId": "m-2", "status": 2}'),
    ],
)
def test_fields_in_two_places_are_refused(found, query, body):
    with pytest.raises(InvalidInput):
        understood(found, query, JSON, body)


@pytest.mark.parametrize("value", ["", "1 ", "-1", "1.0", "²", "9" * 5000, str(2**31), True, ["1"], {"a": 1}, None])
def test_a_version_is_a_number_that_versions_have(value):
    call = understood(POST, "", JSON, json.dumps({"version": value}).encode())
    with pytest.raises(InvalidInput):
        call.number("version")


@pytest.mark.parametrize("value", ["a\0b", True, 1.5, ["a"], {"a": "b"}, None])
def test_a_name_is_a_text_that_databases_take(value):
    call = understood(POST, "", JSON, json.dumps({"key": value}).encode())
    with pytest.raises(InvalidInput):
        call.text("key")


def test_one_spelling_leaves_values_and_unknown_names_alone():
    assert one_spelling({"runID": 1, "aB": {"cD": 2}, "x": 3}) == {"run_i_d": 1, "a_b": {"cD": 2}, "x": 3}


def _escaped(text: str) -> str:
    return "".join(f"%{byte:02x}" for byte in text.encode())
