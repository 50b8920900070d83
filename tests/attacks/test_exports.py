"""Whatever leaves as a file, over a page or the API: how it is called, and that nothing in it runs or computes.

Files that are asked for with POST are found by asking every address for each form of a package.
"""

import csv
import io
import json
import re
import zipfile
from pathlib import PurePosixPath

import pytest
from django.test import Client

from tests.attacks.conftest import House, undone
from tests.attacks.doors import ask, doors
from tests.attacks.test_markup import FORMULA, LINE, MARKUP, Reader, formulas, hostile

pytestmark = [pytest.mark.django_db, pytest.mark.once]
NAMED = re.compile(r'(attachment|inline); filename="[A-Za-z0-9. _-]+\.[a-z]+"')
BROKEN_OUT = re.compile(rb"(?<!\\)\)/X9")  # the end of a text in a PDF, and then a command
ACTIVE = (b"/JavaScript", b"/JS", b"/Launch", b"/URI", b"/OpenAction", b"/EmbeddedFile", b"/SubmitForm", b"/AA")
QUERIES = {
    "compare": {"base": "{name}@1", "candidate": "{name}@2"},
    "as-of": {"model": "{name}"},
    "gate": {"model": "{name}", "version": 2, "target": "Production"},
}
Files = dict[tuple[str, str, str], tuple[str, bytes]]


def files(house: House) -> Files:
    """Return every file that somebody gets who may do everything: (method, path, form) → its header and content."""
    name, found = house.world.churn.name, {}
    client = Client()
    client.force_login(house.everybody)
    for door in doors():
        query = next((query for word, query in QUERIES.items() if word in door.name), {})
        query = {key: str(value).format(name=name) for key, value in query.items()}
        for path in door.paths(house.ids | {"models": [name]}):
            for method, form in (("GET", ""), ("POST", "zip"), ("POST", "pdf")):
                with undone():
                    answer = ask(client, method, path, query if method == "GET" else {"format": form})
                    content = b"".join(answer) if answer.streaming else answer.content
                if "Content-Disposition" in answer.headers:
                    found[method, path, form] = (answer.headers["Content-Disposition"], content)
    return found


@pytest.fixture(scope="module")
def taken(house, django_db_blocker) -> Files:
    """Every file when every text is hostile in all the ways that a file can suffer from."""
    with django_db_blocker.unblock(), hostile(house, lambda text: f'{FORMULA}{text}ü"{MARKUP}{LINE}\u202e;/../)/X9 ('):
        return files(house)


def test_no_name_of_a_file_says_anything_else(taken):
    wrong = {key: named for key, (named, _) in taken.items() if not NAMED.fullmatch(named)}
    kinds = {named.rstrip('"').rpartition(".")[2] for named, _ in taken.values()}
    assert (wrong, kinds) == ({}, {"csv", "json", "jsonl", "pdf", "yaml", "zip"})


def test_a_file_asked_for_with_post_is_found_on_pages_and_over_the_api(taken):
    ways = {(path.startswith("/api/"), form) for method, path, form in taken if method == "POST"}
    assert ways == {(True, "zip"), (True, "pdf"), (False, "zip"), (False, "pdf")}


def test_no_cell_of_any_table_is_a_formula(taken):
    tables = {key: content.decode() for key, (named, content) in taken.items() if named.endswith('.csv"')}
    found = {key: cells for key, text in tables.items() if (cells := formulas(text))}
    assert ({path for _, path, _ in tables} >= {"/compliance/export.csv"}, len(tables) >= 3, found) == (True, True, {})


def test_every_table_keeps_its_columns_whatever_stands_in_its_cells(taken):
    widths = {
        key: {len(row) for row in csv.reader(io.StringIO(content.decode()))}
        for key, (named, content) in taken.items()
        if named.endswith('.csv"') and "audit" not in named  # the last line of the trail is its manifest
    }
    assert {key: found for key, found in widths.items() if len(found) > 1} == {}


def test_every_json_file_can_be_read(taken):
    for (_, path, _), (named, content) in taken.items():
        if named.endswith('.json"'):
            assert json.loads(content) is not None, path
        elif named.endswith('.jsonl"'):
            assert all(json.loads(line) for line in content.decode().split("\n") if line), path


def test_no_name_in_a_package_leads_out_of_its_folder_and_its_page_runs_nothing(taken):
    found = {}
    for key, (named, content) in taken.items():
        if named.endswith('.zip"'):
            archive = zipfile.ZipFile(io.BytesIO(content))
            names = archive.namelist()
            paths = [PurePosixPath(name) for name in names]
            found[key] = [name for name in names if not re.fullmatch(r"[\w./-]+", name, re.ASCII)]
            found[key] += [str(path) for path in paths if path.is_absolute() or ".." in path.parts]
            found[key] += ["twice"] * (len(set(names)) < len(names))
            found[key] += ["packed"] * any(row.file_size != row.compress_size for row in archive.infolist())
            found[key] += Reader(archive.read("index.html").decode()).found
    assert {key: wrong for key, wrong in found.items() if wrong} == {}


def test_no_text_in_a_pdf_becomes_a_command(taken):
    papers = {key: content for key, (named, content) in taken.items() if named.endswith('.pdf"')}
    found = {key: [word for word in ACTIVE if re.search(word + rb"\b", text)] for key, text in papers.items()}
    shown = [key for key, text in papers.items() if b"X9" in text]
    broken = [key for key, text in papers.items() if BROKEN_OUT.search(text) or not text.startswith(b"%PDF-")]
    assert ({key: words for key, words in found.items() if words}, broken, bool(shown)) == ({}, [], True)
