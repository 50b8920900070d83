#!/usr/bin/env python3
"""verify_audit: check an exported audit trail of Assent, or an evidence package, without Assent. Python 3.8 or newer.

    python3 verify_audit.py trail.jsonl --public-key KEY
    python3 verify_audit.py evidence.zip --public-key KEY      # or the folder that it was unpacked to

It reads an export twice, a line at a time, so that memory stays flat, and names the first event that does not fit.
Checkpoints are signatures (Ed25519) of the installation on where its trail stood, and what it hands out is signed with
the same key; checking that needs the package `cryptography`. KEY is a public key or its fingerprint, or a file that
holds one, which you got by another way than the file: from the page or the API of the installation, earlier, or from
somebody you trust. Without it, a file that was made up as a whole, keys and all, fits. Take this program, too, from
somewhere else than the package that you check.

Exit codes:
    0  everything fits
    1  something does not fit; the first such thing is named
    2  the command was called wrongly, the file cannot be read, or a check that was asked for cannot be made
"""

import argparse
import base64
import binascii
import functools
import hashlib
import io
import json
import os
import re
import sys
import zipfile
import zlib

FITS, MISFIT, UNUSABLE = range(3)
FIRST_HASH = "0" * 64
FORMATS = ("assent-audit/1", "assent-audit/2")  # the second: each event stands in a list before it
PACKAGE_FORMAT = "assent-package/1"
MAX_LINE, MAX_PACKAGE = 64 * 1024 * 1024, 1024 * 1024 * 1024  # bytes
FILES, SEAL, EVENTS = "MANIFEST.sha256", "MANIFEST.signature.json", "events/events.jsonl"  # of a package
FIELDS = {
    "id", "at", "action", "outcome", "source", "actor", "actor_role", "model_id", "target_type", "target", "reason",
    "data", "request_id", "address", "previous_hash", "hash",
}  # fmt: skip
LATER_FIELDS = {"on_behalf_of", "token_prefix", "token_name", "evidence_digest"}  # only where they are not empty
EVENT_TYPE = "event_type"  # follows from the other fields and is not hashed
CHECKPOINT_FIELDS = ("at", "count", "event_id", "format", "hash", "key_id")  # what is signed
NOTES, LISTED = (b'{"checkpoint":', b'{"public_key":', b'{"manifest":'), b'{"listed":'
MEANINGS = {
    action: meaning
    for meaning, actions in {
        "model_registered": "model.mirrored version.mirrored",
        "model_updated": "model.changed version.changed version.artifacts_changed card.summary_written",
        "model_deleted": "model.deleted version.deleted",
        "model_deployed": "request.applied",
        "stage_transition": "version.stage_changed",
        "permission_changed": "delegation.given delegation.revoked grant.changed membership.changed token.created "
        "token.renewed token.revoked user.created user.deactivated user.invited user.reactivated",
    }.items()
    for action in actions.split()
}
_encode = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False).encode


class Misfit(Exception):
    """What does not fit, in a sentence."""


class Unusable(Exception):
    """Why there is no verdict."""


class Report:
    """How far the file fits: the count of its events, the last hash, what is wrong (None: nothing), what to know."""

    def __init__(self):
        self.count, self.gaps, self.last, self.last_hash = 0, 0, 0, FIRST_HASH
        self.misfit, self.remarks = None, []


def canonical(value):
    """Return JSON with sorted keys and no spaces, so that equal content has equal bytes."""
    return _encode(value)


def event_type(event):
    """Return what an event is in the vocabulary of audit logs, "" for what it has no word for."""
    meaning = MEANINGS.get(event["action"], "") if event["outcome"] == "done" else ""
    data = event["data"] if isinstance(event["data"], dict) else {}
    after = data.get("after")
    if meaning == "stage_transition" and isinstance(after, dict) and after.get("stage") == "Archived":
        return "model_archived"
    if meaning == "model_deployed" and data.get("to_stage") in ("Archived", "None"):
        return ""
    return meaning


def event_hash(event):
    """Return the SHA-256 that seals an event behind the one before. Takes both hashes and the type out of it."""
    previous = event["previous_hash"]
    content = {name: value for name, value in event.items() if name not in ("previous_hash", "hash", EVENT_TYPE)}
    return hashlib.sha256((previous + "\n" + canonical(content)).encode()).hexdigest()


