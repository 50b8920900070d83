"""The same questions to Assent and to MLflow: pages of models, searches, one model, one comparison."""

import base64
import html
import json
import re
from dataclasses import dataclass, field
from urllib.parse import quote, urlencode

from scripts.bench import seeding
from scripts.bench.asking import Caller
from scripts.bench.measuring import Times, head, in_turns, say, verdict

API = "/api/2.0/mlflow"
ROWS, PAGE_ROWS, DEEP = 100, 50, 200  # rows of the API's answers, rows of our pages, number of the deep page
MOST_MS = 100  # p95 of a page that answers more than any one call of MLflow's
NEXT = re.compile(r'<a\b[^>]*\brel="next"[^>]*>')
HREF = re.compile(r'\bhref="([^"]*)"')


@dataclass(frozen=True)
class Sides:
    """Who is asked: Assent's API with a token, its pages as a signed-in person, and MLflow."""

    api: Caller
    pages: Caller
    mlflow: Caller


@dataclass(frozen=True)
class Question:
    """What both are asked, and how many times faster Assent must be at p95: its API, and its page."""

    name: str
    ours: dict[str, str] = field(default_factory=dict)
    theirs: str = ""  # MLflow's filter
    api: float = 1
    page: float = 4


QUESTIONS = (
    Question("first page", page=1),
    Question("name search, 500 hits", {"q": "fraud"}, "name ILIKE '%fraud%'", api=10),
    Question("name search, 1 hit", {"q": "04217"}, "name ILIKE '%04217%'", api=10),
    Question("tag filter, 1,000 hits", {"tag": "team=payments"}, "tags.`team` = 'payments'", api=10),
)


def measure_lists(sides: Sides) -> None:
    """The inventory, as API and as page, beside MLflow's search for as many rows."""
    _head()
    for question in QUESTIONS:
        asked = {"page_size": str(ROWS), **question.ours}
        _same_rows(sides, question.name, asked, question.theirs)
        ours, theirs = in_turns(
            lambda asked=asked: sides.api.get("/api/v1/models/", **asked),
            lambda question=question: sides.mlflow.get(*_search(question.theirs, ROWS)),
        )
        _row(f"API, {question.name}, {ROWS} rows", ours, theirs, question.api)
    address = cursor_page(sides.api, PAGE_ROWS, DEEP)
    deep = _search("", PAGE_ROWS, offset=(DEEP - 1) * PAGE_ROWS)
    ours, theirs = in_turns(lambda: sides.api.get(address), lambda: sides.mlflow.get(*deep))
    _row(f"API, page {DEEP}, {PAGE_ROWS} rows", ours, theirs, 1)
    for question in QUESTIONS:
        path = f"/models/?{urlencode(question.ours)}"
        ours, theirs = in_turns(
            lambda path=path: sides.pages.get(path),
            lambda question=question: sides.mlflow.get(*_search(question.theirs, PAGE_ROWS)),
        )
        _row(f"page, {question.name}, {PAGE_ROWS} rows", ours, theirs, question.page)
    path = next_pages(sides.pages, "/models/", DEEP)
    ours, theirs = in_turns(lambda: sides.pages.get(path), lambda: sides.mlflow.get(*deep))
    _row(f"page, page {DEEP}, {PAGE_ROWS} rows", ours, theirs, 1)


def measure_part(api: Caller, pages: Caller) -> None:
    """The same lists for somebody who was granted a part of the models, one by one; MLflow knows no such thing."""
    head("a reader of a fifth, median / p95, ms", "API", "page", "target")
    for question in QUESTIONS:
        query = urlencode(question.ours)
        ours, page = in_turns(
            lambda query=query: api.get(f"/api/v1/models/?page_size={ROWS}&{query}"),
            lambda query=query: pages.get(f"/models/?{query}"),
        )
        say(question.name, str(ours), str(page), verdict(max(ours.p95, page.p95) <= MOST_MS, f"≤ {MOST_MS} ms"))


