"""The evidence package: what is in it, that it is the same for the same facts, and who gets it."""

import hashlib
import io
import json
import re
import zipfile
from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from reportlab.platypus import Paragraph

from apps.approvals import services as approvals
from apps.approvals.models import ApprovalRequest
from apps.audit.models import AuditEvent
from apps.audit.proof import verifying
from apps.compliance.models import BuiltPackage
from apps.compliance.packages import contents, pdf, services
from apps.compliance.packages.zipping import package
from apps.errors import NotVisible, TooLarge, WrongState
from apps.jobs.models import Job
from apps.jobs.tasks import run_job
from apps.modelcards.models import Card
from apps.pdf_fonts import marked_up
from apps.registry.models import ModelVersion, RegisteredModel
from tests.builders import make_policy


def unpacked(found) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(found.content)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


@pytest.fixture
def files(churn, charlie) -> dict[str, bytes]:
    return unpacked(services.export_version("churn", 2, by=charlie))


def test_the_card_lies_in_the_package_under_the_digest_that_was_kept(churn, charlie):
    found = unpacked(services.export_version("churn", 2, by=charlie))
    card = json.loads(found["card/card.json"])
    kept = found[f"card/{card['digest']}.json"]
    assert hashlib.sha256(kept).hexdigest() == card["digest"]
    assert card["document"]["users"] == json.loads(kept)["values"]["users"]
    assert "## Users" in found["card/card.md"].decode()
    assert f"card/{card['digest']}.json" in found["index.html"].decode()


def test_a_version_without_a_card_has_none_in_its_package(churn, charlie):
    found = unpacked(services.export_version("churn", 1, by=charlie))
    assert [path for path in found if path.startswith("card/")] == []


def test_package_holds_every_part(files, asked):
    folder = f"requests/{asked.pk}"
    assert set(files) == {
        "MANIFEST.sha256",
        "MANIFEST.signature.json",
        f"card/{Card.objects.get().digest}.json",
        "card/card.json",
        "card/card.md",
        "drift.json",
        "events/events.jsonl",
        "events/verify_audit.py",
        "holds.json",
        "index.html",
        "model.json",
        "package.json",
        "reports.json",
        f"{folder}/checks.json",
        f"{folder}/evidence/{asked.evidence_digest}.json",
        f"{folder}/exceptions.json",
        f"{folder}/request.json",
        f"{folder}/signatures.json",
        "version.json",
    }


def test_manifest_names_the_digest_of_each_file(files):
    lines = files.pop("MANIFEST.sha256").decode().splitlines()
    files.pop("MANIFEST.signature.json")  # it signs the manifest
    assert dict(line.split("  ")[::-1] for line in lines) == {
        path: hashlib.sha256(content).hexdigest() for path, content in files.items()
    }


def test_evidence_is_named_by_its_own_digest(files, asked):
    content = files[f"requests/{asked.pk}/evidence/{asked.evidence_digest}.json"]
    assert hashlib.sha256(content).hexdigest() == asked.evidence_digest


def test_each_event_proves_its_own_hash(files, asked, tmp_path):
    path = tmp_path / "events.jsonl"
    path.write_bytes(files["events/events.jsonl"])
    found = verifying.verify_file(str(path))
    assert (found.misfit, found.count) == (None, contents.events_of(asked.version).count())


def test_signatures_say_who_and_on_what(files, asked):
    signatures = json.loads(files[f"requests/{asked.pk}/signatures.json"])
    assert [(row["reviewer"], row["verdict"], row["evidence_digest"]) for row in signatures] == [
        ("erin", "approve", asked.evidence_digest)
    ]


def test_same_facts_are_the_same_bytes_whoever_asks(churn, charlie, bob):
    first = services.export_version("churn", 2, by=charlie)
    assert services.export_version("churn", 2, by=bob) == first


def test_same_facts_are_the_same_bytes_in_another_language(churn, charlie):
    first = services.export_version("churn", 2, by=charlie)
    client = Client(headers={"accept-language": "pt-br"})
    client.force_login(charlie)
    assert client.post("/models/churn/v/2/evidence/").content == first.content


