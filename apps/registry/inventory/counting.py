"""How many of the models that a person may see have each value of each facet.

A facet counts what one would find by choosing there: search and the other facets apply, its own choice does not.
"""

import hashlib
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.core.cache import cache
from django.db.models import Case, Count, F, IntegerField, Q, QuerySet, Value, When

from apps.accounts import grants
from apps.accounts.permissions import Permission
from apps.registry import queries
from apps.registry.inventory import beside
from apps.registry.inventory.filters import CLOSED, COLUMNS, FACETS, NUMBERS, OPEN, SEVERAL, Filters, matching
from apps.registry.models import ModelFacet, RegisteredModel

TOP = 10  # values of a facet that are shown at first
MOST = 200  # values of a facet that are ever shown


@dataclass(frozen=True)
class Choice:
    """One value of a facet, and how many models one finds by it; the empty value: models that have none."""

    value: str
    count: int
    chosen: bool


@dataclass(frozen=True)
class Facet:
    """A facet with its most frequent values, the chosen ones among them; `more`: there are others."""

    name: str
    choices: list[Choice]
    more: bool


@dataclass(frozen=True)
class Counts:
    """How many models the filters find, and the facets."""

    total: int
    facets: list[Facet]


def counts(user: Any, filters: Filters, *, whole: Iterable[str] = ()) -> Counts:
    """Count what `user` may see. `whole`: facets of which up to MOST values are wanted.

    A handful of queries, whatever there is. For those who see the whole registry an answer serves for a few seconds;
    everybody else's is their own and never kept.
    """
    seconds, whole = settings.INVENTORY_COUNTS_SECONDS, frozenset(whole)
    if not (seconds and grants.allows(user, Permission.MODEL_READ)):
        return _count(queries.visible_models(user), filters, whole)
    asked = f"{filters.address()} {sorted(whole)}".encode()
    key = f"inventory-counts:{hashlib.sha256(asked).hexdigest()}"
    found = cache.get(key)
    if found is None:
        found = _count(queries.visible_models(user), filters, whole)
        cache.set(key, found, seconds)
    return found


def _count(visible: QuerySet[RegisteredModel], filters: Filters, whole: frozenset[str]) -> Counts:
    columns = {**COLUMNS, **NUMBERS}
    free = [facet for facet in columns if not _restricts(filters, facet)]
    total, tables = _by_columns(matching(visible, filters), {facet: columns[facet] for facet in free})
    for facet in columns.keys() - set(free):
        _all, own = _by_columns(matching(visible, filters, but=facet), {facet: columns[facet]})
        tables |= own
    found = {facet: _of_column(facet, tables[facet], filters, facet in whole) for facet in columns}
    for facet in SEVERAL:
        found[facet] = _of_rows(facet, matching(visible, filters, but=facet), filters, facet in whole)
    for facet in CLOSED:
        found[facet] = _of_closed(facet, matching(visible, filters, but=facet), filters)
    return Counts(total, [found[facet] for facet in FACETS])


def _restricts(filters: Filters, facet: str) -> bool:
    return bool(filters.chosen(facet)) or facet in filters.no


def _by_columns(models: QuerySet, columns: dict[str, str]) -> tuple[int, dict[str, Counter[Any]]]:
    """Count all these columns in one pass over the table. Returns how many models there are, and a table per facet."""
    sums = {facet: Case(When(**{f"{column}__gt": 0}, then=1), default=0, output_field=IntegerField())
            for facet, column in columns.items() if facet in NUMBERS}  # fmt: skip
    keys = {facet: sums.get(facet, F(column)) for facet, column in columns.items()}
    rows = models.order_by().values(**{f"by_{facet}": key for facet, key in keys.items()})
    tables: dict[str, Counter[Any]] = {facet: Counter() for facet in columns}
    total = 0
    for *values, number in rows.annotate(number=Count("*")).values_list(*(f"by_{facet}" for facet in keys), "number"):
        total += number
        for facet, value in zip(columns, values, strict=True):
            tables[facet][value] += number
    return total, tables


def _of_column(facet: str, table: Counter[Any], filters: Filters, whole: bool) -> Facet:
    if facet in NUMBERS:
        table = Counter({OPEN: table[1]} if table[1] else {})
    lacking = table.pop("", 0)
    chosen = filters.chosen(facet)
    ranked = sorted(table.items(), key=lambda item: (item[0] not in chosen, -item[1], item[0]))
    ranked = [*((value, 0) for value in chosen if value not in table), *ranked]
    shown = ranked[: max(MOST if whole else TOP, len(chosen))]
    choices = [Choice(value, number, value in chosen) for value, number in shown]
    if (lacking and table) or facet in filters.no:
        choices.append(Choice("", lacking, facet in filters.no))
    return Facet(facet, choices, more=len(ranked) > len(shown))


def _of_closed(facet: str, models: QuerySet, filters: Filters) -> Facet:
    """Count the values of a facet that an app above answers: in one pass, and in their own order."""
    values, chosen = CLOSED[facet], filters.chosen(facet)
    sums = {f"of_{value}": Count("pk", filter=beside.holding(facet, (value,))) for value in values[:-1]}
    *counted, total = models.order_by().aggregate(**sums, total=Count("pk")).values()
    counts = (*counted, total - sum(counted))  # the last value is what is left
    choices = [Choice(value, count, value in chosen) for value, count in zip(values, counts, strict=True)]
    shown = [choice for choice in choices if choice.count or choice.chosen]
    only_lacking = [choice.value for choice in shown] == [values[-1]] and not chosen
    return Facet(facet, [] if only_lacking else shown, more=False)


def _of_rows(facet: str, models: QuerySet, filters: Filters, whole: bool) -> Facet:
    chosen = filters.chosen(facet)
    wanted = Q(facet=facet)
    if facet == "tag" and chosen:
        wanted |= Q(facet="pair", value__in=chosen)
    first = Case(When(value__in=chosen, then=Value(0)), default=Value(1)) if chosen else Value(1)
    rows = ModelFacet.objects.filter(wanted, model__in=models.order_by().values("pk"))
    ranked = rows.values("value").annotate(
        number=Count("model", distinct=len(chosen) > 0 and facet == "tag"), first=first
    )
    size = max(MOST if whole else TOP, len(chosen))
    found = list(ranked.order_by("first", "-number", "value").values_list("value", "number")[: size + 1])
    missing = [(value, 0) for value in chosen if value not in {value for value, _number in found}]
    choices = [Choice(value, number, value in chosen) for value, number in [*missing, *found[:size]]]
    return Facet(facet, choices, more=len(found) > size)