def measure_single(sides: Sides) -> None:
    """One model, its versions, and a comparison, beside the calls by which MLflow tells the same."""
    model, long = seeding.names(0, 1)[0], seeding.LONG_MODEL
    newest = {"filter": f"name = '{long}'", "max_results": str(ROWS), "order_by": "version_number DESC"}
    _head()
    for name, ours, theirs in (
        (
            f"API, versions of a model with {seeding.LONG_VERSIONS:,}, {ROWS} rows",
            lambda: sides.api.get(f"/api/v1/models/{long}/versions/", page_size=str(ROWS)),
            lambda: sides.mlflow.get(f"{API}/model-versions/search", **newest),
        ),
        (
            f"page of the model with {seeding.LONG_VERSIONS:,} versions",
            lambda: sides.pages.get(f"/models/{long}/"),
            lambda: _model(sides.mlflow, long),
        ),
        ("page of a model", lambda: sides.pages.get(f"/models/{model}/"), lambda: _model(sides.mlflow, model)),
        (
            "page of a version",
            lambda: sides.pages.get(f"/models/{model}/v/8/"),
            lambda: _version(sides.mlflow, model, 8),
        ),
        (
            "page comparing two versions",
            lambda: sides.pages.get(compared(model)),
            lambda: [_version(sides.mlflow, model, number) for number in (8, 10)],
        ),
    ):
        times, peers = in_turns(ours, theirs)
        _row(name, times, peers, 0)


def compared(model: str) -> str:
    """The address of a comparison of the version in Production with the newest."""
    return f"/compare/?base={quote(model)}@8&candidate={quote(model)}@10"


def cursor_page(api: Caller, rows: int, page: int) -> str:
    """Go through the API's cursors up to that page and return its address."""
    path = f"/api/v1/models/?page_size={rows}"
    for _ in range(page - 1):
        path = api.json(path)["next"].removeprefix(api.address)
    return path


def next_pages(pages: Caller, path: str, page: int) -> str:
    """Follow "next" up to that page and return its address."""
    for _ in range(page - 1):
        found = NEXT.search(pages.get(path).decode())
        link = HREF.search(found[0]) if found else None
        if link is None:
            raise RuntimeError(f"{path} has no next page.")
        path = html.unescape(link[1])
        path = f"/models/{path}" if path.startswith("?") else path
    return path


def _search(text: str, rows: int, offset: int = 0) -> tuple[str]:
    query = {"max_results": str(rows)} | ({"filter": text} if text else {})
    if offset:
        query["page_token"] = base64.b64encode(json.dumps({"offset": offset}).encode()).decode()
    return (f"{API}/registered-models/search?{urlencode(query)}",)


def _model(mlflow: Caller, name: str) -> None:
    """What MLflow's own page of a model asks for."""
    mlflow.get(f"{API}/registered-models/get", name=name)
    mlflow.get(f"{API}/model-versions/search", filter=f"name = '{name}'", max_results=str(PAGE_ROWS))


def _version(mlflow: Caller, name: str, number: int) -> None:
    """What MLflow's own page of a version asks for."""
    found = mlflow.json(f"{API}/model-versions/get", name=name, version=str(number))["model_version"]
    mlflow.get(f"{API}/runs/get", run_id=found["run_id"])


def _same_rows(sides: Sides, name: str, asked: dict[str, str], text: str) -> None:
    ours = [row["name"] for row in sides.api.json("/api/v1/models/", **asked)["results"]]
    theirs = [row["name"] for row in sides.mlflow.json(*_search(text, ROWS)).get("registered_models", [])]
    if ours != theirs or not ours:
        raise RuntimeError(f"{name}: Assent and MLflow give different answers: {ours[:3]}…, {theirs[:3]}…")


def _head() -> None:
    head("median / p95, ms", "Assent", "MLflow", "times faster at p95", "target")


def _row(name: str, ours: Times, theirs: Times, target: float) -> None:
    """Print a row; a target of 0 asks for MOST_MS instead of a ratio."""
    ratio = theirs.p95 / ours.p95
    holds = verdict(ratio >= target, f"≥ {target:g}×") if target else verdict(ours.p95 <= MOST_MS, f"≤ {MOST_MS} ms")
    say(name, str(ours), str(theirs), f"{ratio:.1f}", holds)
