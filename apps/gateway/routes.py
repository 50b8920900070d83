"""The table of everything that MLflow serves (routes.txt), and which row a request is. What is in no row is refused."""

from dataclasses import dataclass
from functools import cache
from pathlib import Path

TABLE = Path(__file__).with_name("routes.txt")
OWN_TABLE = Path(__file__).with_name("databricks") / "routes.txt"
CLOSED = "closed"  # MLflow serves it, and nobody reaches it through the door
PUBLIC = "public"  # whoever asks is answered that there is nothing to discover
DISCOVERY = "/.well-known/databricks-config"
PREFIXES = ("/api/2.0/", "/api/3.0/", "/ajax-api/", "/v1/traces", "/get-artifact", "/model-versions/get-artifact")
REST = "<path:"  # the slot that takes what is left of a path


@dataclass(frozen=True)
class Route:
    """A row: `guard` names what decides about it (enforcement.py)."""

    method: str
    path: str
    guard: str

    @property
    def carries_file(self) -> bool:
        """Whether the body is a file, which is passed on as it comes, and never read as JSON."""
        return self.guard in ("artifact.write", "run.upload", "trace.export")

    @property
    def only_reads(self) -> bool:
        """Whether it can be asked again without harm, whatever its method: clients search by POST."""
        return self.method == "GET" or self.guard.endswith((".read", ".search", ".list"))


@dataclass(frozen=True)
class Found:
    """The row of a request, and what its path names."""

    route: Route
    named: dict[str, str]


@cache
def table() -> tuple[Route, ...]:
    """Return every row of what MLflow serves."""
    return _rows(TABLE)


@cache
def own_table() -> tuple[Route, ...]:
    """Return every row of what Assent answers by itself, in MLflow's place."""
    return _rows(OWN_TABLE)


def find(method: str, path: str) -> Found | None:
    """Return the row for a method and a decoded path; None for what nobody serves there. HEAD is as GET.

    Paths are compared as they are: what is spelled otherwise (//, a slash at the end, `..`) is another path.
    """
    method = "GET" if method == "HEAD" else method
    for spelled in (path, path.replace("/ajax-api/", "/api/", 1)) if path.startswith("/ajax-api/") else (path,):
        if route := _fixed().get((method, spelled)):
            return Found(route, {})
        parts = spelled.split("/")
        for route, template in _with_slots():
            if route.method == method and (named := _named(template, parts)) is not None:
                return Found(route, named)
    return None


def is_door(path: str) -> bool:
    """Return whether a path belongs to MLflow's clients."""
    return path.startswith(PREFIXES) or path in ("/version", DISCOVERY)


def _rows(file: Path) -> tuple[Route, ...]:
    lines = [line.split() for line in file.read_text().splitlines() if line and not line.startswith("#")]
    return tuple(Route(*line) for line in lines)


@cache
def _fixed() -> dict[tuple[str, str], Route]:
    return {(route.method, route.path): route for route in (*table(), *own_table()) if "<" not in route.path}


@cache
def _with_slots() -> tuple[tuple[Route, list[str]], ...]:
    return tuple((route, route.path.split("/")) for route in (*table(), *own_table()) if "<" in route.path)


def _named(template: list[str], path: list[str]) -> dict[str, str] | None:
    """Return what a path puts into the slots of a row; None where it is another path.

    A slot takes one segment that is not empty; one that is a path takes all that are left, if it is the last.
    """
    takes_rest = template[-1].startswith(REST)
    if len(path) < len(template) or (len(path) > len(template) and not takes_rest):
        return None
    found = {}
    for number, part in enumerate(template):
        segment = path[number]
        if takes_rest and number == len(template) - 1:
            segment = "/".join(path[number:])
        if part.startswith("<"):
            found[part.strip("<>").removeprefix("path:")] = segment
        if not segment if part.startswith("<") else part != segment:
            return None
    return found
