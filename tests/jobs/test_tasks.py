import pytest

from apps.errors import RuleViolation, UpstreamUnavailable
from apps.jobs import handlers, services
from apps.jobs.models import Job, JobState
from apps.jobs.tasks import prune, run_job, sweep
from tests.jobs.conftest import expire, make_due


def raising(error: Exception):
    def handler(job: Job) -> None:
        raise error

    return handler


def test_run_job_runs_the_handler_once_and_finishes(job, handle):
    ran = []
    handle(lambda job: ran.append(job.args))
    run_job(job.pk)
    run_job(job.pk)
    job.refresh_from_db()
    assert (ran, job.state, job.lease_until) == ([{"number": 7}], JobState.DONE, None)


def test_run_job_of_a_job_that_is_not_there_does_nothing(db):
    run_job(404)
    assert not Job.objects.exists()


@pytest.mark.parametrize("error", [UpstreamUnavailable("MLflow is silent"), ZeroDivisionError("oops")])
def test_run_job_tries_trouble_again(job, handle, error):
    handle(raising(error))
    run_job(job.pk)
    job.refresh_from_db()
    assert (job.state, job.attempts, str(error) in job.error) == (JobState.QUEUED, 1, True)


def test_run_job_does_not_try_a_refusal_again(job, handle):
    given_up = []
    handle(raising(RuleViolation("no")), lambda job, error: given_up.append((job.state, error)))
    run_job(job.pk)
    job.refresh_from_db()
    assert (job.state, job.error, given_up) == (JobState.FAILED, "no", [(JobState.RUNNING, "no")])


def test_gave_up_comes_after_the_last_attempt_and_before_the_row_is_closed(job, handle):
    seen = []
    handle(raising(UpstreamUnavailable("down")), lambda job, error: seen.append(Job.objects.get(pk=job.pk).state))
    for _ in range(job.max_attempts):
        make_due(job)
        run_job(job.pk)
    job.refresh_from_db()
    assert (seen, job.state, job.attempts) == ([JobState.RUNNING], JobState.FAILED, 5)


def test_worker_that_dies_at_every_attempt_is_given_up(job, handle):
    ran, given_up = [], []
    handle(lambda job: ran.append(1), lambda job, error: given_up.append(error))
    for _ in range(job.max_attempts):
        services.claim(job.pk)
        expire(job)
    run_job(job.pk)
    job.refresh_from_db()
    assert (ran, job.state, len(given_up)) == ([], JobState.FAILED, 1)
    assert job.error == "RuntimeError: the worker stopped without a word during the last of 5 attempts"


def test_worker_that_dies_while_giving_up_is_followed_by_another(job, handle):
    calls = []

    def gave_up(job: Job, error: str) -> None:
        calls.append(error)
        if len(calls) == 1:
            raise KeyboardInterrupt

    handle(raising(RuleViolation("no")), gave_up)
    with pytest.raises(KeyboardInterrupt):
        run_job(job.pk)
    expire(job)
    run_job(job.pk)
    job.refresh_from_db()
    assert (calls, job.state) == (["no", "no"], JobState.FAILED)


def test_worker_that_lost_its_lease_neither_gives_up_nor_fails_the_job(job, handle):
    given_up, holders = [], []

    def handler(job: Job) -> None:
        expire(job)
        holders.append(services.claim(job.pk))
        raise RuleViolation("late")

    handle(handler, lambda job, error: given_up.append(error))
    run_job(job.pk)
    job.refresh_from_db()
    assert (given_up, job.state, job.lease_token) == ([], JobState.RUNNING, holders[0].lease_token)


def test_lease_lost_inside_the_handler_ends_it_quietly(job, handle):
    def handler(job: Job) -> None:
        expire(job)
        services.claim(job.pk)
        services.renew(job)

    handle(handler)
    run_job(job.pk)
    job.refresh_from_db()
    assert (job.state, job.error) == (JobState.RUNNING, "")


def test_job_of_an_unknown_kind_is_tried_again_and_says_why(job):
    run_job(job.pk)
    job.refresh_from_db()
    assert (job.state, job.error) == (JobState.QUEUED, "LookupError: no handler for job kind 'test'")


def test_two_handlers_for_one_kind_are_refused(handle):
    handle(lambda job: None)
    with pytest.raises(ValueError, match="two handlers for test"):
        handlers.handles("test")(lambda job: None)


def test_sweep_and_prune_run_on_an_empty_table(db):
    sweep()
    prune()
    assert not Job.objects.exists()
