"""What an app above says of the models of the list, and by what else they are found: it registers functions here."""

from collections.abc import Callable
from typing import Any

from django.db.models import Q
from django.utils.safestring import SafeString

Says = Callable[[list[dict[str, Any]]], dict[int, SafeString]]
Holds = Callable[[str], Q]
_sayers: list[Says] = []
_answers: dict[str, Holds] = {}


def beside(function: Says) -> Says:
    """Register a function that returns the cell of each model by its id, with a constant number of queries."""
    _sayers.append(function)
    return function


def cells(rows: list[dict[str, Any]]) -> dict[int, SafeString]:
    """Return what the apps above say of the models of a page, by their ids."""
    found: dict[int, SafeString] = {}
    for function in _sayers if rows else []:
        found |= function(rows)
    return found


def answers(facet: str) -> Callable[[Holds], Holds]:
    """Register a function that returns which models have a value of a facet (filters.CLOSED): no query for each."""

    def register(function: Holds) -> Holds:
        _answers[facet] = function
        return function

    return register


def holding(facet: str, values: tuple[str, ...]) -> Q:
    """Return which models have one of these values of a facet."""
    found = Q()
    for value in values:
        found |= _answers[facet](value)
    return found
