"""Counting how many models stand how, as a job: it registers itself when it is loaded."""

from collections.abc import Iterable, Iterator
from typing import Any

from django.db import transaction
from django.utils import timezone

from apps.accounts.bounds import Bounds
from apps.accounts.models import User
from apps.compliance.clauses import coverage
from apps.compliance.matrix import keeping, queries
from apps.jobs import services as jobs
from apps.jobs.handlers import handles
from apps.jobs.models import Job

COUNTS = {"counts": queries.count_all, "clauses": coverage.count_all}


@handles(keeping.KIND)
def count(job: Job) -> None:
    """Judge all models that the person sees by now, and keep the numbers for them. Killed, it is begun anew."""
    person = User.objects.filter(pk=job.args["person"], is_active=True).first()
    if person is None:
        return
    bounds, question, now = job.args["bounds"], job.args["question"], timezone.now()
    models = bounds["models"]
    person.bounds = Bounds(None if models is None else frozenset(models), bounds["managing"])

    def going_on(rows: Iterable[Any]) -> Iterator[Any]:
        """Yield the rows, and renew the lease every few hundred."""
        for number, row in enumerate(rows):
            if number % queries.AT_ONCE == 0:
                jobs.renew(job, done=number)
            yield row

    facts, answer = COUNTS[question["of"]](person, question, now, going_on)
    with transaction.atomic():
        jobs.renew(job)
        keeping.keep(person, question, facts, answer, now)
