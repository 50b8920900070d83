from collections.abc import Callable
from html.parser import HTMLParser
from typing import Any

import pytest
from django.test import Client

from apps.modelcards import queries
from apps.modelcards.models import Card, CardRevision
from tests.modelcards.conftest import card, version  # noqa: F401 - fixtures

USE = "Choosing whom the retention team calls first."


def address(section: str = "use", number: int = 1) -> str:
    return f"/models/churn/v/{number}/card/edit/{section}/"


def newest(by) -> CardRevision:
    return queries.revision(queries.get_card(by, "churn", 1))


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.fields: dict[str, str] = {}
        self.open = self.text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        said = {name: value or "" for name, value in attrs}
        if tag == "input" and (said.get("type") not in ("checkbox", "radio") or "checked" in said):
            self.fields[said["name"]] = said.get("value", "")
        if tag in ("textarea", "select"):
            self.open, self.text = said["name"], ""
            self.fields[self.open] = ""
        if tag == "option" and "selected" in said:
            self.fields[self.open] = said["value"]

    def handle_data(self, data: str) -> None:
        self.text += data

    def handle_endtag(self, tag: str) -> None:
        if tag == "textarea":
            self.fields[self.open] = self.text.removeprefix("\n")


def shown_fields(page: str) -> dict[str, str]:
    """Return what a browser would send of the form of a section, its buttons aside."""
    reader = _Reader()
    reader.feed(page[page.index('id="card-form"') :].partition("</form>")[0])
    return reader.fields


@pytest.fixture
def send(card: Card, alice) -> Callable[..., Any]:  # noqa: F811
    """Send the form of a section: `send({"users-0": "Sales"}, section="use", by=bob, base=1, do="save")`."""

    def send(fields: dict[str, Any], *, section: str = "use", by=None, base: Any = 1, do: str = "save", to: str = ""):
        client = Client()
        client.force_login(by or alice)
        return client.post(address(section) + to, {"base": base, "do": do, **fields})

    return send


@pytest.fixture
def look(card: Card, alice) -> Callable[..., str]:  # noqa: F811
    """Return the page of a section, as somebody sees it."""

    def look(section: str = "use", by=None) -> str:
        client = Client()
        client.force_login(by or alice)
        answer = client.get(address(section))
        assert answer.status_code == 200
        return answer.content.decode()

    return look
