"""What judging many models brings is counted by a worker and kept for whoever asked: it takes seconds.

An answer is one person's, through tokens that leave the same: it tells them again what they were told, and nobody else
anything. It is kept for what was asked, the number of models that they see, and how the controls are set: with one
model more or less, or another setting, models are judged anew.
"""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from django.conf import settings
from django.db import transaction

from apps.audit.chain import canonical_json
from apps.compliance.controls.outcomes import Column
from apps.compliance.models import KeptCount
from apps.jobs import services as jobs
from apps.jobs.models import ACTIVE_STATES, Job, JobState

KIND = "compliance.count"
SHOWN = timedelta(minutes=10)  # an older answer is shown no longer, though it is being counted anew
AT_ONCE = 3  # counts that are worked on for one person: each question of another wording is a count of its own
GAVE_UP = timedelta(minutes=1)  # for so long a count that failed is not begun again
Question = dict[str, Any]  # "of": which count, and what it is asked with, in plain values


class State(StrEnum):
    """How an answer stands: counted lately, being counted (anew) by a worker, or given up by it for now."""

    COUNTED = "counted"
    COUNTING = "counting"
    FAILED = "failed"


@dataclass(frozen=True)
class Kept:
    """What came out, in plain values, and when the models were judged for it; both None where nothing is kept."""

    answer: Any
    at: datetime | None
    state: State


def kept(user: Any, question: Question, facts: list[Any], now: datetime) -> Kept:
    """Return what is kept for a question, and let a worker count where nothing is, or what is has become old."""
    rows = KeptCount.objects.filter(person=user.pk, question=_digest([_bounds(user), question, facts]))
    row = rows.filter(judged_at__gt=now - SHOWN).first()
    fresh = row is not None and row.judged_at > now - timedelta(seconds=settings.COMPLIANCE_COUNTS_SECONDS)
    state = State.COUNTED if fresh else _ask_for(user, question, now)
    return Kept(row.answer, row.judged_at, state) if row else Kept(None, None, state)


def keep(user: Any, question: Question, facts: list[Any], answer: Any, now: datetime) -> None:
    """Keep what a worker counted, in the caller's transaction, and drop what is shown to nobody any more."""
    KeptCount.objects.filter(judged_at__lt=now - SHOWN).delete()
    KeptCount.objects.update_or_create(
        person_id=user.pk,
        question=_digest([_bounds(user), question, facts]),
        defaults={"answer": answer, "judged_at": now},
    )


def facts_of(number: int, columns: Iterable[Column]) -> list[Any]:
    """Return what an answer depends on besides its question: how many models there are, and how controls are set."""
    return [number, [[column.control.name, column.setting.number] for column in columns]]


def _ask_for(user: Any, question: Question, now: datetime) -> State:
    """Commit a job that counts for this person, unless there is one, or the last one has just failed.

    Whoever asks for more than AT_ONCE waits: the page asks again, until one of theirs is done.
    """
    args = {"person": user.pk, "bounds": _bounds(user), "question": question}
    key = f"{KIND}:{_digest(args)}"
    last = Job.objects.filter(key=key).order_by("-pk").first()
    if last and last.state == JobState.FAILED and last.finished_at and last.finished_at > now - GAVE_UP:
        return State.FAILED
    theirs = Job.objects.filter(kind=KIND, requested_by=user.get_username(), state__in=ACTIVE_STATES)
    if theirs.count() >= AT_ONCE:
        return State.COUNTING
    with transaction.atomic():
        jobs.enqueue(KIND, key=key, requested_by=user.get_username(), max_attempts=3, bulk=True, **args)
    return State.COUNTING


def _bounds(user: Any) -> dict[str, Any]:
    """Return what a token leaves of what the person sees."""
    models = user.bounds.models
    return {"models": None if models is None else sorted(models), "managing": user.bounds.managing}


def _digest(facts: Any) -> str:
    return hashlib.sha256(canonical_json(facts).encode()).hexdigest()
