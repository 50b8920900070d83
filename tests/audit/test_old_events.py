"""Events that were sealed before the later fields existed keep their hashes: that version wrote the fixture."""

import json
from datetime import datetime
from pathlib import Path

from django.db import connection

from apps.audit import triggers
from apps.audit.export import to_line
from apps.audit.models import AuditEvent, ChainHead
from apps.audit.proof.checkpoints import make_checkpoint
from apps.audit.proof.verifying import verify_database
from tests.audit.test_services import write

OLD = [json.loads(line) for line in (Path(__file__).parent / "old_events.jsonl").read_text().split("\n") if line]


def restored() -> None:
    AuditEvent.objects.bulk_create(AuditEvent(**{**event, "at": datetime.fromisoformat(event["at"])}) for event in OLD)
    ChainHead.objects.create(id=1, last_id=OLD[-1]["id"], last_hash=OLD[-1]["hash"])


def test_old_events_verify_and_new_ones_follow_them(db):
    restored()
    new = write(on_behalf_of="erin", evidence_digest="ab" * 32)
    make_checkpoint()
    found = verify_database()
    assert (found.misfit, found.count, new.previous_hash) == (None, len(OLD) + 1, OLD[-1]["hash"])


def test_an_old_event_is_exported_as_it_was_with_its_type(db):
    restored()
    lines = [json.loads(to_line(event)) for event in AuditEvent.objects.order_by("id")]
    types = [line.pop("event_type", "") for line in lines]
    assert lines == OLD
    assert types[1:3] == ["model_registered"] * 2


def test_a_later_field_that_is_written_into_an_old_event_is_seen(db):
    restored()
    triggers.remove(connection)
    AuditEvent.objects.filter(id=5).update(token_name="eve")
    triggers.install(connection)
    assert verify_database().misfit.startswith("Event 5 was changed")
