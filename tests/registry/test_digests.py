"""Digests of files that came through the door: what a version's files say of them, and when nobody knows."""

import hashlib

import pytest

from apps.audit.models import AuditEvent
from apps.registry import digests, services
from apps.registry.details.artifacts import Folder
from apps.registry.models import ArtifactDigest, ModelVersion
from tests.registry.test_details import mirrored, put

pytestmark = pytest.mark.django_db
RUN = "a" * 32
ONE, TWO = (hashlib.sha256(text).hexdigest() for text in (b"one", b"two"))


def known() -> dict[str, tuple[str, int]]:
    return digests.known(RUN, "")


def sent(path: str, sha256: str, size: int = 3) -> None:
    digests.begin(RUN, path, by="alice").keep(sha256, size)


def test_the_latest_upload_of_a_file_counts():
    sent("model/a", ONE)
    sent("model/a", TWO)
    row = ArtifactDigest.objects.get()
    assert (row.holder, row.path, row.sha256, row.size, row.by) == (RUN, "model/a", TWO, 3, "alice")


def test_a_file_on_its_way_is_not_known_and_neither_is_one_that_broke_off():
    sent("a", ONE)
    ticket = digests.begin(RUN, "a", by="alice")
    assert known() == {}
    ticket.drop()
    assert ArtifactDigest.objects.count() == 0


def test_of_uploads_that_cross_none_counts():
    first, second = (digests.begin(RUN, "a", by="alice") for _turn in range(2))
    first.keep(ONE, 3)
    second.keep(TWO, 3)
    assert known() == {}


def test_a_folder_that_is_deleted_takes_its_digests_along():
    for path in ("model/a", "model/b/c", "model2"):
        sent(path, ONE)
    digests.forget(RUN, "model")
    assert list(known()) == ["model2"]


def test_digests_of_a_folder_are_named_from_there_on():
    sent("model/code/a.py", ONE)
    sent("model2", TWO)
    assert digests.known(RUN, "model") == {"code/a.py": (ONE, 3)}


def test_a_path_that_is_too_long_is_not_known():
    assert digests.begin(RUN, "a" * 1001, by="alice") is None


@pytest.mark.parametrize(
    ("folder", "holder"),
    [
        (Folder("mlflow/logged-models/m-" + RUN + "/artifacts/directories", (), "p"), ("m-" + RUN, "")),
        (Folder("mlflow-artifacts/artifacts", (), "path", root=f"1/{RUN}/artifacts/model"), (RUN, "model")),
        (Folder("mlflow-artifacts/artifacts", (), "path", root="elsewhere"), None),
        (Folder("mlflow/artifacts/list", (("run_id", RUN),), "path", "model", answers_with_root=True), (RUN, "model")),
    ],
)
def test_a_folder_of_mlflows_has_a_holder(folder, holder):
    assert folder.holder == holder


@pytest.mark.mlflow
def test_a_version_says_the_digests_of_its_files_where_they_agree_with_what_mlflow_lists(mlflow_registry):
    mlflow_registry.version(mlflow_registry.model("churn"), requirements="a==1\n")
    version = mirrored()
    plain = version.artifact_digest
    assert [set(row) for row in version.files] == [{"path", "size"}] * 2
    digests.begin(version.run_id, "model/requirements.txt", by="alice").keep(ONE, 5)
    digests.begin(version.run_id, "model/MLmodel", by="alice").keep(TWO, 1)  # another size: it came another way since
    version = services.refresh_version(version.pk)
    assert [row.get("sha256") for row in version.files] == [None, ONE]
    assert version.artifact_digest != plain
    assert services.refresh_version(version.pk).artifact_digest == version.artifact_digest


@pytest.mark.mlflow
def test_an_upload_of_other_bytes_of_the_same_size_is_an_exchange(mlflow_registry):
    mlflow_registry.version(mlflow_registry.model("churn"), requirements="a==1\n")
    version = ModelVersion.objects.get(pk=mirrored().pk)
    put(mlflow_registry, version, "weights.bin", "one")
    digests.begin(version.run_id, "model/weights.bin", by="alice").keep(ONE, 3)
    first = services.refresh_version(version.pk).artifact_digest
    put(mlflow_registry, version, "weights.bin", "two")
    digests.begin(version.run_id, "model/weights.bin", by="alice").keep(TWO, 3)
    services.read_due_details()
    version.refresh_from_db()
    assert version.artifact_digest != first
    event = AuditEvent.objects.filter(action="version.artifacts_changed").latest("id")
    assert event.data["changed"] == ["files"]
