"""What a stranger finds who holds a package, the program and a key: each way to tamper with it, by the first misfit."""

import hashlib
import io
import json
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from django.db import transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from apps.audit.actions import Action
from apps.audit.export import to_line
from apps.audit.models import AuditEvent, Checkpoint
from apps.audit.proof import keys, verifying
from apps.audit.proof.checkpoints import make_checkpoint
from apps.audit.services import Actor, Target, record
from apps.compliance.packages import services
from tests.compliance.conftest import applied

PROGRAM = verifying.program()
EVENTS, FILES, SEAL = "events/events.jsonl", "MANIFEST.sha256", "MANIFEST.signature.json"
Files = dict[str, bytes]
Lines = list[dict]


def elsewhere() -> None:
    """An event of the trail that is about no model."""
    with transaction.atomic():
        record(Action.VIEW_SAVED, by=Actor("bob"), target=Target("view", "mine"))


@pytest.fixture
def files(churn, asked, charlie) -> Files:
    """The files of a package with events of the model, before the last of which another of the trail was left out."""
    elsewhere()
    applied(asked)
    elsewhere()
    with zipfile.ZipFile(io.BytesIO(services.export_version("churn", 2, by=charlie).content)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


@pytest.fixture
def key(files) -> str:
    """The fingerprint that the stranger knows by another way."""
    return keys.present_key_id()


def packed(path: Path, files: Files) -> str:
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return str(path)


def misfit(tmp_path: Path, files: Files, *public_keys: str) -> str | None:
    return PROGRAM.verify(packed(tmp_path / "evidence.zip", files), public_keys).misfit


def read(files: Files) -> Lines:
    return [json.loads(line) for line in files[EVENTS].splitlines()]


def written(lines: Lines) -> bytes:
    return "".join(PROGRAM.canonical(line) + "\n" for line in lines).encode()


def with_events(files: Files, change: Callable[[Lines], Lines]) -> Files:
    return {**files, EVENTS: written(change(read(files)))}


def resealed(event: dict) -> dict:
    """An event whose hash was made anew, as anybody can."""
    return {**event, "hash": PROGRAM.event_hash(event)}


def listed_anew(lines: Lines) -> Lines:
    """The lines with list, counts and digest made to fit the events, as somebody without the key can."""
    events = [line for line in lines if "id" in line]
    head = {"listed": [[event["id"], event["hash"]] for event in events]}
    above = [head, *(line for line in lines if "listed" not in line and "manifest" not in line)]
    said = {"count": len(events), "first": events[0]["id"], "last": events[-1]["id"]}
    digest = hashlib.sha256(written(above)).hexdigest()
    return [*above, {"manifest": {**lines[-1]["manifest"], **said, "sha256": digest}}]


def named_anew(files: Files) -> Files:
    """The files with a list of digests that fits them."""
    rest = {path: content for path, content in files.items() if path not in (FILES, SEAL)}
    lines = (f"{hashlib.sha256(rest[path]).hexdigest()}  {path}\n" for path in sorted(rest))
    return {**files, FILES: "".join(lines).encode()}


def places(lines: Lines) -> list[int]:
    return [place for place, line in enumerate(lines) if "id" in line]


def test_a_package_as_it_was_handed_out_fits(tmp_path, files, key):
    report = PROGRAM.verify(packed(tmp_path / "evidence.zip", files), [key])
    assert (report.misfit, report.count) == (None, len(places(read(files))))
    assert report.remarks[2:] == [
        f"Each of the {len(files) - 2} files in the package is the one that MANIFEST.sha256 names.",
        f"Signed up to event {report.last}, with the key that you gave. 0 events after it rest on the chain alone.",
    ]


def test_an_unpacked_package_fits_and_so_does_one_that_the_command_checks(tmp_path, files, key):
    for name, content in files.items():
        path = tmp_path / "unpacked" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    assert PROGRAM.verify(str(tmp_path / "unpacked"), [key]).misfit is None
    assert verifying.verify_file(packed(tmp_path / "evidence.zip", files), [key]).misfit is None


def test_the_program_in_the_package_is_the_one_that_is_handed_out_and_runs_alone(tmp_path, files, key):
    program = tmp_path / "verify_audit.py"
    program.write_bytes(files["events/verify_audit.py"])
    command = [sys.executable, "-I", str(program), packed(tmp_path / "evidence.zip", files), "--public-key", key]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False, cwd="/")
    assert (ended.returncode, ended.stderr) == (0, "")