def read_lines(file):
    """Yield (number, bytes) of each line. Raises Unusable for a line beyond every event."""
    number = 0
    while True:
        line = file.readline(MAX_LINE)
        if not line:
            return
        number += 1
        if len(line) == MAX_LINE:
            raise Unusable(f"Line {number} is longer than any event.")
        yield number, line


def parse(number, line):
    """Return the object of a line. Raises Misfit for what no export writes, such as a name that occurs twice."""
    try:
        text = line.decode()
        value = json.loads(text)
        exact = isinstance(value, dict) and canonical(value) == text.rstrip("\n")
    except (ValueError, TypeError, RecursionError) as error:
        raise Misfit(f"Line {number} is not an exported event: {error}.") from error
    if not exact:
        raise Misfit(f"Line {number} is not an exported event: it is not written as an export writes it.")
    return value


def check_fields(number, event):
    """Refuse what is not exactly an event. Raises Misfit."""
    names = event.keys()
    wrong = (names ^ FIELDS) - LATER_FIELDS - {EVENT_TYPE}
    if wrong:
        raise Misfit(f"Line {number} is not an exported event: see {', '.join(sorted(wrong))}.")
    texts = names - {"id", "model_id", "data"}
    if type(event["id"]) is not int or not all(type(event[name]) is str for name in texts):
        raise Misfit(f"Line {number} is not an exported event: a field has another kind of value.")
    if any(event[name] == "" for name in names & LATER_FIELDS):
        raise Misfit(f"Line {number} is not an exported event: a field that should be left out is empty.")


class Notes:
    """What stands in the file besides events: its manifest (None: it has none), its checkpoints, its keys.

    `statements` are (who says it, what is said, its signature) about the whole, `needed` those of them that a key which
    is kept elsewhere must have signed: nothing else vouches for events between which others were left out.
    """

    def __init__(self, opened):
        self.manifest, self.manifest_line = None, 0
        self.checkpoints, self.keys, self.statements = {}, {}, []
        with opened() as file:
            for number, line in read_lines(file):
                if self.manifest_line:
                    raise Misfit(f"Line {number} stands after the manifest, which is the last line of an export.")
                if line.startswith(NOTES):
                    self._note(number, parse(number, line))
        self.listed = bool(self.manifest and self.manifest["format"] == FORMATS[1])
        self.needed = ["The manifest"] if self.manifest and self.manifest["filtered"] else []

    def _note(self, number, line):
        try:
            ((name, value),) = line.items()
            if name == "manifest":
                self.manifest, self.manifest_line = value, number
                self._check_manifest(value)
            elif name == "checkpoint":
                content = {field: value[field] for field in CHECKPOINT_FIELDS}
                if type(value["event_id"]) is not int or value["count"] != value["event_id"]:
                    raise ValueError
                self.checkpoints.setdefault(value["event_id"], []).append((content, value["signature"]))
            else:
                key = raw_key(value["public_key"])
                if fingerprint(key) != value["key_id"]:
                    raise Misfit(f"Line {number} holds a public key that is not the one that it names.")
                self.keys[value["key_id"]] = key
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            raise Misfit(f"Line {number} is not a line of an export.") from error

    def _check_manifest(self, value):
        if value["format"] not in FORMATS:
            raise Unusable(f"The file's format is {value['format']}; this program reads {' and '.join(FORMATS)}.")
        known, head = (value["filtered"], value["sha256"], value["count"], value["last"]), value["head"]
        if not isinstance(head["hash"], str) or type(head["id"]) is not int or None in known[:3]:
            raise ValueError
        if "signature" in value:
            self.statements.append(("The manifest", *unsigned(value)))


def unsigned(value):
    """Return (what is said, its signature) of a signed object. Raises ValueError."""
    if not isinstance(value.get("key_id"), str):
        raise ValueError
    return {name: said for name, said in value.items() if name != "signature"}, value["signature"]


def fingerprint(key):
    """Return what a public key (32 bytes) is called: its SHA-256."""
    return hashlib.sha256(key).hexdigest()


def raw_key(text):
    """Return the 32 bytes of a public key. Raises ValueError."""
    try:
        key = base64.b64decode(text, validate=True)
    except binascii.Error as error:
        raise ValueError("not base64") from error
    if len(key) != 32:
        raise ValueError("an Ed25519 key has 32 bytes")
    return key


