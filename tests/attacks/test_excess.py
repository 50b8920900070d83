"""Too much of everything: sizes, depths, numbers, characters, packed bodies, patterns that take for ever.

A client of these tests raises what a view raises, so that an answer at all means that nothing broke.
"""

import ast
import base64
import gzip
import importlib
import pkgutil
import re
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlencode

import pytest
from django.conf import settings
from django.test import Client

import apps
import config
from tests.attacks.conftest import House, undone
from tests.attacks.doors import doors
from tests.attacks.forms import TOKEN, Form

ROOT = Path(apps.__path__[0]).parent
SOURCES = [path for folder in ("apps", "config") for path in sorted((ROOT / folder).rglob("*.py"))]
NASTY = {
    "NUL": "a\0b", "surrogate": "\ud800", "bidi": "\u202egnp.exe\u2066", "long": "x" * 100_000, "digits": "9" * 5000,
    "exponent": "1e999", "NaN": "NaN", "Infinity": "-Infinity", "far": "99999-12-31T00:00", "array": "a[]",
}  # fmt: skip
TAKES_NOTHING = {  # these look neither at the query nor at a body
    "healthz", "readyz", "api:docs", "api:connection-test", "api:webhook-test", "api:webhook-resend",
    "api:webhook-secret", "api:delivery-resend", "api:checkpoint-list", "compliance:evidence",
    "compliance:request-evidence",
}  # fmt: skip
KEEP = ("hidden", "submit")  # fields that say which form it is
CURSORS = (
    "p=abc", "p=" + "9" * 40, "p=1&o=-1", "p=\0", "[]", "{}", "null", "[[[", '["n","name",[],1]', '["n","name",{},0]',
    '["n","name","\\ud800",1]', '["n","name","a\\u0000",1]', '["n","name","a",1e999]', f'["p","-id",7,{"9" * 40}]',
)  # fmt: skip
UNITS = ("a", " ", "0", "-", "/", ".", "@", "://", "?token=", "&a=", ";charset=", "~", "_", "\n", "a ", "v1.", "=a",
         "-----BEGIN CERTIFICATE-----", "external:", "git@a:", "models:/")  # fmt: skip
TIMES, SHORT = 4, 1500
HARMLESS = {"re", "map"}  # `re.escape` of texts written out


@pytest.fixture
def client(house: House) -> Client:
    client = Client()
    client.force_login(house.everybody)
    return client


def named(form: Form, value: str) -> dict[str, str]:
    """Return the form with this value in every field that a person fills in."""
    return {name: held if form.kinds[name] in KEEP else value for name, held in form.fields.items()}


@pytest.mark.django_db
@pytest.mark.parametrize("kind", NASTY)
def test_no_value_in_any_form_breaks_a_page(client, forms, kind):
    found = {}
    for form in forms:
        with undone():
            data, kind_of = (
                urlencode(named(form, NASTY[kind]), errors="surrogatepass"),
                "application/x-www-form-urlencoded",
            )
            answer = (
                client.get(f"{form.action}?{data}")
                if form.method == "get"
                else client.post(form.action, data, content_type=kind_of)
            )
        found[form.kind] = answer.status_code
    assert {form: status for form, status in found.items() if status >= 500 and status != 503} == {}


@pytest.mark.django_db
@pytest.mark.parametrize("kind", ["NUL", "long", "digits"])
def test_no_value_in_a_hidden_field_or_button_breaks_a_page(client, forms, house, kind):
    known, found = {name: values[0] for name, values in house.known.items()}, {}
    for form in forms:
        for name in [name for name, kind_of in form.kinds.items() if kind_of in KEEP and name != TOKEN]:
            with undone():
                sent = form.filled(known) | {name: NASTY[kind]}
                answer = (
                    client.get(f"{form.action}?{urlencode(sent)}")
                    if form.method == "get"
                    else client.post(form.action, sent)
                )
            found[form.kind, name] = answer.status_code
    assert {form: status for form, status in found.items() if status >= 500 and status != 503} == {}
    assert len(found) > 60


@pytest.mark.django_db
def test_no_cursor_of_anybodys_making_breaks_a_list(client, house):
    paths = [door.paths(house.ids)[0] for door in doors()]
    found = {}
    for path in [path for path in paths if client.get(path, {"cursor": "x"}).status_code == 400]:
        for text in CURSORS:
            cursor = base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")
            found[path, text] = client.get(path, {"cursor": cursor}).status_code
    wrong = {place: status for place, status in found.items() if status not in (200, 400, 404)}
    assert (wrong, len(found) >= 5 * len(CURSORS)) == ({}, True)


