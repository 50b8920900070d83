"""The trail as JSON lines: one event per line, from the first, so that anybody can verify it without the database."""

from apps.audit.chain import canonical_json, event_content
from apps.audit.event_types import event_type
from apps.audit.models import AuditEvent


def to_line(event: AuditEvent) -> str:
    """Return one event as canonical JSON: what is hashed, the two hashes, and its type where it has one."""
    line = {**event_content(event), "previous_hash": event.previous_hash, "hash": event.hash}
    if kind := event_type(event.action, event.outcome, event.data):
        line["event_type"] = kind
    return canonical_json(line)
