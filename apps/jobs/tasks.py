"""The one Celery task that runs jobs, and the sweep that finds forgotten ones."""

import logging

from celery import shared_task

from apps.errors import DomainError, UpstreamUnavailable
from apps.jobs import handlers, services

logger = logging.getLogger(__name__)


@shared_task(name="jobs.run")
def run_job(job_id: int) -> None:
    """Claim the job and run its handler. A worker may die at any line: the lease ends, and the sweep rings again."""
    job = services.claim(job_id)
    if job is None:
        return
    handler, gave_up = handlers.handler_of(job.kind)
    try:
        if job.attempts > job.max_attempts:
            raise RuntimeError(f"the worker died {job.max_attempts} times")
        handler(job)
        services.finish(job)
    except services.LeaseLost:
        logger.warning("job %s was taken over by another worker", job.pk)
    except Exception as error:  # the job records every failure; only upstream trouble and surprises are retried
        logger.exception("job %s (%s) failed", job.pk, job.kind)
        retry = not isinstance(error, DomainError) or isinstance(error, UpstreamUnavailable)
        text = error.message if isinstance(error, DomainError) else f"{type(error).__name__}: {error}"
        if gave_up and not (retry and job.attempts < job.max_attempts):
            gave_up(job, text)  # before the row is closed: a worker killed here is followed by another
        services.fail(job, text, retry=retry)


@shared_task(name="jobs.sweep")
def sweep() -> None:
    """Ring again for jobs that nobody has taken."""
    services.sweep()
