"""What grows when it is unfolded: packed data, and lists in lists without end. Nothing of a stranger's is unpacked."""

import ast
import json

import pytest
from django.test import Client

from apps.registry.details import mlmodel
from apps.registry.models import ModelVersion
from tests.attacks.conftest import HIDDEN, House, undone
from tests.attacks.doors import ask, doors
from tests.attacks.test_excess import ROOT, SOURCES

pytestmark = pytest.mark.once
UNPACKERS = {"bz2", "gzip", "lzma", "PIL", "tarfile", "zipfile", "zlib", "zstandard", "brotli", "pickle", "marshal",
             "shelve", "cloudpickle", "joblib", "numpy", "pandas"}  # fmt: skip
OUR_OWN = {"apps/compliance/packages/zipping.py"}  # writes packages, and reads what it wrote
UNSAFE = {"load", "unsafe_load", "full_load", "load_all"}  # of yaml, with a loader that makes objects
DEEPEST = 500  # beyond what Python's own stack lets through


def imports(tree: ast.AST) -> set[str]:
    """Return the packages that a module imports."""
    named = {name.name for node in ast.walk(tree) if isinstance(node, ast.Import) for name in node.names}
    return {name.partition(".")[0] for name in named | {
        node.module or "" for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)
    }}  # fmt: skip


def nested(levels: int, inner: str = "1") -> bytes:
    return b"flavors: " + b"[" * levels + inner.encode() + b"]" * levels


def deepest() -> bytes:
    """Return the deepest file that is taken."""
    for levels in range(DEEPEST, 0, -5):
        try:
            mlmodel.parse(nested(levels))
        except ValueError:
            continue
        return nested(levels)
    raise AssertionError("nothing is taken")


def test_nothing_of_ours_unpacks_or_unpickles_what_a_stranger_sent():
    found = {str(path.relative_to(ROOT)): imports(ast.parse(path.read_text())) & UNPACKERS for path in SOURCES}
    wrong = {name for name, used in found.items() if used and not name.startswith("apps/demo/")}
    assert wrong == OUR_OWN


@pytest.mark.parametrize("opening", ["[", "{a: ", '["x", '])
def test_a_file_that_nests_without_end_is_refused_with_a_sentence(opening):
    with pytest.raises(ValueError, match="MLmodel"):
        mlmodel.parse(f"a: {opening * 50_000}".encode())


@pytest.mark.django_db
def test_the_deepest_file_that_is_taken_breaks_no_page_no_file_and_no_request(house: House):
    read = mlmodel.parse(deepest())
    deep = json.dumps([read["flavors"]])
    client = Client()
    client.force_login(house.everybody)
    with undone():
        version = ModelVersion.objects.get(model__name=HIDDEN, number=2)
        run = version.run | {"dataset_facts": [{"source": deep, "schema": deep, "profile": "[" * 50_000}]}
        ModelVersion.objects.filter(pk=version.pk).update(
            mlmodel=read | {"signature": {"inputs": deep}, "saved_input_example_info": read["flavors"]},
            environment={"conda": read["flavors"], "python_env": deep},
            input_example=deep, run=run, params={"deep": deep}, tags={"deep": deep},
        )  # fmt: skip
        about = {"compare": {"base": f"{HIDDEN}@1", "candidate": f"{HIDDEN}@2"},
                 "gate": {"model": HIDDEN, "version": 2, "target": "Production"}}  # fmt: skip
        found = {}
        for door in doors():
            query = next((query for word, query in about.items() if word in door.name), {})
            if "models/" in door.route or "compare" in door.name or "request" in door.name or query:
                for path in door.paths(house.ids):
                    with undone():
                        found["GET", path] = ask(client, "GET", path, query).status_code
                        found["POST", path] = ask(client, "POST", path, {"format": "zip"}).status_code
        asked = {"model": HIDDEN, "version": 2, "to_stage": "Staging", "reason": "Because."}
        found["ask"] = ask(client, "POST", "/api/v1/requests/", asked).status_code
    assert {path: status for path, status in found.items() if status >= 500 and status != 503} == {}
    assert found["ask"] == 201
