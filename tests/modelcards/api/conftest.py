"""Calls of the card API as a person or a token makes them."""

from dataclasses import dataclass
from typing import Any

import pytest
from django.test import Client

from apps.accounts.services import create_token
from apps.modelcards.models import Card

PATH = "/api/v1/models/churn/versions/1/card/"


@dataclass
class Caller:
    """Calls with a token of this person; `match` is the digest in `If-Match`, the newest unless told otherwise."""

    person: Any
    scope: str = "write"
    models: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        self.token = create_token("script", by=self.person, scope=self.scope, models=self.models).text

    def __call__(self, method: str, path: str = "", data: Any = None, match: str | None = None, **more: Any) -> Any:
        match = Card.objects.get().digest if match is None and Card.objects.exists() else match
        headers = {"Authorization": f"Bearer {self.token}"} | ({"If-Match": f'"{match}"'} if match else {})
        send = getattr(Client(), method.lower())
        path = path if path.startswith("/") else PATH + path
        sent = {} if method == "GET" else {"data": {} if data is None else data, "content_type": "application/json"}
        return send(path, headers=headers, **sent, **more)


@pytest.fixture
def as_alice(alice) -> Caller:
    return Caller(alice)


@pytest.fixture
def document(card, as_alice) -> dict[str, Any]:
    """The card of churn v1 as it is answered."""
    return as_alice("GET").json()["document"]
