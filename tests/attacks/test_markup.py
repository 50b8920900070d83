"""Hostile texts in the mirror, the requests, the trail: pages, files and mails show them as text, and nothing else.

The texts are put below every check, so that what is defended here is each place where a text is shown.
"""

import csv
import io
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from html.parser import HTMLParser
from urllib.parse import urlsplit

import pytest
from django.core import mail as outgoing
from django.test import Client
from django.utils import timezone

from apps.jobs.models import Job, JobState
from apps.jobs.tasks import run_job
from apps.notifications.models import Notification
from apps.notifications.sending import mail
from tests.attacks.conftest import House
from tests.attacks.doors import doors, text_of
from tests.attacks.hostile import Change, write_everywhere
from tests.undoing import undone

pytestmark = [pytest.mark.django_db, pytest.mark.once]
MARKUP = "'\"><xss onx=1>"
SCHEME = "javascript:alert(1)//"
FORMULA = "=1+1;=2+2\t@SUM(A1)"
LINE = "\r\nX-Injected: 1\r\n"
LINKS = ("href", "src", "action", "formaction", "xlink:href", "hx-get", "hx-post")
FORMULAS = ("=", "+", "-", "@", "\t", "\r", "＝", "＋", "－", "＠")


@dataclass(frozen=True)
class Seen:
    """An answer: its headers as they are sent, its kind, its text."""

    status: int
    headers: dict[str, str]
    kind: str
    text: str


@contextmanager
def hostile(house: House, change: Change) -> Iterator[None]:
    """Change the texts everywhere, and undo it."""
    with undone():
        write_everywhere(change)
        house.world.churn.refresh_from_db()
        yield
    house.world.churn.refresh_from_db()


def read_all(house: House) -> dict[str, Seen]:
    """Return what every address answers to somebody who may read everything."""
    name = house.world.churn.name
    asked = {
        "compare": {"base": f"{name}@1", "candidate": f"{name}@2"},
        "gate": {"model": name, "version": 2, "target": "Production"},
    }
    client, found = Client(), {}
    client.force_login(house.everybody)
    for door in doors():
        for path in door.paths(house.ids | {"models": [name]}):
            answer = client.get(path, next((query for word, query in asked.items() if word in path), {}))
            kind = answer.headers.get("Content-Type", "").partition(";")[0]
            found[path] = Seen(answer.status_code, dict(answer.headers), kind, text_of(answer))
    return found


@pytest.fixture(scope="module")
def answers(house, django_db_blocker) -> dict[str, Seen]:
    """What every address answers when every text ends in markup and a line that would be a header."""
    with django_db_blocker.unblock(), hostile(house, lambda text: text + MARKUP + LINE + '\u202e";/..'):
        return read_all(house)


class Reader(HTMLParser):
    """Keeps what no page of ours has: elements of the attack, handlers, links of other kinds."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.found: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "xss" or (tag == "script" and not dict(attrs).get("src")):
            self.found.append(f"<{tag}>")
        for name, value in attrs:
            if name.startswith("on") or name == "style":
                self.found.append(name)
            if name in LINKS and urlsplit(value or "").scheme not in ("", "http", "https", "mailto"):
                self.found.append(f"{name}={value}")


def formulas(text: str) -> list[str]:
    """Return the cells that a spreadsheet would compute, whether it takes commas or semicolons for separators."""
    commas = [cell for row in csv.reader(io.StringIO(text)) for cell in row]
    others = [cell for line in text.splitlines() for cell in line.replace("\t", ";").split(";")[1:]]
    suspects = [cell for cell in (*commas, *others) if cell.lstrip(' "').startswith(FORMULAS)]
    return [cell for cell in suspects if not _is_number(cell)]


def _is_number(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return False
    return True


def test_markup_stays_text_on_every_page(answers):
    pages = {path: seen for path, seen in answers.items() if seen.kind == "text/html"}
    found = {path: [*Reader(seen.text).found, *([seen.status] * (seen.status >= 500))] for path, seen in pages.items()}
    shown = [path for path, seen in pages.items() if "&lt;xss" in seen.text]
    assert ({path: wrong for path, wrong in found.items() if wrong}, len(shown) > 30) == ({}, True)


def test_no_browser_takes_another_answer_with_markup_for_a_page(answers):
    others = {path: seen for path, seen in answers.items() if seen.kind != "text/html" and "<xss" in seen.text}
    fine = {"application/json", "application/jsonl", "application/problem+json", "text/csv"}
    wrong = {
        path: (seen.kind, seen.headers["X-Content-Type-Options"])
        for path, seen in others.items()
        if seen.kind not in fine or seen.headers["X-Content-Type-Options"] != "nosniff"
    }
    assert (wrong, len(others) > 20) == ({}, True)


def test_no_name_adds_a_header_or_breaks_a_file_name(answers):
    found = {}
    for path, seen in answers.items():
        headers = "".join(f"{name}: {value}\n" for name, value in seen.headers.items())
        named = seen.headers.get("Content-Disposition", "")
        found[path] = [word for word in ("X-Injected", "\u202e", "\r") if word in headers]
        found[path] += [named] if named.count('"') not in (0, 2) or "/" in named else []
    assert {path: seen for path, seen in found.items() if seen} == {}


def test_no_link_runs_a_script(house):
    with hostile(house, lambda text: SCHEME + text):
        found = {path: Reader(seen.text).found for path, seen in read_all(house).items() if seen.kind == "text/html"}
    assert {path: links for path, links in found.items() if links} == {}


def test_no_cell_of_a_file_is_a_formula(house):
    with hostile(house, lambda text: FORMULA + text):
        files = {path: seen.text for path, seen in read_all(house).items() if seen.kind == "text/csv"}
    assert (len(files) >= 2, {path: found for path, text in files.items() if (found := formulas(text))}) == (True, {})


def test_no_name_reaches_the_headers_of_a_mail_or_makes_a_line_of_its_own(house, settings):
    settings.MAIL_ENABLED = True
    bob = house.world.people["bob"]
    with hostile(house, lambda text: text + LINE + MARKUP):
        type(bob).objects.filter(pk=bob.pk).update(email="bob@mail.test")
        Notification.objects.update(mail_at=None)
        rows = Notification.objects.filter(user=bob)
        rows.update(mail_at=timezone.now(), read_at=None, mailed_at=None, values={"what": f"churn{LINE}{MARKUP}"})
        mail.start_due()
        for number in Job.objects.filter(state=JobState.QUEUED, kind=mail.MAIL_JOB).values_list("pk"):
            run_job(*number)
    message = outgoing.outbox[0].message()
    lines = message.get_payload(decode=True).decode().splitlines()
    assert (message.get_content_type(), message["X-Injected"], "X-Injected: 1" in lines) == ("text/plain", None, False)