def test_open_requests_hold_no_time_of_asking(churn, alice, charlie):
    make_policy("Staging")
    asked = approvals.open_request(churn.versions.get(number=1).pk, "Staging", reason="Try.", by=alice)
    first = services.export_request(asked.pk, by=charlie)
    assert services.export_request(asked.pk, by=charlie) == first


def test_another_fact_is_another_name(churn, charlie):
    first = services.export_version("churn", 2, by=charlie)
    ModelVersion.objects.update(metrics={"accuracy": 0.5})
    assert services.export_version("churn", 2, by=charlie).name != first.name


def test_each_copy_is_in_the_trail_with_its_digest(churn, charlie):
    found = services.export_version("churn", 2, by=charlie)
    event = AuditEvent.objects.get(action="evidence.exported")
    assert (event.actor, event.target, event.model_id, event.data) == (
        "charlie",
        "churn v2",
        churn.pk,
        {"name": found.name, "sha256": found.digest, "bytes": len(found.content), "files": found.files},
    )


def test_package_of_a_request_holds_that_request_alone(churn, asked, alice, charlie):
    make_policy("Staging")
    other = approvals.open_request(asked.version_id, "Staging", reason="Try.", by=alice)
    files = unpacked(services.export_request(asked.pk, by=charlie))
    folders = {path.split("/")[1] for path in files if path.startswith("requests/")}
    assert (folders, str(other.pk) in folders) == ({str(asked.pk)}, False)


def test_drafts_are_in_no_package(churn, asked, alice, charlie):
    draft = ApprovalRequest.objects.create(
        version=asked.version, from_stage="Production", to_stage="Staging", archive_existing=False, requester=alice,
        reason="Mine.", state="draft",
    )  # fmt: skip
    files = unpacked(services.export_version("churn", 2, by=alice))
    assert [path for path in files if path.startswith(f"requests/{draft.pk}/")] == []
    with pytest.raises(WrongState):
        services.export_request(draft.pk, by=alice)
    with pytest.raises(NotVisible):
        services.export_request(draft.pk, by=charlie)


def test_a_stranger_gets_nothing(churn, asked, mallory):
    with pytest.raises(NotVisible):
        services.export_version("churn", 2, by=mallory)
    with pytest.raises(NotVisible):
        services.export_request(asked.pk, by=mallory)


def test_credentials_are_masked_in_every_file(churn, asked, charlie):
    secret = "https://alice:hunter2@feeds.example.org/simple"
    ModelVersion.objects.update(source=secret, requirements=[f"--extra-index-url {secret}"])
    ApprovalRequest.objects.update(evidence={"source": secret})
    files = unpacked(services.export_version("churn", 2, by=charlie))
    assert [path for path, content in files.items() if b"hunter2" in content] == []


def test_index_shows_strangers_texts_as_texts_and_runs_nothing(churn, charlie):
    ModelVersion.objects.update(description="<script>alert(1)</script>")
    page = unpacked(services.export_version("churn", 2, by=charlie))["index.html"].decode()
    assert ("<script" in page, "&lt;script&gt;alert(1)&lt;/script&gt;" in page, "感情" in page) == (False, True, False)


def test_metrics_that_json_cannot_write_are_text(churn, charlie):
    ModelVersion.objects.update(params={"x": "感情"}, tags={"naïve": "é"})
    found = json.loads(unpacked(services.export_version("churn", 2, by=charlie))["version.json"])
    assert (found["metrics"], found["params"]) == ({"accuracy": "0.9"}, {"x": "感情"})


def test_package_beyond_its_bounds_is_refused(churn, charlie, monkeypatch):
    monkeypatch.setattr(contents, "MOST_BYTES", 1000)
    with pytest.raises(TooLarge, match="Export its requests one by one"):
        services.export_version("churn", 2, by=charlie)
    assert AuditEvent.objects.filter(action="evidence.exported").count() == 0


