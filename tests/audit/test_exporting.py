"""The trail as a file: whole or filtered, in constant memory, itself recorded, and verifiable."""

import csv
import hashlib
import io
import json
import tracemalloc
from datetime import timedelta
from itertools import islice
from pathlib import Path

import pytest
from cryptography.fernet import Fernet
from django.core.management import call_command
from django.db import transaction
from django.test import Client
from django.utils import timezone

from apps.accounts.models import User
from apps.audit import exporting
from apps.audit.actions import Action, Outcome, Source
from apps.audit.chain import canonical_json
from apps.audit.export import to_line
from apps.audit.models import AuditEvent, SigningKey
from apps.audit.proof import keys, verifying
from apps.audit.services import Actor, Target, record
from apps.errors import NotAllowed, WrongState
from tests import trail
from tests.builders import make_model

PAGE, API = "/audit/export", "/api/v1/audit/export"


def browser(user: User) -> Client:
    client = Client()
    client.force_login(user, backend="apps.accounts.backends.PersonBackend")
    return client


def write(action=Action.REQUEST_OPENED, *, by="alice", target="request 1", model_id=None, **fields) -> AuditEvent:
    with transaction.atomic():
        return record(action, by=Actor(by), target=Target("request", target, model_id), **fields)


def lines(user: User, address: str = f"{PAGE}.jsonl", **query) -> list[str]:
    answer = browser(user).get(address, query)
    assert answer.status_code == 200
    return b"".join(answer.streaming_content).decode().splitlines(keepends=True)


def manifest(found: list[str]) -> dict:
    return json.loads(found[-1])["manifest"]


def numbers(found: list[str]) -> list[int]:
    return [row["id"] for row in map(json.loads, found) if "id" in row]


def events(found: list[str]) -> list[str]:
    return [text for text in found if "id" in json.loads(text)]


@pytest.mark.parametrize("address", [PAGE, API])
def test_an_export_holds_every_event_up_to_its_own_start_as_it_is_sealed(admin, address):
    write(reason="zażółć")
    write(by="bob")
    found = lines(admin, f"{address}.jsonl")
    assert events(found) == [to_line(event) + "\n" for event in AuditEvent.objects.order_by("id")[:3]]
    assert AuditEvent.objects.get(pk=3).action == Action.AUDIT_EXPORT_STARTED


def test_the_manifest_says_what_the_file_holds(admin):
    write()
    wanted = write(by="bob")
    found = lines(admin, actor="bob", action=["request.opened", "view.saved"], since="2020-01-01")
    head = AuditEvent.objects.get(action=Action.AUDIT_EXPORT_STARTED)
    said = manifest(found)
    said.pop("exported_at"), said.pop("signature")
    assert said == {
        "format": "assent-audit/2",
        "first": wanted.pk,
        "last": wanted.pk,
        "count": 1,
        "filtered": True,
        "filters": {"actor": "bob", "action": ["request.opened", "view.saved"], "since": "2020-01-01"},
        "head": {"id": head.pk, "hash": head.hash},
        "sha256": hashlib.sha256("".join(found[:-1]).encode()).hexdigest(),
        "exported_by": "admin",
        "key_id": keys.present_key_id(),
    }


def test_an_export_is_recorded_at_its_start_and_at_its_end(admin):
    write()
    sent = "".join(lines(admin, actor="alice")).encode()
    start, end = AuditEvent.objects.filter(target_type="trail").order_by("id")
    assert (start.action, start.actor, start.source) == (Action.AUDIT_EXPORT_STARTED, "admin", Source.PAGE)
    assert start.data == {"filters": {"actor": "alice"}, "format": "jsonl"}
    assert (end.action, end.outcome, end.source) == (Action.AUDIT_EXPORTED, Outcome.DONE, Source.PAGE)
    assert end.request_id == start.request_id
    assert end.data == {"export": start.pk, "lines": 4, "sha256": hashlib.sha256(sent).hexdigest()}


def test_an_export_that_was_broken_off_is_recorded_as_failed(admin):
    for _ in range(5):
        write()
    found = exporting.export({}, {}, by=admin, form="jsonl")
    assert len(list(islice(found, 2))) == 2
    found.close()
    end = AuditEvent.objects.get(action=Action.AUDIT_EXPORTED)
    assert (end.outcome, end.data["lines"]) == (Outcome.FAILED, 1)


def test_an_export_that_nobody_reads_leaves_its_start_alone(admin):
    exporting.export({}, {}, by=admin, form="jsonl").close()
    assert [event.action for event in AuditEvent.objects.all()] == [Action.AUDIT_EXPORT_STARTED]


def test_a_stranger_exports_what_they_did_and_a_viewer_what_concerns_visible_models(mallory, charlie):
    about = write(model_id=make_model().pk)
    write()
    own = write(by="mallory")
    write(by="mallory", outcome=Outcome.REFUSED, code="not_found")
    stranger, viewer = lines(mallory), lines(charlie)
    start = AuditEvent.objects.get(action=Action.AUDIT_EXPORT_STARTED, actor="mallory")
    assert numbers(stranger) == [own.pk, start.pk]
    assert numbers(viewer)[:-1] == [about.pk]
    assert (manifest(stranger)["filtered"], manifest(viewer)["filtered"]) == (True, True)