@pytest.mark.django_db
@pytest.mark.once
def test_too_many_fields_and_parameters_are_refused_everywhere(client, house):
    many = "&".join(f"a{number}=1" for number in range(settings.DATA_UPLOAD_MAX_NUMBER_FIELDS + 1))
    found = {}
    for door in doors():
        path = door.paths(house.ids)[0]
        found["GET", door.name] = client.get(f"{path}?{many}").status_code
        kind = "application/x-www-form-urlencoded"
        found["POST", door.name] = client.post(path, many, content_type=kind).status_code
    # A page that looks at no parameter may show itself all the same.
    taken = {
        door
        for door, status in found.items()
        if status >= 500 or (status < 300 and (door[0] == "POST" or "api:" in door[1]))
    }
    assert {door for door in taken if door[1] not in TAKES_NOTHING} == set()


@pytest.mark.django_db
@pytest.mark.once
def test_a_packed_body_is_never_unpacked(client, house):
    packed = gzip.compress(b'{"reason": "' + b"x" * 5_000_000 + b'"}')
    found = {}
    for door in doors():
        path = door.paths(house.ids)[0]
        kind = "application/json" if door.is_api else "application/x-www-form-urlencoded"
        with undone():
            answer = client.post(path, packed, content_type=kind, headers={"content-encoding": "gzip"})
        found[door.name] = answer.status_code
    taken = {name for name, status in found.items() if status < 300 or status >= 500}
    assert {name for name in taken if name not in TAKES_NOTHING} == set()


def patterns() -> Iterator[tuple[str, re.Pattern[str]]]:
    """Return every pattern that a module of ours compiles when it is loaded."""
    for package in (apps, config):
        for module in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
            if ".migrations" in module.name or module.name.startswith("apps.demo"):
                continue
            for name, value in vars(importlib.import_module(module.name)).items():
                if isinstance(value, re.Pattern) and isinstance(value.pattern, str):
                    yield f"{module.name}.{name}", value


PATTERNS = dict(patterns())


def uses(name: str) -> set[str]:
    """Return how the code of ours uses a pattern of this name: "search", "fullmatch", …"""
    called = rf"\b{name.rpartition('.')[2]}\.(search|match|fullmatch|findall|finditer|split|subn?)\("
    return {use for path in SOURCES for use in re.findall(called, path.read_text())}


def seconds(pattern: re.Pattern[str], name: str, text: str) -> float:
    """Return the processor's seconds for all its uses on a text; the least of three."""
    taken = []
    for _ in range(3):
        began = time.process_time()
        for use in USES[name]:
            list(pattern.finditer(text)) if use not in ("match", "fullmatch") else getattr(pattern, use)(text)
        taken.append(time.process_time() - began)
    return min(taken)


USES = {name: uses(name) for name in PATTERNS}


@pytest.mark.once
@pytest.mark.parametrize("name", PATTERNS)
def test_no_pattern_takes_more_than_its_share_of_a_longer_text(name):
    slow = {}
    for unit in UNITS:
        short, long = ((unit * (count // len(unit) + 1))[:count] + "\0" for count in (SHORT, SHORT * TIMES))
        before, after = (seconds(PATTERNS[name], name, text) for text in (short, long))
        # Linear work grows fourfold, quadratic sixteenfold; what takes less than a millisecond is too short to tell.
        if after > 0.001 and after / max(before, 1e-6) > 2.5 * TIMES:
            slow[unit] = round(after / before, 1)
    assert slow == {}


def _is_written_out(pattern: ast.expr) -> bool:
    """Whether a pattern is made of texts in the source alone."""
    return all(
        part.id.isupper() for part in ast.walk(pattern) if isinstance(part, ast.Name) and part.id not in HARMLESS
    )


def _patterns_of_others(node: ast.AST) -> bool:
    """Whether a piece of code hands a text that is not written there to an engine of patterns."""
    if isinstance(node, ast.keyword):
        return (node.arg or "").endswith(("__regex", "__iregex"))
    called = node.func if isinstance(node, ast.Call) else None
    module = called.value.id if isinstance(called, ast.Attribute) and isinstance(called.value, ast.Name) else ""
    return module == "re" and called.attr != "escape" and not _is_written_out(node.args[0])


@pytest.mark.once
def test_no_text_of_a_person_becomes_a_pattern():
    found = [
        f"{path.relative_to(ROOT)}:{getattr(node, 'lineno', 0)}"
        for path in SOURCES
        for node in ast.walk(ast.parse(path.read_text()))
        if _patterns_of_others(node)
    ]
    assert found == []
