"""The forms of the pages, found by reading every page as somebody who may do everything."""

from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import Any
from urllib.parse import urljoin, urlsplit

from django.test import Client

from tests.attacks.doors import doors, text_of

TOKEN = "csrfmiddlewaretoken"


@dataclass
class Form:
    """A form as it stands on a page: where it is sent, how, and its fields with what they hold."""

    page: str
    action: str
    method: str
    fields: dict[str, str] = field(default_factory=dict)
    kinds: dict[str, str] = field(default_factory=dict)  # of each field: its type, or its tag

    @property
    def kind(self) -> tuple[str, ...]:
        """What makes it another form than the next one: not the numbers in its address."""
        route = "/".join("#" if part.isdecimal() else part for part in urlsplit(self.action).path.split("/"))
        return (route, self.method, self.fields.get("do", self.fields.get("action", "")), *sorted(self.fields))

    def filled(self, known: dict[str, Any]) -> dict[str, Any]:
        """Return what a person would send: what stands there already, `known` values, and something everywhere else."""
        made = {"number": "1", "date": "2090-01-01", "datetime-local": "2090-01-01T00:00", "email": "a@example.org"}
        sent = {}
        for name, value in self.fields.items():
            hidden = self.kinds[name] == "hidden"
            sent[name] = value if hidden or value else known.get(name, made.get(self.kinds[name], "Because."))
        return {name: value for name, value in sent.items() if name != TOKEN}


class _Reader(HTMLParser):
    def __init__(self, page: str) -> None:
        super().__init__()
        self.page, self.forms, self.open, self.select = page, [], False, ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        said = {name: value or "" for name, value in attrs}
        if tag == "form":
            self.forms.append(Form(self.page, urljoin(self.page, said.get("action", "")), said.get("method", "get")))
            self.open = True
        elif self.open and tag in ("input", "textarea", "select", "button") and said.get("name"):
            form = self.forms[-1]
            form.fields.setdefault(said["name"], said.get("value", ""))
            form.kinds.setdefault(said["name"], said.get("type", tag))
            self.select = said["name"] if tag == "select" else ""
        elif (
            self.open
            and tag == "option"
            and self.select
            and ("selected" in said or not self.forms[-1].fields[self.select])
        ):
            self.forms[-1].fields[self.select] = said.get("value", "")

    def handle_endtag(self, tag: str) -> None:
        self.open = self.open and tag != "form"


def forms_on(page: str, text: str) -> list[Form]:
    """Return the forms of a page."""
    reader = _Reader(page)
    reader.feed(text)
    return reader.forms


def pages(client: Client, ids: dict[str, list[int]]) -> dict[str, str]:
    """Return path → HTML of every page that this person can open."""
    found = {}
    for door in doors():
        for path in door.paths(ids):
            answer = client.get(path)
            if answer.status_code == 200 and answer["Content-Type"].startswith("text/html"):
                found[path] = text_of(answer)
    return found