def test_events_beyond_the_bound_are_left_out_and_counted(churn, charlie, monkeypatch):
    number = contents.events_of(churn.versions.get(number=2)).count()
    monkeypatch.setattr(contents, "MOST_EVENTS", 1)
    files = unpacked(services.export_version("churn", 2, by=charlie))
    left_out = json.loads(files["package.json"])["left_out"]
    lines = [json.loads(line) for line in files["events/events.jsonl"].splitlines()]
    assert ([row["id"] for row in lines if "id" in row], left_out) == (
        [contents.events_of(churn.versions.get(number=2)).first().pk],
        {"requests": 0, "events": number - 1},
    )


class TestLargePackages:
    """What is much to put together is built by a worker first."""

    @pytest.fixture(autouse=True)
    def everything_is_large(self, monkeypatch, churn):
        monkeypatch.setattr(services, "MOST_EVENTS_AT_ONCE", 0)

    def build(self) -> None:
        for job in Job.objects.filter(kind=services.KIND, state="queued"):
            run_job(job.pk)

    def test_a_worker_builds_it_and_then_it_is_handed_out(self, charlie):
        first = services.export_version("churn", 2, by=charlie)
        self.build()
        found = services.export_version("churn", 2, by=charlie)
        made = services.build(ModelVersion.objects.select_related("model").get(number=2), None)
        assert (first, found, Job.objects.get(kind=services.KIND).state) == (None, made, "done")

    def test_asking_twice_builds_once(self, charlie, bob):
        services.export_version("churn", 2, by=charlie)
        services.export_version("churn", 2, by=bob)
        assert Job.objects.filter(kind=services.KIND).count() == 1

    def test_what_was_built_of_other_facts_is_built_anew(self, charlie):
        services.export_version("churn", 2, by=charlie)
        self.build()
        ModelVersion.objects.update(details_at=timezone.now())
        assert services.export_version("churn", 2, by=charlie) is None
        self.build()
        assert (services.export_version("churn", 2, by=charlie) is None, BuiltPackage.objects.count()) == (False, 1)

    def test_what_nobody_asked_for_in_a_while_is_dropped(self, charlie, asked):
        services.export_request(asked.pk, by=charlie)
        self.build()
        BuiltPackage.objects.update(built_at=timezone.now() - services.KEPT - timedelta(hours=1))
        services.export_version("churn", 2, by=charlie)
        self.build()
        assert [row.request_id for row in BuiltPackage.objects.all()] == [None]

    def test_page_says_that_it_is_being_built(self, charlie):
        client = Client()
        client.force_login(charlie)
        page = client.post("/models/churn/v/2/evidence/", follow=True)
        assert (page.redirect_chain, "A worker is putting it together." in page.content.decode()) == (
            [("/models/churn/v/2/evidence/", 302)],
            True,
        )

    def test_api_answers_that_it_is_being_built(self, charlie):
        client = Client()
        client.force_login(charlie)
        answer = client.post("/api/v1/models/churn/versions/2/evidence/", {}, content_type="application/json")
        assert (answer.status_code, answer.json()) == (202, {"state": "building"})


def test_zip_depends_on_its_files_alone():
    one = package("a b/c", {"b": b"2", "a": b"1"}, str.encode)
    assert (one, one.name[:6]) == (package("a b/c", {"a": b"1", "b": b"2"}, str.encode), "a-b-c-")


def test_zip_has_no_time_and_no_executable_file(files, churn, charlie):
    with zipfile.ZipFile(io.BytesIO(services.export_version("churn", 2, by=charlie).content)) as archive:
        found = {(entry.date_time, entry.external_attr >> 16, entry.compress_type) for entry in archive.infolist()}
    assert found == {((1980, 1, 1, 0, 0, 0), 0o100644, zipfile.ZIP_STORED)}


def test_names_of_every_alphabet_make_a_name_that_can_be_stored(churn, charlie):
    RegisteredModel.objects.update(name="感情/分析 \n..")
    assert services.export_version("感情/分析 \n..", 2, by=charlie).name.startswith("evidence-v2-")


