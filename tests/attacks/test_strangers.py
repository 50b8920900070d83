"""Objects of others, named in addresses, queries, bodies and forms: nothing is told of them and nothing done to them.

Whoever attacks holds a role on one model, and so may do much, but not here.
"""

import json
import re
import shlex
from typing import Any

import pytest
from django.test import Client

from apps.audit.actions import Outcome
from apps.audit.models import AuditEvent
from config import api_docs
from tests.attacks.conftest import HIDDEN, OWN, House
from tests.attacks.doors import METHODS, ask, doors, text_of, unmet
from tests.undoing import undone

pytestmark = pytest.mark.django_db
FORMATS = [{}, {"accept": "application/json"}, {"hx-request": "true"}]
SUFFIXES = (".json", ".csv", "/export.json", "/?format=json")
ACCEPTED = ("text/csv", "application/xml")
ABSENT = "nothing-of-that-name"
KNOWN_TO_ALL = {  # policies and requirement sets are rules: whoever is governed by them may read them
    "api:card-requirement-set", "api:policy-detail", "api:policy-dry-run", "approvals:policy-detail",
    "approvals:policy-dry-run",
}  # fmt: skip
THEIR_OWN = {  # about no model
    "audit.export_started", "audit.exported", "delegation.given", "notifications.changed", "session.ended",
    "token.created", "view.saved",
}  # fmt: skip


@pytest.fixture
def client(house) -> Client:
    client = Client()
    client.force_login(house.stranger)
    return client


def leaks(house: House, client: Client, method: str, path: str, data: Any = None, **more: Any) -> list[str]:
    """Send it, undo it, and return what the answer tells of what is hidden, and what was done to anything.

    Nothing is written without its event, so the trail tells what was done.
    """
    sent = f"{path} {data}"
    with undone():
        since = AuditEvent.objects.latest("pk").pk
        answer = ask(client, method, path, data, **more)
        text = f"{text_of(answer)} {answer.headers}"
        events = AuditEvent.objects.filter(pk__gt=since, outcome=Outcome.DONE).exclude(model_id=house.own.pk)
        done = [f"{row.action} of {row.target}" for row in events if row.model_id or row.action not in THEIR_OWN]
    return [hidden for hidden in house.hidden if hidden in text and hidden not in sent] + done


def test_every_kind_of_object_that_an_address_can_name_is_known_here(house):
    assert unmet(house.ids) == set()


def test_no_address_in_any_method_or_format_tells_of_a_hidden_object_or_changes_it(client, house):
    found = {}
    for path in [path for door in doors() if "<" in door.route for path in door.paths(house.ids)]:
        for method in METHODS:
            for headers in FORMATS if method == "GET" else FORMATS[:1]:
                found[method, path, *headers] = leaks(house, client, method, path, headers=headers)
    assert {door: seen for door, seen in found.items() if seen} == {}


@pytest.mark.once
def test_no_list_page_or_file_holds_a_hidden_object_whatever_is_asked_of_it(client, house):
    asked = ({"model": HIDDEN}, {"q": "churn", "deleted": "on"}, {"base": f"{HIDDEN}@1", "candidate": f"{OWN}@1"})
    found = {}
    for path in [path for door in doors() if "<" not in door.route for path in door.paths({})]:
        for query in asked:
            found[path, str(query)] = leaks(house, client, "GET", path, query)
        for headers in FORMATS:
            found[path, *headers] = leaks(house, client, "GET", path, headers=headers)
    assert {door: seen for door, seen in found.items() if seen} == {}


@pytest.mark.once
def test_no_other_format_of_an_address_tells_of_a_hidden_object(client, house):
    found = {}
    for path in [path for door in doors() if "<" in door.route for path in door.paths(house.ids)[:1]]:
        for suffix in SUFFIXES:
            found[path, suffix] = leaks(house, client, "GET", path.removesuffix("/") + suffix)
        for accepted in ACCEPTED:
            found[path, accepted] = leaks(house, client, "GET", path, headers={"accept": accepted})
    assert {door: seen for door, seen in found.items() if seen} == {}


