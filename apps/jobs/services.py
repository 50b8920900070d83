"""Ask for work, claim it, keep it, finish it. The rows decide; the broker is only a doorbell."""

import logging
import time
import uuid
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from celery import current_app
from django.conf import settings
from django.db import IntegrityError, transaction
from django.db.models import F, Q, QuerySet
from django.utils import timezone

from apps.jobs.models import ACTIVE_STATES, Job, JobState

logger = logging.getLogger(__name__)
RUN_TASK = "jobs.run"  # by name: the task imports these services
QUEUE, BULK_QUEUE = "celery", "bulk"  # see CELERY_TASK_QUEUES
BACK_OFF_SECONDS = 2  # doubled with each attempt
MAX_BACK_OFF_SECONDS = 300
SWEEP_LIMIT = 200
PRUNE_BATCH = 500
KEEP_FINISHED = timedelta(days=30)
KEEP_PROCESSED = timedelta(hours=1)


class LeaseLost(Exception):
    """Another worker holds the job now: stop without writing anything more."""


def enqueue(
    kind: str,
    *,
    requested_by: str,
    key: str | None = None,
    max_attempts: int = 5,
    delay_seconds: float = 0,
    bulk: bool = False,
    **args: Any,
) -> Job:
    """Commit a job with the caller's transaction and ring for a worker after the commit.

    With a `key` that already has an active job, that job is returned and no row is added. `bulk` is work that comes in
    heaps: workers take turns between its queue and the other one.
    """
    due = timezone.now() + timedelta(seconds=delay_seconds)
    wanted = {"kind": kind, "key": key, "args": args, "max_attempts": max_attempts, "bulk": bulk}
    row = Job(**wanted, requested_by=requested_by, not_before=due)
    job = _insert(row)
    if job is row:
        transaction.on_commit(lambda: ring(row.pk, bulk=bulk))
    return job


def _insert(row: Job) -> Job:
    """Add the row, or return the active job that has its key."""
    for last_try in (False, False, True):
        if row.key and (active := Job.objects.filter(key=row.key, state__in=ACTIVE_STATES).first()):
            return active
        try:
            with transaction.atomic():
                row.save(force_insert=True)
            return row
        except IntegrityError:  # somebody was first in the same moment; they may even have finished since: look again
            if last_try:
                raise
            row.pk = None
    raise AssertionError("unreachable")


def ring(job_id: int, *, bulk: bool = False) -> None:
    """Tell a worker about a job. A broker that is down costs time, not work: the sweep rings again."""
    try:
        current_app.send_task(RUN_TASK, (job_id,), queue=BULK_QUEUE if bulk else QUEUE, retry=False)
    except Exception as error:  # noqa: BLE001 - any broker failure: the row is safe and the sweep will find it
        logger.warning("broker unavailable, job %s waits for the sweep: %s", job_id, error)


def claim(job_id: int) -> Job | None:
    """Take a job that is due, or whose worker lost its lease; None when somebody else has it or it is finished."""
    now = timezone.now()
    token = str(uuid.uuid4())
    taken = (
        Job.objects.filter(pk=job_id)
        .filter(Q(state=JobState.QUEUED, not_before__lte=now) | Q(state=JobState.RUNNING, lease_until__lt=now))
        .update(state=JobState.RUNNING, lease_until=_lease_end(), lease_token=token, attempts=F("attempts") + 1)
    )
    # By the token: a worker that slept between the two lines must not take another's claim for its own.
    return Job.objects.filter(pk=job_id, lease_token=token).first() if taken else None


def renew(job: Job, *, done: int | None = None, total: int | None = None, note: str | None = None) -> None:
    """Keep the lease and report progress. Raises LeaseLost when another worker has taken the job.

    Inside a transaction it is a fence: nobody can take the job between this call and the commit.
    """
    changes: dict[str, Any] = {"lease_until": _lease_end()}
    changes |= {"progress_done": done} if done is not None else {}
    changes |= {"progress_total": total} if total is not None else {}
    changes |= {"progress_note": note} if note is not None else {}
    if not _held(job).update(**changes):
        raise LeaseLost(f"job {job.pk} was taken over")


def finish(job: Job) -> bool:
    """Mark the job done, if this worker still holds it; returns whether it did."""
    updated = _held(job).update(state=JobState.DONE, finished_at=timezone.now(), lease_until=None, error="")
    return updated == 1


def put_back(job: Job) -> None:
    """Let others have a turn: the job, which got on, stands in line again with all its attempts."""
    now = timezone.now()
    if _held(job).update(state=JobState.QUEUED, lease_until=None, not_before=now, attempts=0, error=""):
        transaction.on_commit(lambda: ring(job.pk, bulk=job.bulk))


def fail(job: Job, error: str, *, retry: bool) -> bool:
    """Put the job back with a longer pause, or mark it failed when its attempts are used up or `retry` is False.

    Returns whether it will be tried again.
    """
    again = retry and job.attempts < job.max_attempts
    if again:
        pause = min(BACK_OFF_SECONDS * 2 ** (job.attempts - 1), MAX_BACK_OFF_SECONDS)
        _held(job).update(
            state=JobState.QUEUED, error=error, lease_until=None, not_before=timezone.now() + timedelta(seconds=pause)
        )
    else:
        _held(job).update(state=JobState.FAILED, error=error, lease_until=None, finished_at=timezone.now())
    return again


def sweep() -> int:
    """Ring again for every job that is due and unclaimed, or whose worker died. Returns how many were found."""
    now = timezone.now()
    due = (
        Job.objects.filter(
            Q(state=JobState.QUEUED, not_before__lte=now) | Q(state=JobState.RUNNING, lease_until__lt=now)
        )
        .order_by("not_before")
        .values_list("pk", "bulk")[:SWEEP_LIMIT]
    )
    for job_id, bulk in due:
        ring(job_id, bulk=bulk)
    return len(due)


def prune(*, older_than: timedelta = KEEP_FINISHED) -> int:
    """Remove jobs that ended longer ago than that, a batch at a time. Returns how many."""
    ended = Job.objects.exclude(state__in=ACTIVE_STATES).filter(finished_at__lt=timezone.now() - older_than)
    removed = 0
    while batch := list(ended.values_list("pk", flat=True)[:PRUNE_BATCH]):
        removed += Job.objects.filter(pk__in=batch).delete()[0]
    return removed


def prune_processed_messages(folder: Path, *, older_than: timedelta = KEEP_PROCESSED) -> int:
    """Remove what the filesystem broker keeps of messages that were delivered. Returns how many files."""
    oldest, removed = time.time() - older_than.total_seconds(), 0
    for path in folder.iterdir() if folder.is_dir() else ():
        try:
            if path.is_file() and path.stat().st_mtime < oldest:
                path.unlink()
                removed += 1
        except FileNotFoundError:
            continue  # another worker removed it
    return removed


def _held(job: Job) -> QuerySet[Job]:
    return Job.objects.filter(pk=job.pk, state=JobState.RUNNING, lease_token=job.lease_token)


def _lease_end() -> datetime:
    return timezone.now() + timedelta(seconds=settings.JOB_LEASE_SECONDS)