class TestPdf:
    """The same facts to read and print."""

    def text(self, by, **found) -> str:
        """What the pages say, as far as they are in the Latin font."""
        content = services.export_version(found.get("name", "churn"), 2, by=by, form=services.Form.PDF).content
        return "".join(re.findall(r"\((.*?)(?<!\\)\) Tj", content.decode("latin-1")))

    def test_same_facts_are_the_same_bytes(self, churn, charlie, bob):
        first = services.export_version("churn", 2, by=charlie, form=services.Form.PDF)
        assert services.export_version("churn", 2, by=bob, form=services.Form.PDF) == first

    def test_it_is_named_as_the_zip_and_recorded(self, churn, charlie):
        whole = services.export_version("churn", 2, by=charlie)
        found = services.export_version("churn", 2, by=charlie, form=services.Form.PDF)
        event = AuditEvent.objects.filter(action="evidence.exported").last()
        assert (found.name, event.data["sha256"]) == (whole.name.replace(".zip", ".pdf"), found.digest)

    def test_signatures_show_name_time_and_meaning(self, churn, asked, charlie):
        said = self.text(charlie)
        review = asked.reviews.get()
        assert all(word in said for word in ("Signed: erin", review.created_at.isoformat()[:19], "meaning approval"))

    def test_it_names_the_digest_of_each_file_of_the_zip(self, churn, charlie):
        manifest = unpacked(services.export_version("churn", 2, by=charlie))["MANIFEST.sha256"].decode()
        said = self.text(charlie)
        assert [line for line in manifest.splitlines() if line.split("  ")[0] not in said] == []

    def test_it_lists_each_event_with_its_hash(self, churn, charlie):
        found = unpacked(services.export_version("churn", 2, by=charlie))
        lines = [json.loads(line) for line in found["events/events.jsonl"].decode().splitlines()]
        hashes = [line["hash"] for line in lines if "action" in line]
        said = self.text(charlie).partition("Events of the model")[2].replace(" ", "")
        assert re.findall("|".join(hashes), said) == hashes

    def test_it_names_the_key_the_signature_and_the_checkpoint(self, churn, charlie):
        found = unpacked(services.export_version("churn", 2, by=charlie))
        seal, about = json.loads(found["MANIFEST.signature.json"]), json.loads(found["package.json"])
        said = self.text(charlie).replace(" ", "")
        event = f"uptoevent{about['checkpoint']['event_id']}"
        assert [word for word in (seal["key_id"], seal["signature"], event) if word not in said] == []

    def test_markup_in_texts_is_text(self, churn, charlie):
        ModelVersion.objects.update(description='<b>bold</b> <font name="none">&amp; </para>')
        assert "<b>bold</b>" in self.text(charlie)

    def test_texts_longer_than_a_page_go_on_on_the_next(self, churn, charlie):
        ModelVersion.objects.update(description="word " * 5000, run_id="x" * 64)
        assert self.text(charlie)

    def test_japanese_names_are_in_a_japanese_font_and_other_signs_are_numbers(self):
        assert marked_up("a<感情>🦉\n\u202e") == ('a&lt;<font name="HeiseiKakuGo-W5">感情</font>&gt;[U+1F989] [U+202E]')

    @given(st.text(max_size=200))
    @settings(suppress_health_check=[HealthCheck.too_slow], deadline=None, max_examples=25)
    def test_every_text_can_be_laid_out(self, text):
        Paragraph(marked_up(text), pdf.TEXT).wrap(400, 400)

    def test_page_and_api_hand_it_out(self, churn, asked, charlie):
        client = Client()
        client.force_login(charlie)
        page = client.post("/models/churn/v/2/evidence/", {"format": "pdf"})
        address = f"/api/v1/requests/{asked.pk}/evidence/"
        api = client.post(address, {"format": "pdf"}, content_type="application/json")
        assert [(answer["Content-Type"], answer.content[:5]) for answer in (page, api)] == [
            ("application/pdf", b"%PDF-"),
            ("application/pdf", b"%PDF-"),
        ]

    def test_another_form_is_refused_by_name(self, churn, charlie):
        client = Client()
        client.force_login(charlie)
        page = client.post("/models/churn/v/2/evidence/", {"format": "exe"})
        api = client.post(
            "/api/v1/models/churn/versions/2/evidence/", {"format": "exe"}, content_type="application/json"
        )
        assert (page.status_code, api.status_code, api.json()["errors"][0]["field"]) == (400, 400, "format")