def test_who_loses_the_right_in_the_middle_gets_no_more(admin, monkeypatch):
    monkeypatch.setattr(exporting, "BATCH", 2)
    for _ in range(5):
        write()
    found = exporting.export({}, {}, by=admin, form="jsonl")
    next(found)
    admin.groups.clear()
    with pytest.raises(NotAllowed):
        list(found)
    assert AuditEvent.objects.get(action=Action.AUDIT_EXPORTED).outcome == Outcome.FAILED


def test_events_that_are_written_meanwhile_are_not_in_it(admin, monkeypatch):
    monkeypatch.setattr(exporting, "BATCH", 1)
    first = write()
    found = exporting.export({}, {}, by=admin, form="jsonl")
    begun = [next(found)]
    write()
    assert numbers(begun + list(found)) == [first.pk, first.pk + 1]


def test_an_export_verifies(admin, tmp_path: Path, capsys):
    for number in range(5):
        write(before={"x": number}, reason="é")
    (tmp_path / "trail.jsonl").write_text("".join(lines(admin)[:-1]))
    call_command("verify_audit", str(tmp_path / "trail.jsonl"))
    assert "6 events fit the chain" in capsys.readouterr().out


@pytest.mark.parametrize("address", [PAGE, API])
def test_a_table_holds_no_formula_and_ends_with_its_manifest(admin, address):
    event = write(by='=HYPERLINK("https://evil")', target="@SUM(1)", reason='+1,"x"\n-2', after={"a": 1})
    found = lines(admin, f"{address}.csv", action="request.opened")
    head, row, last = csv.reader(io.StringIO("".join(found)))
    cells = dict(zip(head, row, strict=True))
    assert (cells["actor"], cells["target"]) == ('\'=HYPERLINK("https://evil")', "'@SUM(1)")
    assert (cells["id"], cells["hash"], cells["data"]) == (str(event.pk), event.hash, '{"after": {"a": 1}}')
    said = json.loads(last[1])
    above = "".join(found).encode()[: -len(found[-1].encode())]
    assert (last[0], said["count"], said["sha256"]) == ("manifest", 1, hashlib.sha256(above).hexdigest())


@pytest.mark.parametrize("form", ["jsonl", "csv"])
@pytest.mark.parametrize(("query", "field"), [("since=x", "since"), ("model=nowhere", "model"), ("action=x", "action")])
def test_a_malformed_filter_is_refused_before_anything_is_recorded(admin, form, query, field):
    page, api = browser(admin).get(f"{PAGE}.{form}?{query}"), browser(admin).get(f"{API}.{form}?{query}")
    assert (page.status_code, list(page.context["form"].errors)) == (400, [field])
    assert (api.status_code, [row["field"] for row in api.json()["errors"]]) == (400, [field])
    assert not AuditEvent.objects.exists()


def test_a_filtered_export_is_signed_event_by_event(admin, tmp_path: Path):
    for number in range(4):
        write(by="bob" if number % 2 else "alice")
    path = tmp_path / "trail.jsonl"
    path.write_text("".join(lines(admin, actor="bob")))
    found = verifying.verify_file(str(path), [keys.present_key_id()])
    assert (found.misfit, found.count) == (None, 2)
    assert found.remarks[-1].startswith("Signed up to event 4, with the key that you gave. 0 events after it")


@pytest.mark.parametrize("form", ["jsonl", "csv"])
def test_the_manifest_of_each_form_is_signed(admin, form):
    write()
    found = lines(admin, f"{PAGE}.{form}", actor="alice")
    said = manifest(found) if form == "jsonl" else json.loads(list(csv.reader(found))[-1][1])
    signature, key = said.pop("signature"), keys.published()[0]
    assert said["key_id"] == key["key_id"]
    assert keys.is_signed(canonical_json(said).encode(), signature, key["public_key"])


def test_an_export_whose_key_cannot_be_opened_says_so_and_leaves_no_trace(admin):
    keys.signer()
    SigningKey.objects.update(sealed=Fernet(Fernet.generate_key()).encrypt(b"x").decode())
    with pytest.raises(WrongState, match="rotate_audit_key"):
        exporting.export({}, {}, by=admin, form="jsonl")
    assert not AuditEvent.objects.exists()


def test_an_export_cannot_be_asked_for_by_head(admin):
    assert browser(admin).head(f"{PAGE}.jsonl").status_code == 405


def _peak(admin: User, **values) -> tuple[int, int]:
    """How many lines an export has, and the most memory that it holds at a time, in bytes."""
    tracemalloc.start()
    try:
        count = sum(1 for _line in exporting.export(values, {}, by=admin, form="jsonl"))
        return count, tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def test_an_export_takes_the_same_memory_for_a_thousand_events_and_for_twenty_thousand(admin):
    trail.fill(20_000)
    recent = timezone.now() - timedelta(hours=1, seconds=1000 * trail.SECONDS)
    _peak(admin, since=recent)  # what is kept from the first time on
    few, small = _peak(admin, since=recent)
    many, large = _peak(admin)
    assert (900 < few < 1100, many > 20_000, large < 1.5 * small) == (True, True, True)
