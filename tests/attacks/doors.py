"""Every address of the product, read from the URL table: a new one is attacked without a line here."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from django.http import HttpResponse
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver, reverse

METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")
ARGUMENT = re.compile(r"([\w.-]+)/<(?:(\w+):)?(\w+)>")
NAMES: dict[str, Any] = {  # what stands before an argument in an address → what is named there, unless it is a number
    "models": "churn-classifier", "v": 2, "versions": 2, "connections": "eu", "mlflow": "eu", "pictures": 0,
    "protected-aliases": "champion", "controls": "drift", "invitations": "x", "people": "alice",
    "admin": "registry.registeredmodel", "steps": "submit", "revisions": 1, "export": "json", "edit": "use",
}  # fmt: skip


@dataclass(frozen=True)
class Door:
    """An address: its name, and its route with the kinds of its arguments, "requests/<int:id>/act/"."""

    name: str
    route: str

    @property
    def is_api(self) -> bool:
        return self.route.startswith("api/")

    def paths(self, ids: dict[str, list[int]]) -> list[str]:
        """Return its paths, about the objects of `ids`: what stands before an argument → numbers."""
        named = ARGUMENT.findall(self.route)
        objects = max([len(ids.get(before, "1")) for before, _kind, _name in named], default=1)
        found = []
        for place in range(objects):
            values = {name: _value(before, kind, ids, place) for before, kind, name in named}
            found.append(reverse(self.name, kwargs=values))
        return found


def doors() -> list[Door]:
    """Return every address of the product; that of signing out last, after which a client is nobody any more."""
    return sorted(_doors(get_resolver(), "", ""), key=lambda door: door.name == "accounts:sign-out")


def unmet(ids: dict[str, list[int]]) -> set[str]:
    """Return what stands before an argument and is not known here: the objects behind it would not be attacked."""
    return {before for door in doors() for before, _, _ in ARGUMENT.findall(door.route)} - {*ids, *NAMES}


def ask(client: Client, method: str, path: str, data: Any = None, **more: Any) -> HttpResponse:
    """Send a request as a browser or a script does; an API path gets JSON."""
    kind = {"content_type": "application/json"} if path.startswith("/api/") and method != "GET" else {}
    return getattr(client, method.lower())(path, data or {}, **kind, **more)


def text_of(response: Any) -> str:
    """Return the body, streamed or not; nothing for what is no text."""
    body = b"".join(response) if response.streaming else response.content
    return body.decode(errors="replace")


def _value(before: str, kind: str, ids: dict[str, list[int]], place: int) -> Any:
    if before in NAMES and kind == "str":
        return NAMES[before]
    if before in ids:
        return ids[before][place % len(ids[before])]
    named = NAMES.get(before, 1 if kind == "int" else "x")
    return 1 if kind == "int" and not isinstance(named, int) else named


def _doors(resolver: URLResolver, namespace: str, route: str) -> Iterator[Door]:
    for entry in resolver.url_patterns:
        whole = f"{route}{entry.pattern}"
        if isinstance(entry, URLPattern):
            yield Door(f"{namespace}{entry.name}", whole)
        else:
            yield from _doors(entry, f"{namespace}{entry.namespace}:" if entry.namespace else namespace, whole)