def test_a_changed_event_is_named(tmp_path, files, key):
    def change(lines: Lines) -> Lines:
        place = places(lines)[1]
        return [*lines[:place], {**lines[place], "actor": "eve"}, *lines[place + 1 :]]

    number = read(files)[places(read(files))[1]]["id"]
    said = misfit(tmp_path, with_events(files, change), key)
    assert said == f"Event {number} was changed after it was written: its content does not match its hash."


def test_a_changed_event_with_a_hash_made_anew_is_named(tmp_path, files, key):
    def change(lines: Lines) -> Lines:
        place = places(lines)[1]
        return [*lines[:place], resealed({**lines[place], "actor": "eve"}), *lines[place + 1 :]]

    number = read(files)[places(read(files))[1]]["id"]
    said = misfit(tmp_path, with_events(files, change), key)
    assert said == f"Event {number} was changed: the list before it names another hash."


@pytest.mark.parametrize("which", [0, 1, -1])
def test_an_event_that_was_left_out_is_named(tmp_path, files, key, which):
    place = places(read(files))[which]
    said = misfit(tmp_path, with_events(files, lambda lines: lines[:place] + lines[place + 1 :]), key)
    assert said.startswith(f"Event {read(files)[place]['id']} is missing")


def test_an_event_that_was_put_in_is_named(tmp_path, files, key):
    """Also a true one of the trail that the package does not hold."""
    other = AuditEvent.objects.exclude(pk__in=[line.get("id", 0) for line in read(files)]).earliest("id")
    place, line = places(read(files))[-1], json.loads(to_line(other))
    said = misfit(tmp_path, with_events(files, lambda lines: [*lines[:place], line, *lines[place:]]), key)
    assert said == f"Event {other.pk} on line {place + 1} was put in: the list before it does not name it there."


def test_events_in_another_order_are_named(tmp_path, files, key):
    first, second = places(read(files))[:2]

    def change(lines: Lines) -> Lines:
        lines[first], lines[second] = lines[second], lines[first]
        return lines

    number = read(files)[first]["id"]
    assert f"reordered: event {number} stands on line" in misfit(tmp_path, with_events(files, change), key)


def test_a_package_made_to_fit_throughout_lacks_the_signature(tmp_path, files, key):
    """Hashes, list, counts and digests can be made anew by anybody; what signs them cannot."""

    def change(lines: Lines) -> Lines:
        place = places(lines)[-1]  # the one beside a gap: between neighbours the chain would tell
        return listed_anew([*lines[:place], resealed({**lines[place], "actor": "eve"}), *lines[place + 1 :]])

    forged = with_events(files, change)
    assert misfit(tmp_path, named_anew(forged), key).startswith("MANIFEST.sha256 was changed")
    seal = {**json.loads(forged[SEAL]), "sha256": hashlib.sha256(named_anew(forged)[FILES]).hexdigest()}
    sealed = {**named_anew(forged), SEAL: PROGRAM.canonical(seal).encode()}
    assert misfit(tmp_path, sealed, key) == "The manifest has a bad signature."


def test_a_package_whose_signatures_were_taken_away_is_refused_to_who_has_the_key(tmp_path, files, key):
    def change(lines: Lines) -> Lines:
        said = {name: value for name, value in lines[-1]["manifest"].items() if name not in ("signature", "key_id")}
        return [*lines[:-1], {"manifest": said}]

    bare = named_anew(with_events(files, change))
    del bare[SEAL]
    assert misfit(tmp_path, bare) is None  # as packages of before, which nobody signed
    assert misfit(tmp_path, bare, key) == "The manifest is not signed with the key that you gave, but with no key."


