"""A card over time: its revisions, and two of them side by side."""

from dataclasses import dataclass
from typing import Any

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from apps.errors import InvalidInput
from apps.modelcards import queries
from apps.modelcards.comparing import sides
from apps.modelcards.models import Card, CardRevision
from apps.modelcards.schema.fields import FIELDS, Field
from apps.registry import keyset
from apps.registry.keyset import Order

ROWS = 20  # revisions of a page: each is read whole, for what it changed
NEWEST_FIRST = Order("number", descending=True)
MOST_VERSIONS = 50  # offered to compare with
LARGEST = 2**31 - 1


@dataclass(frozen=True)
class Change:
    """A revision with the fields that it changed; None for the first one."""

    revision: CardRevision
    fields: list[Field] | None


@login_required
@require_safe
def history(request: HttpRequest, name: str, number: int) -> HttpResponse:
    """The revisions of a card, newest first: who saved which, why, and what it changed."""
    card = queries.get_card(request.user, name, number)
    rows = card.revisions.select_related("author")
    page = keyset.page(rows, NEWEST_FIRST, ROWS, request.GET.get("cursor", ""))
    context = {"card": card, "version": card.version, "model": card.version.model, "page": page,
               "changes": changes_of(card, page.rows)}  # fmt: skip
    return render(request, "modelcards/card_history.html", context)


def changes_of(card: Card, rows: list[CardRevision]) -> list[Change]:
    """Return what each of some neighbouring revisions, newest first, changed. One query."""
    parents = {row.number: row for row in rows}
    if rows:
        parents |= {row.number: row for row in card.revisions.filter(number=rows[-1].number - 1)}
    return [Change(row, _fields(parents.get(row.parent or 0), row)) for row in rows]


def _fields(before: CardRevision | None, after: CardRevision) -> list[Field] | None:
    if before is None:
        return None
    old, new = ((row.values, row.states) for row in (before, after))
    return [field for field in FIELDS if any(a.get(field.name) != b.get(field.name) for a, b in zip(old, new,
            strict=True))]  # fmt: skip


@login_required
@require_safe
def compare(request: HttpRequest, name: str, number: int) -> HttpResponse:
    """Two revisions of a card (?base=&other=), or the card of another version beside this one (?with=)."""
    found = sides(
        request.user, name, number, base=_number(request, "base"), other=_number(request, "other"),
        against=_number(request, "with"),
    )  # fmt: skip
    card, changes = found.card, found.changes()
    others = Card.objects.filter(model=card.model_id, number__gt=0).exclude(pk=card.pk)
    numbers = list(others.order_by("-version_number").values_list("version_number", flat=True)[:MOST_VERSIONS])
    context: dict[str, Any] = {
        "card": card, "version": card.version, "model": card.version.model, "base": found.base, "other": found.other,
        "before_of": found.before_of, "versions": numbers, "changes": [row for row in changes if row.change != "state"],
        "states": [row for row in changes if row.change == "state"],
    }  # fmt: skip
    return render(request, "modelcards/card_compare.html", context)


def _number(request: HttpRequest, field: str) -> int | None:
    """Return a number of the query, None where it is absent. Raises InvalidInput."""
    text = request.GET.get(field, "")
    if not text:
        return None
    if not (text.isascii() and text.isdecimal() and len(text) < 11 and int(text) <= LARGEST):
        raise InvalidInput(_("Give a whole number, or leave it out."), field=field)
    return int(text)
