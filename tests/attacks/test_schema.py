"""The API attacked from its own schema, as every role: it answers as the schema says, and shows nobody else's objects.

The bodies and queries are drawn from the schema, with values that mean something in place of half of them; so is each
new operation's, without a line here. Few of them, so that it stays quick: `EXAMPLES` raises it for a longer look.
"""

import os
import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import unquote

import pytest
import schemathesis
from django.core.signals import request_finished, request_started
from django.db import close_old_connections
from django.urls import get_resolver
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from schemathesis.core import NotSet
from schemathesis.core.failures import FailureGroup
from schemathesis.core.parameters import ParameterLocation
from schemathesis.generation import GenerationMode
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from config import api_docs
from config.wsgi import application
from tests.attacks.conftest import House, undone
from tests.test_permissions import TABLE

pytestmark = [pytest.mark.once, pytest.mark.django_db, pytest.mark.usefixtures("same_connection")]
CHECKS = [status_code_conformance, content_type_conformance, response_headers_conformance, response_schema_conformance]
SCHEMA = schemathesis.openapi.from_dict(api_docs.schema())
SCHEMA.app = application
OPERATIONS = [found.ok() for found in SCHEMA.get_all_operations()]
WITH_INPUT = [found for found in OPERATIONS if found.body or found.query or found.path_parameters]
bounded = settings(
    max_examples=int(os.environ.get("EXAMPLES", "2")),
    derandomize=True,
    database=None,
    deadline=None,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=list(HealthCheck),
)


@pytest.fixture
def same_connection() -> Iterator[None]:
    """Let requests leave the database's connection open, as Django's own test client does: all is undone in it."""
    for signal in (request_started, request_finished):
        signal.disconnect(close_old_connections)
    yield
    for signal in (request_started, request_finished):
        signal.connect(close_old_connections)


def meant(case: schemathesis.Case, data: st.DataObject, known: dict[str, list[Any]]) -> schemathesis.Case:
    """Put values that mean something in place of most of those that were drawn."""
    for place in (case.path_parameters, case.query, case.body):
        for name in list(place) if isinstance(place, dict) else []:
            fitting = [value for value in known.get(name, ()) if place is case.body or not isinstance(value, list)]
            if fitting and data.draw(st.integers(0, 3)):
                place[name] = data.draw(st.sampled_from(fitting))
    return case


def faults(case: schemathesis.Case, house: House, who: str) -> list[str]:
    """Send it as this person, undo what it did, and return what is wrong with the answer."""
    with undone():
        answer = case.call(headers={"Authorization": f"Bearer {house.tokens[who]}"})
    try:
        case.validate_response(answer, checks=CHECKS)
    except FailureGroup as group:
        return [str(failure)[:500] for failure in group.exceptions]
    text, sent = answer.content.decode(errors="replace"), unquote(case.as_curl_command())
    return (
        [hidden for hidden in house.hidden if hidden in text and hidden not in sent] if who in house.strangers else []
    )


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda operation: operation.label)
def test_operation_answers_every_role_as_the_schema_says_and_shows_nothing_hidden(operation, house):
    @bounded
    @given(case=operation.as_strategy(), data=st.data())
    def attack(case: schemathesis.Case, data: st.DataObject) -> None:
        case = meant(case, data, house.known)
        found = {who: faults(case, house, who) for who in house.tokens}
        assert {who: wrong for who, wrong in found.items() if wrong} == {}, case.as_curl_command()

    attack()


def test_every_status_that_the_table_of_permissions_expects_stands_in_the_schema():
    routes = get_resolver().namespace_dict["api"][1].reverse_dict
    missing = {}
    for (name, method), row in TABLE.items():
        found = routes.getlist(name.removeprefix("api:")) if name.startswith("api:") else []
        path = "/api/v1/" + re.sub(r"%\((\w+)\)s", r"{\1}", found[0][0][0][0] if found else "")
        operation = SCHEMA.raw_schema["paths"].get(path, {}).get(method.lower())
        if operation:
            missing[name, method] = {str(status) for status in row.expected().values()} - set(operation["responses"])
    assert {door: statuses for door, statuses in missing.items() if statuses} == {}


def breaks_the_schema(case: schemathesis.Case) -> bool:
    """Whether path, query or body of a case are against the schema: headers that nobody reads are not.

    In an address every value is a text: a number in place of a text is none that could be refused.
    """
    places = {place for place, drawn in case.meta.components.items() if drawn.mode is GenerationMode.NEGATIVE}
    in_body = ParameterLocation.BODY in places and not isinstance(case.body, NotSet)
    in_query = ParameterLocation.QUERY in places and all(isinstance(value, str) for value in case.query.values())
    return in_body or in_query or ParameterLocation.PATH in places


@pytest.mark.parametrize("operation", WITH_INPUT, ids=lambda operation: operation.label)
def test_operation_refuses_what_is_against_the_schema(operation, house):
    @bounded
    @given(case=operation.as_strategy(generation_mode=GenerationMode.NEGATIVE))
    def attack(case: schemathesis.Case) -> None:
        with undone():
            answer = case.call(headers={"Authorization": f"Bearer {house.tokens['everybody']}"})
        case.validate_response(answer, checks=CHECKS)
        refused = 400 <= answer.status_code < 500
        assert refused or not breaks_the_schema(case), f"{answer.status_code} for {case.as_curl_command()}"

    attack()
