"""What the page of models shows: everything is put into words here once, so that the template only prints."""

from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any

from django.urls import get_script_prefix, reverse
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.safestring import SafeString
from django.utils.translation import get_language, gettext_lazy, ngettext
from django.utils.translation import gettext as _

from apps.accounts.models import User
from apps.masking import masked
from apps.registry.addresses import model_address
from apps.registry.inventory import address, rows
from apps.registry.inventory.address import Asked
from apps.registry.inventory.beside import cells
from apps.registry.inventory.counting import Choice, Counts
from apps.registry.inventory.filters import MAY_LACK, ONLY_DELETED, OPEN, SETTLED, WITH_DELETED
from apps.registry.inventory.saved_views import BUILT_IN, listed
from apps.registry.marks import chip
from apps.registry.models import Stage
from apps.registry.summaries import CURRENT, READING, UNREADABLE
from apps.written import document

MOST_DESCRIPTION = 200  # characters in a row
VIEWS_SHOWN = 30  # saved views in the menu; the page of views has all
DAY = 86_400
FACET_LABELS: dict[str, str | Promise] = {
    "stage": gettext_lazy("Stage"), "alias": gettext_lazy("Alias"), "owner": gettext_lazy("Owner"),
    "risk": gettext_lazy("Risk"), "framework": gettext_lazy("Framework"),
    "card": gettext_lazy("Card"), "complete": gettext_lazy("Card complete"), "tag": gettext_lazy("Tag"),
    "state": gettext_lazy("Mirror"), "drift": gettext_lazy("Drift"), "requests": gettext_lazy("Requests"),
    "connection": gettext_lazy("MLflow server"),
}  # fmt: skip
VALUE_LABELS: dict[str, dict[str, str | Promise]] = {
    "stage": dict(Stage.choices),
    "state": {CURRENT: gettext_lazy("Up to date"), READING: gettext_lazy("Being read"),
              UNREADABLE: gettext_lazy("Could not be read")},
    "card": {"draft": gettext_lazy("Draft"), "in_review": gettext_lazy("In review"),
             "approved": gettext_lazy("Approved"), "archived": gettext_lazy("Archived"), "none": gettext_lazy("None")},
    "complete": {"yes": gettext_lazy("Nothing is missing"), "no": gettext_lazy("Something is missing")},
    "drift": {OPEN: gettext_lazy("To decide"), SETTLED: gettext_lazy("None")},
    "requests": {OPEN: gettext_lazy("Open"), SETTLED: gettext_lazy("None")},
    "deleted": {WITH_DELETED: gettext_lazy("Deleted in MLflow too"), ONLY_DELETED: gettext_lazy("Deleted in MLflow")},
}  # fmt: skip
LACKS = {"owner": gettext_lazy("No owner"), "risk": gettext_lazy("No risk tier"),
         "framework": gettext_lazy("No framework")}  # fmt: skip
COLUMNS = (  # label, key of the order (none: it is not sorted by), whether the first click sorts downwards
    (gettext_lazy("Model"), "name", False),
    (gettext_lazy("Owner"), "owner", False),
    (gettext_lazy("Risk"), "risk", False),
    (gettext_lazy("Production"), "production", True),
    (gettext_lazy("Card"), "", False),
    (gettext_lazy("Candidate"), "candidate", True),
    (gettext_lazy("Framework"), "framework", False),
    (gettext_lazy("Requests"), "requests", True),
    (gettext_lazy("Drift"), "drift", True),
    (gettext_lazy("Last change"), "updated", True),
)
CANDIDATE_LOOKS: dict[str, tuple[str, str]] = {  # tone, icon
    Stage.NONE: ("neutral", "circle"), Stage.STAGING: ("warning", "staging"),
}  # fmt: skip


@dataclass(frozen=True)
class Column:
    """The head of a column: where a click leads, and how the list is sorted by it now."""

    label: str | Promise
    href: str
    sorted: str  # ascending, descending or none


@dataclass(frozen=True)
class Link:
    """A view, or a filter that can be taken away."""

    label: str | Promise
    href: str
    current: bool = False


@dataclass(frozen=True)
class Box:
    """A facet's value with its box to tick."""

    field: str
    value: str
    label: str | Promise
    count: int
    chosen: bool


@dataclass(frozen=True)
class Panel:
    """A facet as it opens on the page."""

    name: str
    label: str | Promise
    boxes: list[Box]
    chosen: int
    more: str  # query that shows more values; empty when all are shown


def columns(asked: Asked) -> list[Column]:
    """Return the heads of the table."""
    now, filters = asked.sort or "name", asked.filters.address()
    return [_column(filters, now, *column) for column in COLUMNS]


def _column(filters: str, now: str, label: str | Promise, key: str, down: bool) -> Column:
    if not key:
        return Column(label, "", "none")
    turned = {key: f"-{key}", f"-{key}": key}.get(now, f"-{key}" if down else key)
    sorted_now = {key: "ascending", f"-{key}": "descending"}.get(now, "none")
    sort = "" if turned == "name" else f"sort={turned}"
    return Column(label, f"?{'&'.join(part for part in (filters, sort) if part)}", sorted_now)


