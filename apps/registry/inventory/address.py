"""What the list of models takes from its address. A malformed value is refused by name, never ignored."""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

from django import forms
from django.core.validators import ProhibitNullCharactersValidator
from django.http import QueryDict
from django.utils.datastructures import MultiValueDict
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from apps.errors import InvalidInput
from apps.registry.inventory.filters import (
    CLOSED,
    FACETS,
    MAY_LACK,
    NAMES,
    ONLY_DELETED,
    OPEN,
    SETTLED,
    SORTS,
    WITH_DELETED,
    Filters,
)
from apps.registry.keyset import MAX_CURSOR, Order
from apps.registry.models import Stage
from apps.registry.summaries import CURRENT, MAX_VALUE, READING, UNREADABLE

MOST_VALUES = 50  # of one facet at a time
MAX_QUERY = 4000  # characters of a whole query
STATES = (CURRENT, READING, UNREADABLE)
DELETED = {
    **dict.fromkeys(("", "false", "False", "0"), ""), **dict.fromkeys(("on", "true", "True", "1"), WITH_DELETED),
    ONLY_DELETED: ONLY_DELETED,
}  # fmt: skip
CHOICES = {"stage": tuple(Stage.values), "state": STATES, "drift": (OPEN, SETTLED), "requests": (OPEN, SETTLED),
           "no": MAY_LACK, "more": FACETS, **CLOSED}  # fmt: skip
SORT_KEYS = [key for sort in SORTS for key in (sort, f"-{sort}")]


@dataclass(frozen=True)
class Asked:
    """What an address asks for. `sort` is a key of SORTS with or without a minus; empty: by name."""

    filters: Filters
    sort: str = ""
    cursor: str = ""
    more: tuple[str, ...] = ()
    counts: bool = False

    @property
    def order(self) -> Order:
        """The order that `sort` stands for."""
        sort = self.sort or "name"
        return Order(SORTS[sort.removeprefix("-")], sort.startswith("-"))

    @cached_property
    def query(self) -> str:
        """What to ask to get here again, without the place in the list."""
        return self.filters.address(sort=self.sort)


class Values(forms.Field):
    """A parameter that may be given several times; empty ones are left out."""

    widget = forms.MultipleHiddenInput

    def __init__(self, name: str) -> None:
        super().__init__(required=False)
        self.allowed = CHOICES.get(name)

    def clean(self, value: Any) -> tuple[str, ...]:
        """Return the values, each once. Raises ValidationError."""
        values = tuple(dict.fromkeys(one for one in value or () if one))
        if len(values) > MOST_VALUES:
            raise forms.ValidationError(_("Choose at most %(most)d values.") % {"most": MOST_VALUES})
        for one in values:
            ProhibitNullCharactersValidator()(one)
            if len(one) > MAX_VALUE:
                raise forms.ValidationError(_("A value has at most %(most)d characters.") % {"most": MAX_VALUE})
            if self.allowed and one not in self.allowed:
                known = ", ".join(self.allowed)
                raise forms.ValidationError(_("“%(value)s” is none of: %(known)s.") % {"value": one, "known": known})
        return values


class InventoryForm(forms.Form):
    """The parameters of the list of models."""

    q = forms.CharField(required=False, max_length=250, label=gettext_lazy("Search"))
    stage, alias, owner, risk, framework, card = (Values(name) for name in FACETS[:6])
    complete, tag, state, drift, requests, connection = (Values(name) for name in FACETS[6:])
    no, more = Values("no"), Values("more")
    deleted = forms.ChoiceField(required=False, choices=[(value, value) for value in DELETED])
    sort = forms.ChoiceField(required=False, choices=[(key, key) for key in SORT_KEYS])
    cursor = forms.CharField(required=False, max_length=MAX_CURSOR)
    counts = forms.ChoiceField(required=False, choices=[("on", "on")])


def asked_by(query: QueryDict) -> Asked:
    """Read an address. Raises InvalidInput naming the first parameter at fault."""
    values = {name: _clean(field, query, name) for name, field in InventoryForm.base_fields.items()}
    values["deleted"] = DELETED[values["deleted"]]
    sort = "" if values["sort"] == "name" else values["sort"]
    filters = Filters(**{name: values[name] for name in NAMES})
    return Asked(filters, sort, values["cursor"], values["more"], bool(values["counts"] or values["more"]))


def _clean(field: forms.Field, query: QueryDict, name: str) -> Any:
    """Read one parameter as its form would, without the copies that a form makes of its fields for each request."""
    try:
        return field.clean(field.widget.value_from_datadict(query, MultiValueDict(), name))
    except forms.ValidationError as error:
        raise InvalidInput(str(error.messages[0]), field=name) from error


def canonical(query: str) -> str:
    """Return a query as this list writes it itself. Raises InvalidInput naming the parameter at fault."""
    if len(query) > MAX_QUERY:
        message = _("This view chooses too much to be kept: its address would have more than %(most)d characters.")
        raise InvalidInput(message % {"most": MAX_QUERY}, field="query")
    given = parsed(query)
    if unknown := sorted(set(given) - set(InventoryForm.base_fields)):
        message = _("“%(name)s” is no parameter of the list of models.") % {"name": unknown[0]}
        raise InvalidInput(message, field="query")
    return asked_by(given).query


def parsed(query: str) -> QueryDict:
    """Return what stands after the question mark of an address."""
    return QueryDict(query.removeprefix("?"))


def place(asked: Asked, cursor: str) -> str:
    """Return the query of another page of the same list."""
    return "?" + asked.filters.address(sort=asked.sort, cursor=cursor)
