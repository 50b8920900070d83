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
    assert verify() == f"2 events fit the chain. Last hash: {last.hash}\n"


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
    assert verify(str(export)) == verify()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda lines: [lines[0].replace("alice", "eve"), lines[1]], "Event 1 was changed"),
        (lambda lines: lines[1:], "Event 1 is missing"),
        (lambda lines: [lines[0], "{"], "Line 2 is not an exported event"),
        (lambda lines: [json.dumps({**json.loads(lines[0]), "note": 1})], "Line 1 is not an exported event"),
        (lambda lines: ['{"actor":"eve",' + lines[0][1:]], "a name occurs twice"),
        (lambda lines: ["[" * 100_000], "Line 1 is not an exported event"),
        (lambda lines: [lines[0].replace('"id":1', '"id":NaN')], "Event 1 is missing"),
        (lambda lines: [lines[0].replace('":1.5', '":NaN')], "Event 1 was changed"),
    ],
)
def test_verify_names_what_is_wrong_with_an_export(export, change, message):
    export.write_text("\n".join(change(export.read_text().splitlines())))
    with pytest.raises(CommandError, match=message):
        verify(str(export))


def test_verify_of_a_file_that_is_not_there_fails(db, tmp_path):
    with pytest.raises(CommandError, match="No such file"):
        verify(str(tmp_path / "none"))