def pinned(texts):
    """Return (keys by fingerprint, fingerprints) of what --public-key names. Raises Unusable."""
    keys, names = {}, set()
    for text in texts:
        given = text
        if os.path.isfile(text):
            with open(text, encoding="utf-8", errors="replace") as file:
                given = file.read(1024 * 1024)
        found = [raw_key(key) for key in re.findall(r"(?<![A-Za-z0-9+/])[A-Za-z0-9+/]{43}=", given)]
        prints = set(re.findall(r"\b[0-9a-f]{64}\b", given))
        if not found and not prints:
            raise Unusable("--public-key takes a key in base64, its fingerprint, or a file that holds one.")
        keys.update({fingerprint(key): key for key in found})
        names |= prints | {fingerprint(key) for key in found}
    return keys, names


def check_signatures(notes, public_keys, report):
    """Check what is signed. Raises Misfit, and Unusable when it was asked for and cannot be."""
    keys, names = pinned(public_keys)
    made = ((at, row) for at in sorted(notes.checkpoints) for row in notes.checkpoints[at])
    signed = [(f"The checkpoint at event {at}", *row) for at, row in made] + notes.statements
    if not signed:
        if names:
            raise Misfit("The file holds no checkpoint, so nothing in it is signed with the key that you gave.")
        report.remarks.append("No checkpoint: nothing is signed, and a chain written anew as a whole would fit.")
        return
    try:
        from cryptography.exceptions import InvalidSignature
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
    except ImportError as error:
        if names:
            raise Unusable("Checking signatures needs the package cryptography: pip install cryptography.") from error
        report.remarks.append("The signatures were NOT checked: that needs the package cryptography.")
        return
    known, trusted, last = dict(notes.keys, **keys), set(), 0
    for where, content, signature in signed:
        if content["key_id"] not in known:
            raise Misfit(f"{where} is signed with a key that is not in the file: {content['key_id']}.")
        try:
            key = Ed25519PublicKey.from_public_bytes(known[content["key_id"]])
            key.verify(base64.b64decode(signature, validate=True), canonical(content).encode())
        except (InvalidSignature, ValueError, TypeError) as error:
            raise Misfit(f"{where} has a bad signature.") from error
        if not names or content["key_id"] in names:
            trusted.add(where)
            last = content.get("event_id", report.last if where == "The manifest" else last)
    if names and not trusted:
        raise Misfit("No checkpoint in the file is signed with the key that you gave.")
    if lacking := [where for where in notes.needed if names and where not in trusted]:
        by = ", ".join(content["key_id"] for where, content, _ in signed if where == lacking[0]) or "no key"
        raise Misfit(f"{lacking[0]} is not signed with the key that you gave, but with {by}.")
    said = "with the key that you gave" if names else "with keys that stand in the file itself; compare them"
    rest = max(report.last - last, 0)
    report.remarks.append(f"Signed up to event {last}, {said}. {rest} events after it rest on the chain alone.")
    if not names:
        report.remarks += [f"  key {name}" for name in sorted(notes.keys)]


def follow(opened, notes, report):
    """Follow the chain through the file. Raises Misfit at the first event that does not fit."""
    filtered = bool(notes.manifest and notes.manifest["filtered"])
    digest, due = hashlib.sha256(), [] if notes.listed else None
    with opened() as file:
        for number, line in read_lines(file):
            if number == notes.manifest_line:
                break
            digest.update(line)
            if line.startswith(LISTED):
                _check_end(due)
                due = _list(number, parse(number, line))
            elif not line.startswith(NOTES):
                event = parse(number, line)
                check_fields(number, event)
                if due is not None:
                    _is_due(opened, number, event, due)
                _next(opened, number, event, filtered, report)
                _meets(notes, report.last, report.last_hash)
    _check_end(due)
    beyond = [] if filtered else [event_id for event_id in notes.checkpoints if event_id > report.last]
    if beyond:
        last = max(beyond)
        raise Misfit(f"Event {report.last + 1} is missing: the file ends before it, and event {last} has a checkpoint.")
    return digest.hexdigest()


def _list(number, line):
    """Return the (number, hash) of the events that a list says follow it, the last one first."""
    if not all(isinstance(row, list) and [type(part) for part in row] == [int, str] for row in line["listed"]):
        raise Misfit(f"Line {number} is not a line of an export.")
    return line["listed"][::-1]


