"""Fields that no form and no schema offers, sent along with valid input: refused by name, or as if they were not there.

The valid input is the table of permissions', so that a new address is attacked without a line here.
"""

import re
from collections import Counter
from typing import Any

import pytest
from django.apps import apps
from django.db import models
from django.test import Client

from apps.accounts.models import Session, User
from tests import test_permissions
from tests.attacks.doors import METHODS, ask
from tests.attacks.hostile import OURS
from tests.test_permissions import TABLE, Row, address
from tests.undoing import undone

pytestmark = [pytest.mark.django_db, pytest.mark.once]
asked, persons = test_permissions.asked, test_permissions.persons  # fixtures
MOMENT = re.compile(r"\d{4}-\d\d-\d\dT[\d:.+]+")  # within JSON
EXTRAS = {
    "state": "applied", "requester": "bob", "requester_id": 1, "reviewer": "bob", "counts_for": 1, "user": "bob",
    "user_id": 1, "by": "admin", "actor": "admin", "approved": "on", "bypassed": "on", "is_superuser": "on",
    "is_staff": "on", "is_active": "on", "published_by": "bob", "created_by": "bob", "id": 1, "pk": 1, "hash": "0" * 64,
    "standing": "on", "revoked_at": "", "model_id": 1,
}  # fmt: skip
CHANCE = {
    "args", "data", "digest", "hash", "key", "last_hash", "lease_token", "message_id", "payload", "prefix",
    "key_id", "previous_hash", "public_key", "request_id", "sealed", "secret", "signature", "target", "url", "values",
}  # fmt: skip


def content() -> Counter[Any]:
    """Return what the tables hold, but for numbers, times and what is drawn by chance."""
    found: Counter[Any] = Counter()
    for model in apps.get_models():
        if model._meta.app_label not in (*OURS, "auth") or model is Session:  # each client begins one
            continue
        fields = [field for field in model._meta.concrete_fields if not field.primary_key and field.name not in CHANCE]
        told = [field for field in fields if not isinstance(field, models.DateTimeField) and _is_plain(field)]
        rows = model._base_manager.all()
        for row in rows.values_list(*(field.attname for field in told)) if told else [()] * rows.count():
            found[model._meta.label, MOMENT.sub("", repr(row))] += 1
    return found


def _is_plain(field: models.Field) -> bool:
    return not field.is_relation or field.related_model is User


def answered_well(row: Row) -> str:
    """Return who may do it, by the table; empty when nobody may."""
    return next((who for who, status in row.expected().items() if status < 400 and who != "nobody"), "")


def sent(request: Any, name: str, method: str, row: Row, who: User, extras: dict[str, Any]) -> tuple[int, Any, list]:
    """Send the table's input with `extras`; return the status, what the tables hold then, the fields at fault."""
    client = Client()
    client.force_login(who)
    payload = {
        key: value.replace("{digest}", request.evidence_digest) if isinstance(value, str) else value
        for key, value in row.payload.items()
    }
    with undone():
        answer = ask(client, method, address(name, request, row.query), extras | payload)
        held = content()
    faulty = answer.json().get("errors", []) if answer.headers.get("Content-Type", "").endswith("problem+json") else []
    return answer.status_code, held, sorted(error["field"] for error in faulty)


def test_fields_that_nobody_offers_change_nothing(asked, persons):
    wrong = {}
    for (name, method), row in TABLE.items():
        who = answered_well(row)
        if method not in METHODS[1:] or not persons.get(who):
            continue
        status, held, _ = sent(asked, name, method, row, persons[who], {})
        more, held_then, faulty = sent(asked, name, method, row, persons[who], EXTRAS)
        refused = more == 400 and set(faulty) <= set(EXTRAS) and bool(faulty)
        if not refused and (status, held) != (more, held_then):
            wrong[name, method] = (status, more, faulty, (held_then - held), (held - held_then))
    assert wrong == {}
