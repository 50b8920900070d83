"""What the mirror brings makes the requests about it look at their evidence again, in jobs of their own."""

import pytest
from django.db import transaction

from apps.approvals import refreshing, services
from apps.approvals.models import ApprovalRequest, Review
from apps.approvals.refreshing import REFRESH_JOB
from apps.approvals.reviewing import EvidenceChanged
from apps.jobs import services as jobs
from apps.jobs.models import Job
from apps.jobs.tasks import run_job
from apps.registry.details import keeping
from apps.registry.details.reading import Details
from apps.registry.models import ModelVersion
from tests.approvals.test_hostile import together


@pytest.fixture
def read(version):
    """Let the mirror read the version again, with these fields another than before."""

    def again(**fields) -> None:
        row = ModelVersion.objects.select_related("model").get(pk=version.pk)
        same = {name: getattr(row, name) for name in keeping.FIELDS if name not in ("environment", "pictures")}
        with transaction.atomic():
            keeping.keep(row, Details(**same | fields))

    return again


def queued() -> list[dict]:
    return list(Job.objects.filter(kind=REFRESH_JOB).order_by("pk").values_list("args", flat=True))


def run() -> None:
    for pk in list(Job.objects.filter(kind=REFRESH_JOB, state="queued").values_list("pk", flat=True)):
        run_job(pk)


def test_a_new_metric_dismisses_the_approval_that_was_given_without_it(asked, sign, read, bob):
    sign(bob)
    read(metrics={"accuracy": 0.9, "recall": 0.2})
    assert queued() == [{"request_id": asked.pk}]
    run()
    request = ApprovalRequest.objects.get(pk=asked.pk)
    assert (request.state, request.evidence["metrics"]["recall"]) == ("open", "0.2")
    assert Review.objects.get().dismissed_because == "The evidence changed: metrics.recall."
    assert Job.objects.get(kind=REFRESH_JOB).state == "done"


def test_the_same_again_asks_for_nothing(asked, read):
    read()
    assert queued() == []


def test_a_request_that_is_closed_is_left_alone(asked, read, review, alice):
    review("withdraw", alice)
    read(metrics={"accuracy": 0.1})
    assert queued() == []


def test_several_changes_share_a_job_until_it_has_run(asked, read):
    read(metrics={"accuracy": 0.1})
    read(metrics={"accuracy": 0.2})
    assert len(queued()) == 1
    run()
    read(metrics={"accuracy": 0.3})
    assert len(queued()) == 2


def test_the_end_of_the_job_commits_with_what_it_looked_at(asked, read):
    read(metrics={"accuracy": 0.1})
    job = jobs.claim(Job.objects.get(kind=REFRESH_JOB).pk)
    refreshing.refresh(job)
    read(metrics={"accuracy": 0.2})
    assert sorted(Job.objects.values_list("state", flat=True)) == ["done", "queued"]


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("attempt", range(3))
def test_an_approval_in_the_moment_of_a_new_metric_does_not_outlive_it(asked, bob, read, attempt):
    errors = together(
        lambda: services.act(asked.pk, "approve", by=bob, evidence_digest=asked.evidence_digest),
        lambda: read(metrics={"accuracy": 0.9, "recall": 0.2}),
    )
    run()
    request = ApprovalRequest.objects.get()
    assert (request.state, "recall" in request.evidence["metrics"]) == ("open", True)
    assert errors in ([], [EvidenceChanged])
    assert list(Review.objects.filter(standing=True)) == []


def test_other_bytes_of_the_same_size_dismiss_the_approval(asked, read, sign, bob):
    listed = [{"path": "weights.bin", "size": 3}]
    read(files=[listed[0] | {"sha256": "1" * 64}], artifact_digest="1" * 64)
    run()
    sign(bob)
    read(files=[listed[0] | {"sha256": "2" * 64}], artifact_digest="2" * 64)
    run()
    assert Review.objects.get().dismissed_because.startswith("The evidence changed: ")
    assert "bytes.weights.bin" in Review.objects.get().dismissed_because


def test_a_file_that_is_written_through_the_door_after_the_approval_dismisses_it(asked, read, sign, bob):
    read(files=[{"path": "weights.bin", "size": 3}], artifact_digest="1" * 64)
    run()
    sign(bob)
    read(files=[{"path": "weights.bin", "size": 3, "sha256": "2" * 64}], artifact_digest="2" * 64)
    run()
    assert "bytes.weights.bin" in Review.objects.get().dismissed_because


def test_digests_that_come_with_the_first_list_of_files_leave_the_approval(asked, read, sign, bob):
    read(files=None, artifact_digest="1" * 64)
    run()
    sign(bob)
    read(files=[{"path": "weights.bin", "size": 3, "sha256": "2" * 64}], artifact_digest="2" * 64)
    run()
    assert Review.objects.get().dismissed_because == ""