@dataclass(frozen=True)
class Here:
    """What all rows of a page share: asked for each row, it took as long as writing the row."""

    now: datetime
    language: str | None
    installed_at: str

    @classmethod
    def at_this_moment(cls) -> "Here":
        return cls(timezone.now(), get_language(), get_script_prefix())

    def days_since(self, at: datetime) -> int:
        """Return for how many whole days something has been so."""
        return int((self.now - at).total_seconds() // DAY)


def lines(found: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the rows with what is computed for them: addresses, ages, the aliases of the version in Production."""
    here = Here.at_this_moment()
    shown = [row | _line(row, here) for row in found]
    said = cells(shown)
    return [row | {"card": said.get(row["id"], "")} for row in shown]


def _line(row: dict[str, Any], here: Here) -> dict[str, Any]:
    reference = rows.reference(row)
    href = model_address(reference, here.installed_at)
    number, candidate, since = row["production_number"], row["candidate_number"], row["production_since"]
    text = masked(row["description"])
    return {
        "reference": reference,
        "href": href,
        "description": f"{text[:MOST_DESCRIPTION]}…" if len(text) > MOST_DESCRIPTION else text,
        "production_href": f"{href}v/{number}/",
        "production_age": _age(here.language, here.days_since(since)) if number and since else "",
        "production_aliases": [alias for alias, at in document(row["alias_numbers"]).items() if at == number],
        "candidate_href": f"{href}v/{candidate}/",
        "candidate_chip": candidate and _candidate_chip(here.language, here.installed_at, row["candidate_stage"]),
        "updated_ago": _ago(here.language, here.days_since(row["updated_at"])),
    }


@lru_cache(maxsize=256)
def _candidate_chip(_language: str | None, _installed_at: str, stage: str) -> SafeString:
    tone, icon = CANDIDATE_LOOKS.get(stage, ("neutral", "question"))
    return chip(tone, icon, VALUE_LABELS["stage"].get(stage, stage))


@lru_cache(maxsize=4096)
def _age(_language: str | None, days: int) -> str:
    """Say how long something has been so, in days, months or years; "today" on its first day."""
    if days < 1:
        return _("today")
    if days < 60:
        return ngettext("%d day", "%d days", days) % days
    if days < 730:
        return ngettext("%d month", "%d months", days // 30) % (days // 30)
    return ngettext("%d year", "%d years", days // 365) % (days // 365)


@lru_cache(maxsize=4096)
def _ago(language: str | None, days: int) -> str:
    return _("today") if days < 1 else _("%(time)s ago") % {"time": _age(language, days)}


def chosen(asked: Asked) -> list[Link]:
    """Return the filters in force, each with the address without it."""
    found = []
    for name, value in asked.filters.pairs():
        if name != "q":
            href = f"?{asked.filters.without(name, value).address(sort=asked.sort)}"
            found.append(Link(_chosen_label(name, value), href))
    return found


def _chosen_label(name: str, value: str) -> str:
    if name == "no":
        return str(LACKS[value])
    if name == "deleted":
        return str(VALUE_LABELS["deleted"][value])
    words = {"facet": FACET_LABELS[name], "value": VALUE_LABELS.get(name, {}).get(value, value)}
    return _("%(facet)s: %(value)s") % words


def panels(asked: Asked, counted: Counts) -> list[Panel]:
    """Return the facets that there is something to choose from."""
    found = []
    for facet in counted.facets:
        boxes = [_box(facet.name, choice) for choice in facet.choices]
        only_one = facet.name == "connection" and len(boxes) < 2
        if boxes and not (only_one and not facet.choices[0].chosen):
            more = asked.filters.address(sort=asked.sort, counts="on", more=facet.name) if facet.more else ""
            picked = sum(box.chosen for box in boxes)
            found.append(Panel(facet.name, FACET_LABELS[facet.name], boxes, picked, more))
    return found


def _box(facet: str, choice: Choice) -> Box:
    if choice.value == "" and facet in MAY_LACK:
        return Box("no", facet, LACKS[facet], choice.count, choice.chosen)
    label = VALUE_LABELS.get(facet, {}).get(choice.value, choice.value)
    return Box(facet, choice.value, label, choice.count, choice.chosen)


def built_in_views(asked: Asked) -> tuple[Link, ...]:
    """Return the views that everybody has."""
    everything = reverse("registry:model-list")
    return tuple(_view_link(view.name, everything, view.query, asked) for view in BUILT_IN)


def saved_view_links(user: Any, asked: Asked) -> tuple[tuple[Link, ...], tuple[Link, ...]]:
    """Return a person's own views, and those that others share."""
    views = listed(user, VIEWS_SHOWN)
    others = User.objects.in_bulk({owner for owner, _name, _query in views} - {user.pk})
    everything = reverse("registry:model-list")
    mine = tuple(_view_link(name, everything, query, asked) for owner, name, query in views if owner == user.pk)
    shared = tuple(
        _view_link(_shared_name(name, others[owner]), everything, query, asked)
        for owner, name, query in views
        if owner in others
    )
    return mine, shared


def _shared_name(name: str, owner: User) -> str:
    return _("%(name)s, by %(owner)s") % {"name": name, "owner": owner}


def _view_link(name: str | Promise, everything: str, query: str, asked: Asked) -> Link:
    return Link(name, f"{everything}?{query}" if query else everything, query == asked.query)


def described(query: str) -> list[str]:
    """Say in words what a view's query chooses."""
    asked = address.asked_by(address.parsed(query))
    words = [link.label for link in chosen(asked)]
    if asked.filters.q:
        words.insert(0, _("“%(text)s”") % {"text": asked.filters.q})
    return [str(word) for word in words]