def test_a_package_without_the_signature_of_its_files_is_refused_to_who_has_the_key(tmp_path, files, key):
    del files[SEAL]
    assert misfit(tmp_path, files, key) == "MANIFEST.sha256 is not signed with the key that you gave, but with no key."


def test_a_package_signed_with_another_key_is_named(tmp_path, files, key, charlie):
    keys.rotate(reason="another installation")
    with zipfile.ZipFile(io.BytesIO(services.export_version("churn", 2, by=charlie).content)) as archive:
        other = {name: archive.read(name) for name in archive.namelist()}
    assert misfit(tmp_path, other) is None
    assert misfit(tmp_path, other, key) == "No checkpoint in the file is signed with the key that you gave."
    mixed = {**other, EVENTS: files[EVENTS]}
    assert misfit(tmp_path, mixed, key) == f"{EVENTS} was changed: its SHA-256 is not the one that {FILES} names."
    by = keys.present_key_id()
    said = misfit(tmp_path, {**named_anew(files), SEAL: other[SEAL]}, key)
    assert (said, by != key) == (f"{FILES} was changed: its SHA-256 is not the one that was signed.", True)


def test_a_changed_a_missing_and_an_added_file_are_named(tmp_path, files, key):
    less = {path: content for path, content in files.items() if path != "holds.json"}
    found = [
        misfit(tmp_path, changed, key)
        for changed in ({**files, "holds.json": b"[1]\n"}, less, {**files, "note.txt": b"x"})
    ]
    assert found == [
        f"holds.json was changed: its SHA-256 is not the one that {FILES} names.",
        "holds.json is missing.",
        f"note.txt was put in: {FILES} does not name it.",
    ]


@given(st.sampled_from([EVENTS, FILES, SEAL, "package.json"]), st.floats(0, 1, exclude_max=True), st.integers(0, 7))
@settings(deadline=None, max_examples=100, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_no_byte_of_a_package_is_changed_unseen(tmp_path, files, key, path, where, bit):
    content = bytearray(files[path])
    content[int(where * len(content))] ^= 1 << bit
    try:
        assert misfit(tmp_path, {**files, path: bytes(content)}, key)
    except PROGRAM.Unusable:
        assert path == EVENTS  # its format is another: no verdict


def test_what_is_no_package_gets_no_verdict(tmp_path):
    with pytest.raises(PROGRAM.Unusable, match=r"it holds no MANIFEST\.sha256"):
        PROGRAM.verify(packed(tmp_path / "other.zip", {"a": b"1"}))
    with pytest.raises(PROGRAM.Unusable, match=r"holds no MANIFEST\.sha256"):
        PROGRAM.verify(str(tmp_path))


def test_the_events_stand_under_the_first_checkpoint_that_covers_them(churn, charlie):
    last = AuditEvent.objects.filter(model_id=churn.pk).latest("id").pk
    elsewhere()
    first = make_checkpoint()
    found = services.export_version("churn", 2, by=charlie)
    make_checkpoint()
    assert (Checkpoint.objects.count(), first.event_id >= last) == (2, True)
    assert services.export_version("churn", 2, by=charlie) == found
    with zipfile.ZipFile(io.BytesIO(found.content)) as archive:
        lines = archive.read(EVENTS).splitlines()
        about = json.loads(archive.read("package.json"))
    said = [json.loads(line)["checkpoint"]["event_id"] for line in lines if line.startswith(b'{"checkpoint"')]
    assert (said, about["checkpoint"]["event_id"], about["key_id"]) == (
        [first.event_id],
        first.event_id,
        keys.present_key_id(),
    )


def test_a_package_of_events_that_no_checkpoint_covers_makes_one(churn, charlie):
    services.export_version("churn", 2, by=charlie)
    made = Checkpoint.objects.get()
    assert made.event_id == AuditEvent.objects.exclude(action="evidence.exported").latest("id").pk


def test_another_key_signs_anew_what_was_built(churn, charlie, monkeypatch):
    monkeypatch.setattr(services, "MOST_EVENTS_AT_ONCE", 0)
    version = churn.versions.get(number=2)
    keys.signer()
    before = services.facts_of(version)
    keys.rotate(reason="yearly")
    assert services.facts_of(version) != before
