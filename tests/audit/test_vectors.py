"""The chain and the program that strangers verify with say the same, which tests/audit/vectors.json holds fixed.

A change of a vector is a change of the format: what was exported before would not verify any more.
"""

import json
from datetime import datetime
from pathlib import Path
from types import SimpleNamespace

import pytest

from apps.audit import chain, event_types
from apps.audit.actions import Action
from apps.audit.models import AuditEvent, Checkpoint
from apps.audit.proof import checkpoints, keys, verifying

VECTORS = json.loads((Path(__file__).parent / "vectors.json").read_text())
PROGRAM = verifying.program()
each_event = pytest.mark.parametrize("vector", VECTORS["events"], ids=[row["name"] for row in VECTORS["events"]])


@each_event
def test_the_chain_hashes_an_event_as_the_vectors_say(vector):
    content = dict(vector["content"])
    event = SimpleNamespace(**{**content, "at": datetime.fromisoformat(content["at"])})
    assert chain.canonical_json(chain.event_content(event)) == vector["canonical"]
    assert chain.event_hash(vector["previous_hash"], chain.event_content(event)) == vector["hash"]


@each_event
def test_the_program_hashes_an_event_as_the_vectors_say(vector):
    line = {**vector["content"], "previous_hash": vector["previous_hash"], "hash": vector["hash"]}
    assert PROGRAM.canonical(vector["content"]) == vector["canonical"]
    assert PROGRAM.event_hash({**line, "event_type": "anything"}) == vector["hash"]


@each_event
def test_both_give_an_event_the_same_type(vector):
    content = vector["content"]
    ours = event_types.event_type(content["action"], content["outcome"], content["data"])
    assert (ours, PROGRAM.event_type(content)) == (vector["event_type"], vector["event_type"])


def test_both_know_the_same_types():
    meanings = {str(action): str(meaning) for action, meaning in event_types.MEANINGS.items()}
    assert meanings == PROGRAM.MEANINGS


def test_both_know_the_same_fields():
    hashed = {"at", *chain.FIELDS, "previous_hash", "hash"}
    assert (hashed, set(chain.LATER_FIELDS)) == (PROGRAM.FIELDS, PROGRAM.LATER_FIELDS)
    columns = {field.column for field in AuditEvent._meta.concrete_fields}
    assert columns == hashed | set(chain.LATER_FIELDS)


def test_a_checkpoint_is_signed_as_the_vectors_say():
    said = VECTORS["checkpoint"]
    content = {name: value for name, value in said["content"].items() if name != "format"}
    row = Checkpoint(**{**content, "at": datetime.fromisoformat(content["at"])})
    assert checkpoints.signed_bytes(row).decode() == PROGRAM.canonical(said["content"]) == said["canonical"]
    assert keys.is_signed(said["canonical"].encode(), said["signature"], VECTORS["key"]["public_key"])


def test_a_key_is_called_as_the_vectors_say():
    public, name = VECTORS["key"]["public_key"], VECTORS["key"]["key_id"]
    assert keys.fingerprint(public) == PROGRAM.fingerprint(PROGRAM.raw_key(public)) == name


def test_the_program_accepts_the_vectors_as_a_file(tmp_path):
    lines = [
        {**row["content"], "previous_hash": row["previous_hash"], "hash": row["hash"]} for row in VECTORS["events"]
    ]
    signed = {**VECTORS["checkpoint"]["content"], "signature": VECTORS["checkpoint"]["signature"]}
    key = {name: VECTORS["key"][name] for name in ("key_id", "public_key")}
    path = tmp_path / "trail.jsonl"
    rows = [*lines, {"checkpoint": signed}, {"public_key": key}]
    path.write_text("".join(PROGRAM.canonical(row) + "\n" for row in rows))
    report = PROGRAM.verify(str(path), [VECTORS["key"]["public_key"]])
    assert (report.misfit, report.count) == (None, len(lines))


def test_every_action_with_a_type_is_an_action():
    assert set(event_types.MEANINGS) <= set(Action.values)
