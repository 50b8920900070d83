import json
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.db import connection

from apps.audit import triggers
from apps.audit.models import AuditEvent
from tests.audit.test_services import write


def verify(*args: str) -> str:
    out = StringIO()
    call_command("verify_audit", *args, stdout=out)
    return out.getvalue()


@pytest.fixture
def export(db, tmp_path):
    write(reason="zażółć <b>'\"", before={"x": 1.5})
    write()
    path = tmp_path / "trail.jsonl"
    with path.open("w") as file:
        call_command("export_audit", stdout=file)
    return path


def test_verify_prints_how_far_the_chain_goes(db):
    write()
    last = write()
    assert verify().splitlines()[0] == f"2 events fit the chain. Last hash: {last.hash}"


def test_verify_fails_when_an_event_was_changed_behind_the_triggers(db):
    write()
    triggers.remove(connection)
    AuditEvent.objects.update(actor="eve")
    triggers.install(connection)
    with pytest.raises(CommandError, match="Event 1 was changed") as caught:
        verify()
    assert caught.value.returncode == 1


def test_verify_fails_when_the_last_event_is_gone(db):
    write()
    triggers.remove(connection)
    AuditEvent.objects.all().delete()
    triggers.install(connection)
    with pytest.raises(CommandError, match="Event 1 is missing"):
        verify()


def test_verify_reads_an_export(export):
    assert verify(str(export)).splitlines()[0] == verify().splitlines()[0]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda lines: [lines[0].replace("alice", "eve"), lines[1]], "Event 1 was changed"),
        (lambda lines: lines[1:], "Event 1 is missing"),
        (lambda lines: [lines[0], "{"], "Line 2 is not an exported event"),
        (lambda lines: [json.dumps({**json.loads(lines[0]), "note": 1})], "Line 1 is not an exported event"),
        (lambda lines: [lines[0].replace('"id":1', '"id":NaN')], "Line 1 is not an exported event"),
        (lambda lines: [lines[0].replace('":1.5', '":NaN')], "Line 1 is not an exported event"),
    ],
)
def test_verify_names_what_is_wrong_with_an_export(export, change, message):
    export.write_text("\n".join(change(export.read_text().splitlines())))
    with pytest.raises(CommandError, match=message):
        verify(str(export))


def test_verify_of_a_file_that_is_not_there_fails(db, tmp_path):
    with pytest.raises(CommandError, match="No such file"):
        verify(str(tmp_path / "none"))


def checkpoint() -> dict:
    out = StringIO()
    call_command("checkpoint_audit", stdout=out)
    return json.loads(out.getvalue())


def test_checkpoint_signs_its_own_event_too_and_prints_what_to_keep(db):
    write()
    made = checkpoint()
    assert (made["event_id"], made["count"], AuditEvent.objects.get(id=2).action) == (2, 2, "checkpoint.made")
    assert verify().splitlines()[1].startswith("Signed up to event 2 with keys that are kept in this database.")


def test_verify_wants_the_key_that_it_is_given(db):
    write()
    kept = checkpoint()["key_id"]
    assert "Signed up to event 2 with the key that you gave. 0 events" in verify("--public-key", kept)
    with pytest.raises(CommandError, match="No checkpoint is signed with the key that you gave"):
        verify("--public-key", "0" * 64)
    with pytest.raises(CommandError, match="takes a key"):
        verify("--public-key", "hello")


def test_rotating_the_key_is_recorded_and_needs_a_reason(db):
    old = checkpoint()["key_id"]
    call_command("rotate_audit_key", "--reason", "It is a year old.", stdout=StringIO())
    event = AuditEvent.objects.get(action="signing_key.rotated")
    new = checkpoint()["key_id"]
    assert (event.data["before"], event.data["after"], event.reason) == (
        {"key": old},
        {"key": new},
        "It is a year old.",
    )
    assert verify().splitlines()[1].startswith("Signed up to event 3 with")
    with pytest.raises(CommandError, match="Say why"):
        call_command("rotate_audit_key", "--reason", " ")


def test_an_export_ends_with_its_manifest(export):
    assert json.loads(export.read_text().splitlines()[-1])["manifest"]["exported_by"] == "system:operator"
