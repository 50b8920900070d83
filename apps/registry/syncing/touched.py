"""Reading single models: what a webhook or a person named, and what another pass could not settle by itself."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import timedelta

from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils import timezone

from apps.jobs.models import Job
from apps.jobs.services import finish as finish_job
from apps.registry import remote as said
from apps.registry.mlflow import MlflowError, MlflowFailed, MlflowGarbled, MlflowNotFound, MlflowRefused
from apps.registry.models import Connection, ModelVersion, SyncKind, TouchedModel
from apps.registry.planning import Remote
from apps.registry.syncing import listing, runs
from apps.registry.syncing.requests import enqueue_sync
from apps.registry.syncing.runs import Pass
from apps.registry.syncing.writing import mirror

AT_ONCE = 50  # notes
ONE_NAMES = (MlflowRefused, MlflowGarbled, MlflowFailed)  # trouble that may be one name's alone
FIRST_PAUSE, LONGEST_PAUSE = timedelta(seconds=30), timedelta(hours=1)  # before an unanswered note is tried again


def read_models(work: Pass, remote: Remote, names: Iterable[str]) -> None:
    """Ask MLflow for each of these models; what it denies is `missing`."""
    for name in names:
        asked_at = said.now()
        try:
            remote.add_model(work.client.get_model(name))
        except MlflowNotFound:
            remote.missing[name] = asked_at
        work.pulse("reading")


def read_again(work: Pass, names: set[str]) -> None:
    """Mirror these models with all their versions, now that no other live model can be one of theirs renamed."""
    if names:
        remote = read_whole(work, names)
        mirror(work, remote, replaces=True)


def read_whole(work: Pass, names: Iterable[str]) -> Remote:
    """Read models with all their versions."""
    remote = Remote()
    read_models(work, remote, names)
    listing.add_versions(work.client, remote, remote.models, lambda: work.pulse("reading"))
    return remote


def work_names(work: Pass, names: set[str]) -> set[str]:
    """Mirror these models and end the pass. Returns the names that only a pass over all changes can settle."""
    work.total = len(names)
    left = mirror(work, read_whole(work, names), replaces=False)
    work.done = len(names)
    runs.finish(work)
    return left


def drain(connection: str, requested_by: str, job: Job) -> None:
    """Read what was noted, until nothing is: then end the job, under the lock that `requests.touch` takes too.

    A note stays until it is worked, so nothing is lost with a worker; one that is made again meanwhile is worked again.
    One that MLflow does not answer waits, and holds up no other. Who cancels the pass drops its notes: the next pass of
    another kind finds what changed.
    """
    while True:
        if notes := list(due_notes(connection)[:AT_ONCE]):
            trouble: dict[str, str] = {}
            with runs.opened(connection, SyncKind.MODELS, requested_by, job=job) as work:
                left, trouble = _work_notes(work, notes)
                if left:
                    enqueue_sync(requested_by, connection)
            _strike_off(notes, trouble)
        if _ended(connection, job):
            return


def drain_now(work: Pass) -> None:
    """Read what was noted before, as a part of another pass."""
    while notes := list(due_notes(work.connection)[:AT_ONCE]):
        remote, trouble = _read_notes(work, notes)
        mirror(work, remote, replaces=False)
        _strike_off(notes, trouble)


def due_notes(connection: str) -> QuerySet[TouchedModel]:
    """The notes to work now, oldest first; those that MLflow refused to answer wait."""
    ready = Q(not_before=None) | Q(not_before__lte=timezone.now())
    return TouchedModel.objects.filter(ready, connection=connection).order_by("pk")


def _work_notes(work: Pass, notes: list[TouchedModel]) -> tuple[set[str], dict[str, str]]:
    work.total = len({note.name for note in notes})
    remote, trouble = _read_notes(work, notes)
    left = mirror(work, remote, replaces=False)
    work.done = work.total
    runs.finish(work)
    return left, trouble


def _strike_off(notes: list[TouchedModel], trouble: dict[str, str]) -> None:
    """Remove the notes that were worked; let those that MLflow did not answer wait, each time twice as long."""
    for note in notes:
        same = TouchedModel.objects.filter(pk=note.pk, noted_at=note.noted_at)
        if note.name not in trouble:
            same.delete()
            continue
        failures = min(note.failures + 1, 100)
        pause = min(FIRST_PAUSE * 2 ** min(note.failures, 10), LONGEST_PAUSE)
        same.update(failures=failures, not_before=timezone.now() + pause, error=trouble[note.name])


def _read_notes(work: Pass, notes: list[TouchedModel]) -> tuple[Remote, dict[str, str]]:
    """Read the models, with only those versions that were noted where the mirror has them already.

    Returns also the names that MLflow refuses, or answers in a way that nobody understands, with what it said. An
    error of its own (5xx) counts as one name's when MLflow answers for another one. Raises MlflowUnavailable.
    """
    remote, trouble = Remote(), dict[str, MlflowError]()
    numbers: dict[str, set[int]] = {}
    for note in notes:
        numbers.setdefault(note.name, set()).add(note.number)
    known = _mirrored(work.connection, numbers)
    whole = {name for name, wanted in numbers.items() if not wanted <= known.get(name, set())}
    for name, wanted in numbers.items():
        with _one_name(remote, name, trouble):
            read_models(work, remote, [name])
            if name in remote.models and name not in whole and not _read_versions(work, remote, name, wanted):
                whole.add(name)
    _read_wholly(work, remote, [name for name in whole if name in remote.models], trouble)
    failed = [error for error in trouble.values() if isinstance(error, MlflowFailed)]
    if failed and not remote.names():
        raise failed[0]
    return remote, {name: str(error) for name, error in trouble.items()}


def _read_versions(work: Pass, remote: Remote, name: str, numbers: set[int]) -> bool:
    """Read these versions of a model. Returns False when one is gone: then all are to be looked at."""
    try:
        for number in sorted(numbers):
            remote.add_version(work.client.get_version(name, number))
    except MlflowNotFound:
        return False
    return True


def _read_wholly(work: Pass, remote: Remote, names: list[str], trouble: dict[str, MlflowError]) -> None:
    """Read all versions of these models: together, and when that fails one by one, for one may be at fault."""
    try:
        listing.add_versions(work.client, remote, names)
    except ONE_NAMES:
        for name in names:
            with _one_name(remote, name, trouble):
                listing.add_versions(work.client, remote, [name])


@contextmanager
def _one_name(remote: Remote, name: str, trouble: dict[str, MlflowError]) -> Iterator[None]:
    """Take trouble inside for this name's, of which nothing is told then."""
    try:
        yield
    except ONE_NAMES as error:
        trouble[name] = error
        remote.models.pop(name, None)
        remote.versions.pop(name, None)


def _mirrored(connection: str, names: Iterable[str]) -> dict[str, set[int]]:
    rows = ModelVersion.objects.filter(
        model__connection=connection, model__deleted_at=None, model__name__in=list(names), deleted_at=None
    )
    found: dict[str, set[int]] = {}
    for name, number in rows.values_list("model__name", "number"):
        found.setdefault(name, set()).add(number)
    return found


def _ended(connection: str, job: Job) -> bool:
    with transaction.atomic():
        Connection.objects.select_for_update(no_key=True).get(pk=connection)
        if due_notes(connection).exists():
            return False
        finish_job(job)
        return True
