"""What a search asks for, and where its next page begins.

A page begins after a row, not at a number: rows that come and go meanwhile move nothing, and no token says how many
rows there are that one may not see. It is signed together with the question, and belongs to that alone.
"""

import hashlib
import json
from dataclasses import dataclass
from typing import Any

from django.core import signing
from django.utils.translation import gettext as _

from apps.errors import InvalidInput
from apps.gateway.canonical import Call
from apps.gateway.searching import grammar
from apps.gateway.searching.grammar import Beyond, Condition, Kind
from apps.registry.remote import PROMPT_TAG

MAX_FILTER = 64 * 1024  # characters, as much as an address holds
MAX_BEYOND = 4 * 1024  # characters of a filter that MLflow alone understands
MAX_ORDERS = 20
MAX_TOKEN = 64 * 1024
SALT = "assent.gateway.searching"


@dataclass(frozen=True)
class Question:
    """A search, understood. `after` is the row behind which the page begins: a value for each part of the order."""

    conditions: tuple[Condition, ...]
    order: tuple[tuple[str, bool], ...]
    size: int
    after: tuple[Any, ...]
    signature: str  # of kind, filter, order and person

    def token(self, row: tuple[Any, ...]) -> str:
        """Return the token of the page after a row."""
        return signing.Signer(salt=SALT).sign_object([self.signature, *row], compress=True)


def understood(kind: Kind, call: Call, person: int, *, default: int, most: int) -> Question:
    """Return what a call asks. Raises Beyond, and InvalidInput for what is nobody's question."""
    text, orders, token = (
        call.text("filter", needed=False),
        call.texts("order_by"),
        call.text("page_token", needed=False),
    )
    _check(text, orders, token)
    try:
        conditions, order = grammar.conditions(kind, text), grammar.order(kind, orders)
        size = _size(call, default, most)
        told = _without_prompts(conditions)
    except Beyond:
        if len(text) > MAX_BEYOND:
            raise InvalidInput(_("This filter is too long to be understood."), field="filter") from None
        raise
    asked = json.dumps([kind is grammar.MODELS, [repr(condition) for condition in conditions], order, person])
    signature = hashlib.sha256(asked.encode()).hexdigest()[:32]
    return Question(told, order, size, _after(token, signature, len(order)) if token else (), signature)


def _check(text: str, orders: list[str], token: str) -> None:
    """Refuse what neither Assent nor MLflow would read in reasonable time, or no database stores."""
    if len(text) > MAX_FILTER or len(orders) > MAX_ORDERS or any(len(order) > 200 for order in orders):
        raise InvalidInput(_("This filter or order is longer than any search needs. Ask in parts."), field="filter")
    for value in (text, token, *orders):
        if "\0" in value or any("\ud800" <= sign <= "\udfff" for sign in value):
            raise InvalidInput(_("A search has no NUL and no half signs in it."), field="filter")


def _size(call: Call, default: int, most: int) -> int:
    value = str(call.params.get("max_results", default))
    if not (value.isascii() and value.isdigit() and len(value) < 10 and 0 < int(value) <= most):
        raise Beyond("max_results")
    return int(value)


def _without_prompts(conditions: tuple[Condition, ...]) -> tuple[Condition, ...]:
    """Return the conditions as MLflow obeys them: prompts are left out, unless the first word about them wants them."""
    first = next((c for c in conditions if c.tag and c.key == PROMPT_TAG), None)
    if first and (first.comparator, str(first.value).lower()) in (("=", "true"), ("!=", "false")):
        raise Beyond("prompts")  # the mirror has none of their versions
    return tuple(c for c in conditions if not (c.tag and c.key == PROMPT_TAG))


def _after(token: str, signature: str, columns: int) -> tuple[Any, ...]:
    try:
        found = signing.Signer(salt=SALT).unsign_object(token[:MAX_TOKEN])
    except (signing.BadSignature, ValueError):
        found = None
    if not (isinstance(found, list) and len(found) == columns + 1 and found[0] == signature):
        message = _("This page token belongs to another search. Leave it out to start at the first page.")
        raise InvalidInput(message, field="page_token")
    return tuple(found[1:])
