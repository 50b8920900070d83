"""Which models a list shows: text, and facets. Within a facet one choice is enough; across facets all must hold."""

from dataclasses import dataclass, fields
from typing import Any
from urllib.parse import urlencode

from django.db.models import Q, QuerySet

from apps.registry.inventory import beside
from apps.registry.models import ModelFacet, RegisteredModel

COLUMNS = {  # facet → the column that holds a model's only value
    "owner": "owner", "risk": "risk", "framework": "framework", "state": "sync_state", "connection": "connection_id",
}  # fmt: skip
NUMBERS = {"requests": "open_requests", "drift": "open_drift"}  # facet → the column that counts; OPEN, or SETTLED for 0
CLOSED = {  # facets that an app above answers (beside.py) → their values; the last one says that there is nothing
    "card": ("draft", "in_review", "approved", "archived", "none"), "complete": ("yes", "no"),
}  # fmt: skip
SEVERAL = ("stage", "alias", "tag")  # facets of which a model can have several values: rows of ModelFacet
FACETS = ("stage", "alias", "owner", "risk", "framework", "card", "complete", "tag", "state", "drift", "requests",
          "connection")  # fmt: skip
MAY_LACK = ("owner", "risk", "framework")
OPEN, SETTLED = "open", "none"
WITH_DELETED, ONLY_DELETED = "on", "only"
SORTS = {  # how addresses name an order → the column
    "name": "name", "updated": "updated_at", "owner": "owner", "risk": "risk", "framework": "framework",
    "production": "production_since", "candidate": "candidate_number", "requests": "open_requests",
    "drift": "open_drift", "versions": "version_count",
}  # fmt: skip


@dataclass(frozen=True)
class Filters:
    """What was asked for, already understood. A tag is `key` or `key=value`; `no` names facets that must be empty."""

    q: str = ""
    stage: tuple[str, ...] = ()
    alias: tuple[str, ...] = ()
    owner: tuple[str, ...] = ()
    risk: tuple[str, ...] = ()
    framework: tuple[str, ...] = ()
    card: tuple[str, ...] = ()
    complete: tuple[str, ...] = ()
    tag: tuple[str, ...] = ()
    state: tuple[str, ...] = ()
    drift: tuple[str, ...] = ()
    requests: tuple[str, ...] = ()
    connection: tuple[str, ...] = ()
    no: tuple[str, ...] = ()
    deleted: str = ""

    def __bool__(self) -> bool:
        """Whether anything narrows the list."""
        return any(getattr(self, name) for name in NAMES if name != "deleted")

    def pairs(self) -> list[tuple[str, str]]:
        """Return what an address says for this, in one order, without what is empty."""
        found = []
        for name in NAMES:
            if value := getattr(self, name):
                found += [(name, one) for one in ([value] if isinstance(value, str) else value) if one]
        return found

    def address(self, **more: str) -> str:
        """Return the query of an address: the same filters always read the same. `more`: further parameters."""
        return urlencode([*self.pairs(), *((name, value) for name, value in more.items() if value)])

    def chosen(self, facet: str) -> tuple[str, ...]:
        """Return the values chosen of a facet."""
        return getattr(self, facet)

    def without(self, name: str, value: str) -> "Filters":
        """Return the same with one value taken away."""
        values: Any = {name: getattr(self, name) for name in NAMES}
        kept = "" if isinstance(values[name], str) else tuple(one for one in values[name] if one != value)
        return Filters(**{**values, name: kept})


NAMES = tuple(field.name for field in fields(Filters))


def matching(models: QuerySet[RegisteredModel], filters: Filters, *, but: str = "") -> QuerySet[RegisteredModel]:
    """Narrow `models`. `but`: a facet whose own choice is left out, for counting what else could be chosen of it."""
    wanted = [Q(search_text__contains=word) for word in filters.q.casefold().split()]
    if filters.deleted != WITH_DELETED:
        wanted.append(Q(deleted_at__isnull=filters.deleted != ONLY_DELETED))
    for facet in FACETS:
        if facet != but and (filters.chosen(facet) or facet in filters.no):
            wanted.append(_holds(facet, filters.chosen(facet), lacks=facet in filters.no))
    return models.filter(*wanted)


def _holds(facet: str, values: tuple[str, ...], *, lacks: bool) -> Q:
    if facet in NUMBERS:
        some = Q(**{f"{NUMBERS[facet]}__gt": 0})
        return Q() if {OPEN, SETTLED} <= set(values) else some if OPEN in values else Q(**{NUMBERS[facet]: 0})
    if facet in CLOSED:
        return beside.holding(facet, values)
    if facet in COLUMNS:
        return Q(**{f"{COLUMNS[facet]}__in": [*values, *([""] if lacks else [])]})
    return Q(pk__in=facet_rows(facet, values).values("model"))


def facet_rows(facet: str, values: tuple[str, ...]) -> QuerySet[ModelFacet]:
    """The rows that say which models have these values of a facet. A tag with “=” is a key with its value."""
    kinds = ("tag", "pair") if facet == "tag" else (facet,)  # every pair has a “=”, so that no key is taken for one
    return ModelFacet.objects.filter(facet__in=kinds, value__in=values)
