#!/usr/bin/env python3
"""verify_audit: check an exported audit trail of Assent, without Assent. One file, Python 3.8 or newer.

    python3 verify_audit.py trail.jsonl
    python3 verify_audit.py trail.jsonl --public-key KEY

It reads the file twice, a line at a time, so that memory stays flat, and names the first event that does not fit.
Checkpoints are signatures (Ed25519) of the installation on where its trail stood; checking them needs the package
`cryptography`. KEY is a public key or its fingerprint, or a file that holds one, which you got by another way than the
export: from the page or the API of the installation, earlier, or from somebody you trust. Without it, a file that was
made up as a whole, keys and all, fits.

Exit codes:
    0  everything fits
    1  something does not fit; the first such thing is named
    2  the command was called wrongly, the file cannot be read, or a check that was asked for cannot be made
"""

import argparse
import base64
import binascii
import hashlib
import json
import os
import re
import sys

FITS, MISFIT, UNUSABLE = range(3)
FIRST_HASH = "0" * 64
FORMAT, CHECKPOINT_FORMAT = "assent-audit/1", "assent-checkpoint/1"
MAX_LINE = 64 * 1024 * 1024  # bytes
FIELDS = {
    "id", "at", "action", "outcome", "source", "actor", "actor_role", "model_id", "target_type", "target", "reason",
    "data", "request_id", "address", "previous_hash", "hash",
}  # fmt: skip
LATER_FIELDS = {"on_behalf_of", "token_prefix", "token_name", "evidence_digest"}  # only where they are not empty
EVENT_TYPE = "event_type"  # follows from the other fields and is not hashed
CHECKPOINT_FIELDS = ("at", "count", "event_id", "format", "hash", "key_id")  # what is signed
NOTES = (b'{"checkpoint":', b'{"public_key":', b'{"manifest":')
MEANINGS = {
    "model.mirrored": "model_registered",
    "version.mirrored": "model_registered",
    "model.changed": "model_updated",
    "version.changed": "model_updated",
    "version.artifacts_changed": "model_updated",
    "model.deleted": "model_deleted",
    "version.deleted": "model_deleted",
    "request.applied": "model_deployed",
    "version.stage_changed": "stage_transition",
    "delegation.given": "permission_changed",
    "delegation.revoked": "permission_changed",
    "grant.changed": "permission_changed",
    "membership.changed": "permission_changed",
    "token.created": "permission_changed",
    "token.renewed": "permission_changed",
    "token.revoked": "permission_changed",
    "user.created": "permission_changed",
    "user.deactivated": "permission_changed",
    "user.invited": "permission_changed",
    "user.reactivated": "permission_changed",
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
    """What stands in the file besides events: its manifest (None: it has none), its checkpoints, its keys."""

    def __init__(self, path):
        self.manifest, self.manifest_line = None, 0
        self.checkpoints, self.keys = {}, {}
        with open(path, "rb") as file:
            for number, line in read_lines(file):
                if self.manifest_line:
                    raise Misfit(f"Line {number} stands after the manifest, which is the last line of an export.")
                if line.startswith(NOTES):
                    self._note(number, parse(number, line))

    def _note(self, number, line):
        try:
            ((name, value),) = line.items()
            if name == "manifest":
                self.manifest, self.manifest_line = value, number
                if value["format"] != FORMAT:
                    raise Unusable(f"The file's format is {value['format']}; this program reads {FORMAT}.")
                known = (value["filtered"], value["sha256"], value["count"], value["last"])
                if (
                    not isinstance(value["head"]["hash"], str)
                    or type(value["head"]["id"]) is not int
                    or None in known[:3]
                ):
                    raise ValueError
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
    """Check what signs the checkpoints. Raises Misfit, and Unusable when it was asked for and cannot be."""
    keys, names = pinned(public_keys)
    if not notes.checkpoints:
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
    known, last = dict(notes.keys, **keys), 0
    for event_id in sorted(notes.checkpoints):
        for content, signature in notes.checkpoints[event_id]:
            where = f"The checkpoint at event {event_id}"
            if content["key_id"] not in known:
                raise Misfit(f"{where} is signed with a key that is not in the file: {content['key_id']}.")
            try:
                key = Ed25519PublicKey.from_public_bytes(known[content["key_id"]])
                key.verify(base64.b64decode(signature, validate=True), canonical(content).encode())
            except (InvalidSignature, ValueError, TypeError) as error:
                raise Misfit(f"{where} has a bad signature.") from error
            last = event_id if not names or content["key_id"] in names else last
    if names and not last:
        raise Misfit("No checkpoint in the file is signed with the key that you gave.")
    rest = max(report.last - last, 0)
    said = "with the key that you gave" if names else "with keys that stand in the file itself; compare them"
    report.remarks.append(f"Signed up to event {last}, {said}. {rest} events after it rest on the chain alone.")
    if not names:
        report.remarks += [f"  key {name}" for name in sorted(notes.keys)]


def follow(path, notes, report):
    """Follow the chain through the file. Raises Misfit at the first event that does not fit."""
    filtered = bool(notes.manifest and notes.manifest["filtered"])
    digest = hashlib.sha256()
    with open(path, "rb") as file:
        for number, line in read_lines(file):
            if number == notes.manifest_line:
                break
            digest.update(line)
            if not line.startswith(NOTES):
                event = parse(number, line)
                check_fields(number, event)
                _next(path, number, event, filtered, report)
                _meets(notes, report.last, report.last_hash)
    if filtered:
        return digest.hexdigest()
    beyond = [event_id for event_id in notes.checkpoints if event_id > report.last]
    if beyond:
        last = max(beyond)
        raise Misfit(f"Event {report.last + 1} is missing: the file ends before it, and event {last} has a checkpoint.")
    return digest.hexdigest()


def _next(path, number, event, filtered, report):
    """Check one event against those before it."""
    expected, found = report.last + 1, event["id"]
    if found < expected:
        raise Misfit(f"Event {found} on line {number} was inserted or moved: event {report.last} stands before it.")
    if found > expected and not filtered:
        raise Misfit(_why_absent(path, number, expected, found))
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


def _why_absent(path, number, expected, found):
    """Say whether the expected event is missing, or stands further down."""
    wanted = b'"id":%d,' % expected
    with open(path, "rb") as file:
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


def verify(path, public_keys=()):
    """Return a Report on a file. Raises Unusable."""
    report = Report()
    try:
        notes = Notes(path)
        digest = follow(path, notes, report)
        check_manifest(notes, digest, report)
        check_signatures(notes, public_keys, report)
    except Misfit as misfit:
        report.misfit = str(misfit)
    except OSError as error:
        raise Unusable(str(error)) from error
    return report


def plain(text):
    """Return text without what could steer a terminal: parts of it stand in the file, and whoever wrote that chose."""
    return "".join(sign if sign.isprintable() else " " for sign in text)


def parser():
    """Return the parser of the command line."""
    made = argparse.ArgumentParser(prog="verify_audit", description="Verify an exported audit trail of Assent.")
    made.add_argument("file", help="the export: JSON lines")
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
