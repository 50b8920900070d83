"""The API's schema says everything that a caller needs, and the page shows all of it."""

import re
import shlex
from html import unescape

import pytest
from django.core.management import call_command
from django.test import Client
from django.urls import reverse

from config import api_docs

SCHEMA = api_docs.schema()
OPERATIONS = [(path, method, op) for path, methods in SCHEMA["paths"].items() for method, op in methods.items()]
IDS = [operation["operationId"] for _path, _method, operation in OPERATIONS]
PROBLEM = {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}


_kept: list[str] = []  # the page, which is large and the same for everybody who reads it


@pytest.fixture
def page(request) -> str:
    if not _kept:
        client = request.getfixturevalue("client")
        client.force_login(request.getfixturevalue("charlie"))
        _kept.append(client.get(reverse("api:docs")).content.decode())
    return _kept[0]


def test_schema_is_valid_and_generated_without_a_warning(tmp_path):
    call_command("spectacular", "--validate", "--fail-on-warn", "--file", str(tmp_path / "schema.yml"))


@pytest.mark.parametrize(("path", "method", "operation"), OPERATIONS, ids=IDS)
def test_operation_has_a_summary_and_one_tag(path, method, operation):
    assert (bool(operation["summary"]), operation["tags"]) == (True, [path.split("/")[3]])


@pytest.mark.parametrize(("path", "method", "operation"), OPERATIONS, ids=IDS)
def test_every_error_of_an_operation_is_a_problem(path, method, operation):
    errors = {status: answer.get("content") for status, answer in operation["responses"].items() if status >= "400"}
    assert ("401" in errors, errors) == (True, dict.fromkeys(errors, PROBLEM))


def test_operations_about_one_object_may_answer_that_there_is_none():
    assert [path for path, _, op in OPERATIONS if "{" in path and "404" not in op["responses"]] == []


def test_page_asks_strangers_to_sign_in(client, db):
    assert client.get("/api/v1/docs/").headers["Location"] == "/sign-in/?next=/api/v1/docs/"


def test_page_shows_every_operation(page):
    shown = re.findall(
        r'<span class="chip method tone-\w+">(\w+)</span><h3>[^<]*<span class="sub"><code>([^<]*)<', page
    )
    assert sorted(shown) == sorted((method.upper(), path) for path, method, _ in OPERATIONS)


def test_page_shows_every_parameter_and_field_of_a_body(page):
    named = {field.name for operation in api_docs.operations() for field in operation.parameters + operation.body}
    assert named - set(re.findall(r'<th scope="row" class="nowrap"><code>([^<]*)</code>', page)) == set()


def test_page_links_to_what_it_shows(page):
    assert set(re.findall(r'href="#([^"]*)"', page)) - set(re.findall(r'id="([^"]*)"', page)) == set()


def test_page_gives_no_element_the_same_name_twice(page):
    ids = re.findall(r' id="([^"]*)"', page)
    assert sorted(ids) == sorted(set(ids))


def test_page_says_what_a_request_must_hold(page):
    body = page.partition('aria-label="Body: Ask for a promotion"')[2].partition("</table>")[0]
    rows = re.findall(r"<code>(\w+)</code>( <span class=\"quiet\">required</span>)?</th>", body)
    assert [name for name, required in rows if required] == ["reason", "model", "version"]


@pytest.mark.parametrize(
    ("shape", "kind"),
    [
        ({"type": "integer", "minimum": 1, "maximum": 10}, "whole number, 1 to 10"),
        ({"type": "string", "maxLength": 250}, "text, at most 250 characters"),
        ({"type": "string", "nullable": True}, "null or text"),
        ({"type": "array", "items": {"type": "string"}}, "list of text"),
        ({}, "any value"),
    ],
)
def test_kind_is_said_in_words(shape, kind):
    assert api_docs.kind_of(shape).words == kind


def test_kind_of_a_stage_lists_the_choices():
    stage = {"$ref": "#/components/schemas/Stage"}
    assert api_docs.kind_of(stage).choices == ("None", "Staging", "Production", "Archived")


@pytest.mark.parametrize("operation", api_docs.operations(), ids=lambda operation: operation.id)
def test_example_is_understood(operation, alice, erin, page):
    """As curl would send it; 400 would mean that the example itself is wrong."""
    words = shlex.split(operation.example("http://testserver").replace("\\\n", " "))
    assert operation.example("http://testserver") in unescape(page)
    client = Client()
    client.force_login(alice)
    sent = {"data": words[words.index("-d") + 1]} if "-d" in words else {}
    address = next(word for word in words if word.startswith("http://testserver"))
    send = getattr(client, operation.method.lower())
    answer = send(address.removeprefix("http://testserver"), content_type="application/json", **sent)
    assert answer.status_code in (200, 201, 202, 403, 404), answer.content
