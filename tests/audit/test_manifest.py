import hashlib
import json

from apps.audit import manifest
from apps.audit.models import AuditEvent
from tests.audit.test_services import write


def exported(**more) -> tuple[list[str], dict]:
    """Return the lines before the manifest, and the manifest."""
    lines = list(manifest.export_lines(AuditEvent.objects.order_by("id"), by="alice", **more))
    return lines[:-1], json.loads(lines[-1])["manifest"]


def test_the_last_line_says_what_the_file_holds(db):
    write(), (last := write())
    lines, said = exported()
    at = said.pop("exported_at")
    assert at.endswith("+00:00")
    assert said == {
        "format": "assent-audit/1",
        "first": 1,
        "last": 2,
        "count": 2,
        "filtered": False,
        "filters": {},
        "head": {"id": 2, "hash": last.hash},
        "sha256": hashlib.sha256("".join(lines).encode()).hexdigest(),
        "exported_by": "alice",
    }


def test_an_empty_export_has_neither_first_nor_last(db):
    _, said = exported()
    assert (said["first"], said["last"], said["count"], said["head"]) == (None, None, 0, {"id": 0, "hash": "0" * 64})


def test_filters_are_named_and_empty_ones_are_not(db):
    write()
    _, said = exported(filters={"actor": "alice", "model_id": 7, "target": "", "since": None})
    assert (said["filtered"], said["filters"]) == (True, {"actor": "alice", "model_id": 7})


def test_whoever_may_not_read_every_event_gets_a_file_that_says_so(db):
    write()
    assert exported(filtered=True)[1]["filtered"] is True


def test_events_after_the_head_are_left_out(db):
    write()
    head = manifest.present_head()
    write()
    lines, said = exported(head=head)
    assert (len(lines), said["last"], said["head"]["id"]) == (1, 1, 1)