def _is_due(opened, number, event, due):
    """Check that an event is the next one of the list before it; the list is signed with the manifest."""
    found = event["id"]
    if not due or found < due[-1][0]:
        raise Misfit(f"Event {found} on line {number} was put in: the list before it does not name it there.")
    expected, sealed = due.pop()
    if found > expected:
        raise Misfit(_why_absent(opened, number, expected, found))
    if event["hash"] != sealed:
        raise Misfit(f"Event {found} was changed: the list before it names another hash.")


def _check_end(due):
    if due:
        raise Misfit(f"Event {due[-1][0]} is missing: it was left out of the events that the list before it names.")


def _next(opened, number, event, filtered, report):
    """Check one event against those before it."""
    expected, found = report.last + 1, event["id"]
    if found < expected:
        raise Misfit(f"Event {found} on line {number} was inserted or moved: event {report.last} stands before it.")
    if found > expected and not filtered:
        raise Misfit(_why_absent(opened, number, expected, found))
    if found == expected and event["previous_hash"] != report.last_hash:
        why = "its previous hash differs, so one of the two was exchanged or inserted"
        raise Misfit(f"Event {found} does not follow event {found - 1}: {why}.")
    try:
        fits = event["hash"] == event_hash(event)
    except (ValueError, TypeError):
        fits = False
    if not fits:
        raise Misfit(f"Event {found} was changed after it was written: its content does not match its hash.")
    if event.get(EVENT_TYPE, event_type(event)) != event_type(event):  # older exports have none
        raise Misfit(f"Event {found} was changed: its event_type does not follow from its action.")
    report.gaps += found - expected
    report.count, report.last, report.last_hash = report.count + 1, found, event["hash"]


def _meets(notes, event_id, found):
    for content, _ in notes.checkpoints.get(event_id, ()):
        if content["hash"] != found:
            why = f"its checkpoint of {content['at']} names another hash, so the chain was written anew"
            raise Misfit(f"Event {event_id} is not the one that was signed: {why}.")


def _why_absent(opened, number, expected, found):
    """Say whether the expected event is missing, or stands further down."""
    wanted = b'"id":%d,' % expected
    with opened() as file:
        for place, line in read_lines(file):
            if place > number and wanted in line:
                try:
                    if parse(place, line).get("id") == expected:
                        return (
                            f"The events were reordered: event {expected} stands on line {place}, after event {found}."
                        )
                except Misfit:
                    continue
    return f"Event {expected} is missing: event {found} stands in its place."


def check_manifest(notes, digest, report):
    """Compare the file with what its last line says of it. Raises Misfit."""
    said = notes.manifest
    if said is None:
        report.remarks.append("No manifest, as in older exports: whether the end is missing cannot be told.")
        return
    if said["count"] != report.count or said["last"] != (report.last or None):
        held = f"The file holds {report.count} events up to event {report.last}"
        raise Misfit(f"{held}; its manifest says {said['count']} up to {said['last']}: some are missing or inserted.")
    if said["sha256"] != digest:
        raise Misfit("The file was changed after it was exported: its bytes do not match its manifest.")
    head = said["head"]
    if said["filtered"]:
        chosen = canonical(said.get("filters", {}))
        left = head["id"] - report.count
        report.remarks.append(f"Filtered ({chosen}): {left} events of the trail are not in the file.")
        if "signature" in said:
            report.remarks.append("That these are all that were asked for is the word of whoever signed the manifest.")
            return
        report.remarks.append("That none is missing among those that were asked for cannot be told.")
        if report.gaps:
            report.remarks.append(
                "What stands beside a gap is held by its own hash alone, which anybody can make anew."
            )
    elif (head["id"], head["hash"]) != (report.last, report.last_hash):
        why = f"the chain had reached event {head['id']} when the file was exported"
        raise Misfit(f"Event {report.last + 1} is missing: {why}.")
    else:
        report.remarks.append(f"Complete up to the end of the chain at {said.get('exported_at')}, says the manifest.")


