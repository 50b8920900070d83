"""The one Celery task that runs jobs, and the sweep that finds forgotten ones."""

import logging
from pathlib import Path

from celery import shared_task
from django.conf import settings

from apps.errors import DomainError, UpstreamUnavailable
from apps.jobs import handlers, services
from apps.jobs.models import Job

logger = logging.getLogger(__name__)


@shared_task(name=services.RUN_TASK)
def run_job(job_id: int) -> None:
    """Claim the job and run its handler. A worker may die at any line: the lease ends, and the sweep rings again."""
    job = services.claim(job_id)
    if job is None:
        return
    try:
        _run(job)
    except services.LeaseLost:
        logger.warning("job %s was taken over by another worker", job.pk)


def _run(job: Job) -> None:
    """Run the handler and record how it ended. Raises LeaseLost as soon as the job is no longer this worker's."""
    gave_up: handlers.GaveUp | None = None
    try:
        handler, gave_up = handlers.handler_of(job.kind)
        if job.attempts > job.max_attempts:
            raise RuntimeError(f"the worker stopped without a word during the last of {job.max_attempts} attempts")
        handler(job)
    except services.LeaseLost:
        raise
    except Exception as error:  # the job records every failure; only upstream trouble and surprises are retried
        logger.exception("job %s (%s) failed", job.pk, job.kind)
        retry = not isinstance(error, DomainError) or isinstance(error, UpstreamUnavailable)
        text = error.message if isinstance(error, DomainError) else f"{type(error).__name__}: {error}"
        if gave_up and not (retry and job.attempts < job.max_attempts):
            services.renew(job)  # raises LeaseLost: whoever has the job now will decide
            gave_up(job, text)  # before the row is closed: a worker killed here is followed by another
        services.fail(job, text, retry=retry)
    else:
        services.finish(job)


@shared_task(name="jobs.sweep")
def sweep() -> None:
    """Ring again for jobs that nobody has taken."""
    services.sweep()


@shared_task(name="jobs.prune")
def prune() -> None:
    """Remove what nobody needs any more: jobs long ended, and the embedded broker's delivered messages."""
    services.prune()
    services.prune_processed_messages(Path(settings.DATA_DIR) / "queue" / "processed")
