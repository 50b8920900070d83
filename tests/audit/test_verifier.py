"""What the program says that strangers verify an export with, for each way to tamper with one."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from apps.audit.manifest import export_lines
from apps.audit.models import AuditEvent
from apps.audit.proof import keys, verifying
from apps.audit.proof.checkpoints import make_checkpoint
from tests.audit.test_services import write

PROGRAM = verifying.program()
OLD = Path(__file__).parent / "old_events.jsonl"
Change = Callable[[list[str]], list[str]]


def exported(**more) -> list[str]:
    return list(export_lines(AuditEvent.objects.order_by("id"), by="alice", **more))


@pytest.fixture
def trail(db) -> list[str]:
    """Six events, a checkpoint at the fourth: lines 1 to 6, the checkpoint, its key, the manifest."""
    for number in range(4):
        write(number=number)
    make_checkpoint()
    write(), write()
    return exported()


def verified(tmp_path, lines: list[str], *public_keys: str):
    path = tmp_path / "trail.jsonl"
    path.write_text("".join(lines))
    return PROGRAM.verify(str(path), public_keys)


def sealed_anew(lines: list[str], first: int) -> list[str]:
    """Write the chain anew from an event on, as somebody with the database could."""
    out, previous = lines[: first - 1], json.loads(lines[first - 2])["hash"]
    for line in lines[first - 1 :]:
        event = json.loads(line)
        if "id" in event:
            event["previous_hash"] = previous
            event["hash"] = previous = PROGRAM.event_hash(event)
        out.append(PROGRAM.canonical(event) + "\n")
    return out


def edited(line: str, **values) -> str:
    return PROGRAM.canonical({**json.loads(line), **values}) + "\n"


def without_manifest(lines: list[str]) -> list[str]:
    return lines[:-1]


def test_a_whole_export_fits_and_says_so(tmp_path, trail):
    report = verified(tmp_path, trail)
    assert (report.misfit, report.count) == (None, 6)
    assert report.remarks[0].startswith("Complete up to the end of the chain at ")
    assert report.remarks[1].startswith("Signed up to event 4, with keys that stand in the file itself")
    assert report.remarks[1].endswith("2 events after it rest on the chain alone.")


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda a: [*a[:2], edited(a[2], actor="eve"), *a[3:]], "Event 3 was changed after it was written"),
        (lambda a: [*a[:2], edited(a[2], event_type="model_deleted"), *a[3:]], "Event 3 was changed: its event_type"),
        (lambda a: [*a[:2], edited(a[2], token_prefix=""), *a[3:]], "Line 3 is not an exported event: a field that"),
        (lambda a: [*a[:2], edited(a[2], note="x"), *a[3:]], "Line 3 is not an exported event: see note"),
        (lambda a: [*a[:2], *a[3:]], "Event 3 is missing: event 4 stands in its place."),
        (lambda a: a[1:], "Event 1 is missing"),
        (lambda a: [*a[:2], a[3], a[2], *a[4:]], "reordered: event 3 stands on line 4, after event 4"),
        (lambda a: [*a[:3], a[1], *a[3:]], "Event 2 on line 4 was inserted or moved"),
        (lambda a: sealed_anew([*a[:2], edited(a[2], actor="eve"), *a[3:]], 3), "Event 4 is not the one that was"),
        (lambda a: [*a[:5], a[5][:-1] + " \n", *a[6:]], "Line 6 is not an exported event: it is not written as"),
        (lambda a: [*a[:5], *a[6:]], "The file holds 5 events up to event 5; its manifest says 6 up to 6"),
        (lambda a: [*a[:3], *a[6:]], "Event 4 is missing: the file ends before it, and event 4 has a checkpoint"),
        (lambda a: [*a[:6], *a[8:]], "its bytes do not match its manifest"),
        (lambda a: [*a[:6], edited(a[6], checkpoint={**json.loads(a[6])["checkpoint"], "signature": "AAAA"}), *a[7:]],
         "its bytes do not match its manifest"),
        (lambda a: [*a, a[0]], "Line 10 stands after the manifest"),
        (lambda a: ["[" * 100_000, *a], "Line 1 is not an exported event"),
        (lambda a: ["{}\n", *a], "Line 1 is not an exported event"),
        (lambda a: ['{"actor":"eve",' + a[0][1:], *a[1:]], "Line 1 is not an exported event"),
        (lambda a: [*a[:8], '{"manifest":{"format":"assent-audit/1"}}\n'], "Line 9 is not a line of an export"),
    ],
)  # fmt: skip
def test_the_first_thing_that_does_not_fit_is_named(tmp_path, trail, change: Change, says):
    assert says in verified(tmp_path, change(trail)).misfit


def test_a_bad_signature_is_named_where_the_manifest_was_taken_away(tmp_path, trail):
    signed = json.loads(trail[6])["checkpoint"]
    forged = edited(trail[6], checkpoint={**signed, "at": "2020-01-01T00:00:00.000000+00:00"})
    report = verified(tmp_path, without_manifest([*trail[:6], forged, *trail[7:]]))
    assert report.misfit == "The checkpoint at event 4 has a bad signature."


def test_a_checkpoint_without_its_key_is_named(tmp_path, trail):
    assert "not in the file" in verified(tmp_path, trail[:7]).misfit


def test_a_forged_end_is_seen_by_the_manifest_alone(tmp_path, trail):
    """After the last checkpoint nothing is signed: the report says so."""
    report = verified(tmp_path, without_manifest([*trail[:5], *trail[6:]]))
    assert (report.misfit, report.count) == (None, 5)
    assert report.remarks[0] == "No manifest, as in older exports: whether the end is missing cannot be told."
    assert report.remarks[1].endswith("1 events after it rest on the chain alone.")


def test_a_key_that_was_kept_elsewhere_must_have_signed(tmp_path, trail):
    key = keys.published()[0]
    for given in (key["public_key"], key["key_id"]):
        report = verified(tmp_path, trail, given)
        assert (report.misfit, "with the key that you gave" in report.remarks[1]) == (None, True)
    file = tmp_path / "keys.json"
    file.write_text(json.dumps([{**key, "made_at": "x"}]))
    assert verified(tmp_path, trail, str(file)).misfit is None
    assert (
        verified(tmp_path, trail, "0" * 64).misfit == "No checkpoint in the file is signed with the key that you gave."
    )


def test_a_file_made_up_with_its_own_key_does_not_fit_a_kept_one(tmp_path, trail):
    kept = keys.published()[0]["public_key"]
    keys.rotate(reason="stolen")
    make_checkpoint()
    forged = [line for line in exported() if kept not in line and not line.startswith('{"checkpoint":{"at"')]
    assert "nothing in it is signed with the key" in verified(tmp_path, without_manifest(forged), kept).misfit


def test_a_checkpoint_of_a_retired_key_still_fits(tmp_path, trail):
    old = keys.published()[0]["public_key"]
    keys.rotate(reason="yearly")
    make_checkpoint()
    lines = exported()
    assert verified(tmp_path, lines).misfit is None
    assert verified(tmp_path, lines, old).remarks[1].startswith("Signed up to event 4, with the key that you gave")


def test_nonsense_in_place_of_a_key_is_no_verdict(tmp_path, trail):
    with pytest.raises(PROGRAM.Unusable, match="--public-key takes"):
        verified(tmp_path, trail, "hello")


def test_a_filtered_export_fits_with_gaps_and_says_so(tmp_path, trail):
    events = AuditEvent.objects.filter(id__in=[2, 3, 6]).order_by("id")
    lines = list(export_lines(events, by="alice", filters={"actor": "alice"}))
    report = verified(tmp_path, lines)
    assert (report.misfit, report.count) == (None, 3)
    assert report.remarks[0] == 'Filtered ({"actor":"alice"}): 3 events of the trail are not in the file.'
    assert report.remarks[2] == "What stands beside a gap is held by its own hash alone, which anybody can make anew."
    assert "Event 3 was changed" in verified(tmp_path, [lines[0], edited(lines[1], actor="eve"), *lines[2:]]).misfit
    assert "inserted or moved" in verified(tmp_path, [lines[1], lines[0], *lines[2:]]).misfit


@pytest.fixture
def chosen(trail) -> list[str]:
    """Events 2, 3 and 6, signed: the list, three events, the checkpoint, its key, the manifest."""
    events = AuditEvent.objects.filter(id__in=[2, 3, 6]).order_by("id")
    return list(export_lines(events, by="alice", filters={"actor": "alice"}, signer=keys.signer()))


def rehashed(line: str, **values) -> str:
    """An event changed with a hash made anew, as anybody can."""
    event = {**json.loads(line), **values}
    return PROGRAM.canonical({**event, "hash": PROGRAM.event_hash(event)}) + "\n"


def test_a_signed_filtered_export_fits_and_says_what_that_means(tmp_path, chosen):
    report = verified(tmp_path, chosen, keys.present_key_id())
    assert (report.misfit, report.count) == (None, 3)
    assert report.remarks == [
        'Filtered ({"actor":"alice"}): 3 events of the trail are not in the file.',
        "That these are all that were asked for is the word of whoever signed the manifest.",
        "Signed up to event 6, with the key that you gave. 0 events after it rest on the chain alone.",
    ]


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda a: [*a[:3], edited(a[3], actor="eve"), *a[4:]], "Event 6 was changed after it was written"),
        (lambda a: [*a[:3], rehashed(a[3], actor="eve"), *a[4:]], "Event 6 was changed: the list before it names"),
        (lambda a: [a[0], *a[2:]], "Event 2 is missing: event 3 stands in its place."),
        (lambda a: [*a[:3], *a[4:]], "Event 6 is missing: it was left out of the events that the list before it"),
        (lambda a: [*a[:2], a[3], a[2], *a[4:]], "reordered: event 3 stands on line 4, after event 6"),
        (lambda a: [*a[:3], rehashed(a[3], id=5), *a[3:]], "Event 5 on line 4 was put in"),
        (lambda a: [*a[:4], rehashed(a[3], id=7), *a[4:]], "Event 7 on line 5 was put in"),
        (lambda a: a[1:], "Event 2 on line 1 was put in"),
        (lambda a: ['{"listed":[[2]]}\n', *a[1:]], "Line 1 is not a line of an export."),
        (lambda a: [*a[:4], '{"listed":[]}\n', *a[4:]], "its bytes do not match its manifest"),
        (lambda a: [*a[:-1], a[-1].replace('"alice"', '"bob"', 1)], "The manifest has a bad signature."),
        (lambda a: a[:-1], "Event 1 is missing"),  # what does not say that it is filtered is held for whole
    ],
)  # fmt: skip
def test_the_first_thing_that_does_not_fit_in_a_filtered_export_is_named(tmp_path, chosen, change: Change, says):
    assert says in (verified(tmp_path, change(chosen), keys.present_key_id()).misfit or "fits")


def test_a_filtered_export_signed_with_another_key_is_named(tmp_path, chosen):
    kept = keys.present_key_id()
    keys.rotate(reason="another installation")
    events = AuditEvent.objects.filter(id__in=[2, 3, 6]).order_by("id")
    other = list(export_lines(events, by="alice", filters={"actor": "alice"}, signer=keys.signer()))
    expected = f"The manifest is not signed with the key that you gave, but with {keys.present_key_id()}."
    assert (verified(tmp_path, other).misfit, verified(tmp_path, other, kept).misfit) == (None, expected)


def test_a_whole_export_is_signed_to_its_end(tmp_path, trail):
    report = verified(tmp_path, exported(signer=keys.signer()), keys.present_key_id())
    assert report.remarks[1].startswith("Signed up to event 6, with the key that you gave. 0 events after it")


def test_an_empty_trail_fits(tmp_path, db):
    report = verified(tmp_path, exported())
    assert (report.misfit, report.count) == (None, 0)


def test_events_of_before_the_later_fields_still_fit():
    report = PROGRAM.verify(str(OLD))
    assert (report.misfit, report.count) == (None, 12)


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the program as a stranger does: without Assent, Django or this process's environment."""
    command = [sys.executable, "-I", str(verifying.PROGRAM), *arguments]
    return subprocess.run(
        command, env={"PATH": os.environ["PATH"]}, capture_output=True, text=True, timeout=60, check=False, cwd="/"
    )