def plain(text: str) -> str:
    """Return a text without what differs from one answer to the next: forms' tokens, numbers and what was asked for."""
    return re.sub(r"\d+", "#", re.sub(r"\b[A-Za-z0-9]{64}\b", "", text))


def told(client: Client, method: str, path: str, asked: tuple[str, ...]) -> tuple[int, str, str]:
    """Send it, undo it, and return what is told of the thing that was asked for, which is called "it"."""
    with undone():
        answer = ask(client, method, path)
        text = f"{text_of(answer)} {answer.headers.get('Location', '')}"
    for word in (path, *asked):
        text = text.replace(word, "it")
    return answer.status_code, answer.headers.get("Content-Type", ""), plain(text)


@pytest.mark.once
@pytest.mark.parametrize("method", METHODS)
def test_what_is_hidden_answers_as_what_does_not_exist(client, house, method):
    nowhere = {name: [2**31 - 9] * len(keys) for name, keys in house.ids.items()}
    found = {}
    for door in [door for door in doors() if "<" in door.route]:
        hidden, absent = door.paths(house.ids), door.paths(nowhere | {"models": [ABSENT], "connections": [ABSENT]})
        for one, other in zip(hidden, absent * len(hidden), strict=False):
            there = told(client, method, one, (HIDDEN,))
            if there != told(client, method, other, (ABSENT,)):
                found[door.name, one] = there[0]
    assert {name for name, _ in found} - KNOWN_TO_ALL == set(), found


@pytest.mark.once
def test_what_somebody_asked_for_in_vain_tells_them_nothing_afterwards(client, house):
    told_of = ("/audit/access/", "/audit/access/export.json", "/api/v1/audit/accesses/?page_size=200", "/audit/")
    with undone():
        for door in doors():
            for method in METHODS:
                ask(client, method, door.paths(house.ids)[0], {"model": HIDDEN})
        found = {path: leaks(house, client, "GET", path) for path in told_of}
    assert {path: seen for path, seen in found.items() if seen} == {}


def test_no_body_of_the_api_can_name_a_hidden_object(client, house):
    found = {}
    for operation in api_docs.operations():
        if operation.method == "GET" or not operation.body:
            continue
        words = shlex.split(operation.example("").replace("\\\n", " "))
        body = json.loads(words[words.index("-d") + 1])
        named = {field.name: house.known[field.name][0] for field in operation.body if field.name in house.known}
        for number in house.ids.get(operation.tag, [1])[:2]:
            for name in (HIDDEN, OWN):
                known = {"name": name, "number": 1, "id": number, "view": number, "endpoint": number}
                path = operation.path.format_map({key: values[0] for key, values in house.known.items()} | known)
                for sent in (body, body | named):
                    found[operation.id, str(sent)] = leaks(house, client, operation.method, path, sent)
    assert {door: seen for door, seen in found.items() if seen} == {}


def test_no_parameter_of_the_api_can_name_a_hidden_object(client, house):
    found = {}
    for operation in api_docs.operations():
        queried = [field.name for field in operation.parameters if field.where == "query"]
        named = {name: house.known[name][0] for name in queried if name in house.known}
        path = operation.path.format_map({name: values[0] for name, values in house.known.items()} | {"name": OWN})
        if operation.method == "GET":
            found[operation.id] = leaks(house, client, "GET", path, named)
    assert {door: seen for door, seen in found.items() if seen} == {}


def test_no_form_can_name_a_hidden_object(client, house, forms):
    known = {name: values[0] for name, values in house.known.items()}
    found = {
        form.kind: leaks(house, client, form.method.upper(), form.action, form.filled(known))
        for form in forms
        if form.method in ("get", "post")
    }
    assert {form: seen for form, seen in found.items() if seen} == {}