class Package:
    """An evidence package, as the ZIP that it came as or as the folder that it was unpacked to: paths and contents."""

    def __init__(self, path):
        self.folder, self.archive = path, None if os.path.isdir(path) else zipfile.ZipFile(path)
        if self.archive:
            self.paths = self.archive.namelist()
            if sum(entry.file_size for entry in self.archive.infolist()) > MAX_PACKAGE:
                raise Unusable("The package is larger than any that Assent hands out.")
        else:
            found = (os.path.join(top, name) for top, _, names in os.walk(path) for name in names)
            self.paths = [os.path.relpath(name, path).replace(os.sep, "/") for name in found]
        if FILES not in self.paths:
            raise Unusable(f"This is no evidence package: it holds no {FILES}.")

    def read(self, path):
        """Return the content of a file. Raises Misfit."""
        if path not in self.paths:
            raise Misfit(f"{path} is missing.")
        if self.archive:
            try:
                return self.archive.read(path)
            except (zipfile.BadZipFile, zlib.error, EOFError) as error:
                raise Misfit(f"{path} was changed: the ZIP does not hold it as it was packed.") from error
        with open(os.path.join(self.folder, path), "rb") as file:
            return file.read(MAX_PACKAGE)


def check_files(package, notes, report):
    """Compare every file with the list of digests, and note who signed the list. Raises Misfit."""
    lines = package.read(FILES).decode(errors="replace").splitlines()
    said = {path: digest for digest, _, path in (line.partition("  ") for line in lines)}
    for path in sorted(said):
        if hashlib.sha256(package.read(path)).hexdigest() != said[path]:
            raise Misfit(f"{path} was changed: its SHA-256 is not the one that {FILES} names.")
    beside = sorted(package.paths)
    if extra := [path for path in beside if path not in (*said, FILES, SEAL) or beside.count(path) > 1]:
        raise Misfit(f"{extra[0]} was put in: {FILES} does not name it.")
    report.remarks.append(f"Each of the {len(said)} files in the package is the one that {FILES} names.")
    notes.needed.append(FILES)
    if SEAL in package.paths:
        try:
            content, signature = unsigned(json.loads(package.read(SEAL)))
            said = content["format"], content["sha256"]
        except (ValueError, AttributeError, KeyError, TypeError) as error:
            raise Misfit(f"{SEAL} is not what a package holds.") from error
        if said != (PACKAGE_FORMAT, hashlib.sha256(package.read(FILES)).hexdigest()):
            raise Misfit(f"{FILES} was changed: its SHA-256 is not the one that was signed.")
        notes.statements.append((FILES, content, signature))


def verify(path, public_keys=()):
    """Return a Report on an export, or on a package with the events in it. Raises Unusable."""
    report = Report()
    try:
        package = Package(path) if os.path.isdir(path) or zipfile.is_zipfile(path) else None
        opened = functools.partial(io.BytesIO, package.read(EVENTS)) if package else functools.partial(open, path, "rb")
        notes = Notes(opened)
        check_manifest(notes, follow(opened, notes, report), report)
        if package:
            check_files(package, notes, report)
        check_signatures(notes, public_keys, report)
    except Misfit as misfit:
        report.misfit = str(misfit)
    except (OSError, RuntimeError, NotImplementedError, zipfile.BadZipFile) as error:
        raise Unusable(str(error)) from error
    return report


def plain(text):
    """Return text without what could steer a terminal: parts of it stand in the file, and whoever wrote that chose."""
    return "".join(sign if sign.isprintable() else " " for sign in text)


def parser():
    """Return the parser of the command line."""
    made = argparse.ArgumentParser(prog="verify_audit", description="Verify an exported trail or an evidence package.")
    made.add_argument("file", help="the export (JSON lines), or an evidence package: its ZIP or the unpacked folder")
    made.add_argument("--public-key", action="append", default=[], help="a key, its fingerprint, or a file with one")
    return made


def main(arguments):
    """Verify and print. Returns the exit code."""
    said = parser().parse_args(arguments)
    try:
        report = verify(said.file, said.public_key)
    except Unusable as error:
        sys.stderr.write(f"{plain(str(error))}\n")
        return UNUSABLE
    if report.misfit:
        sys.stderr.write(f"DOES NOT FIT: {plain(report.misfit)}\n")
        return MISFIT
    sys.stdout.write(f"{report.count} events fit the chain. Last hash: {plain(report.last_hash)}\n")
    sys.stdout.write("".join(f"{plain(remark)}\n" for remark in report.remarks))
    return FITS


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