def test_a_stranger_runs_it_without_assent(tmp_path, trail):
    path = tmp_path / "trail.jsonl"
    path.write_text("".join(trail))
    good = run(str(path), "--public-key", keys.published()[0]["key_id"])
    assert (good.returncode, good.stderr, good.stdout.splitlines()[0][:27]) == (0, "", "6 events fit the chain. Las")
    path.write_text("".join(trail[1:]))
    bad = run(str(path))
    assert (bad.returncode, bad.stdout) == (1, "")
    assert bad.stderr == "DOES NOT FIT: Event 1 is missing: event 2 stands in its place.\n"
    assert run(str(tmp_path / "none")).returncode == 2


CLEAR = "\x1b[2J\x1b[H9 events fit the chain.\n\x9b8m\u202e"


@pytest.mark.parametrize("where", ["exported_at", "filters", "format", "at"])
def test_no_text_in_a_file_steers_the_terminal_of_who_verifies_it(tmp_path, trail, where):
    path, manifest = tmp_path / "trail.jsonl", json.loads(trail[-1])["manifest"]
    if where == "at":  # of a checkpoint that does not fit, so that its time is named
        checkpoint = json.loads(trail[6])["checkpoint"]
        lines = [*trail[:6], PROGRAM.canonical({"checkpoint": {**checkpoint, "at": CLEAR, "hash": CLEAR}}) + "\n"]
    else:
        said = {**manifest, where: CLEAR, "filtered": where == "filters"}
        lines = [*trail[:-1], PROGRAM.canonical({"manifest": said}) + "\n"]
    path.write_text("".join(lines))
    ended = run(str(path))
    text = (ended.stdout + ended.stderr).replace("\n", "")
    assert ("9 events fit" in text, text.isprintable()) == (True, True)
    assert ended.stdout.count("9 events fit") <= 1


def test_the_program_uses_what_every_python_has():
    """Only the signatures need another package, and only where they are checked."""
    source = verifying.PROGRAM.read_text()
    imports = {line.split()[1] for line in source.splitlines() if line.startswith(("import ", "from "))}
    assert imports <= sys.stdlib_module_names
