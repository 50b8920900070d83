"""Reading single models: what a webhook or a person named, and what another pass could not settle by itself."""

from collections.abc import Iterable

from django.db import transaction

from apps.jobs.models import Job
from apps.jobs.services import finish as finish_job
from apps.registry import remote as said
from apps.registry.mlflow import MlflowNotFound
from apps.registry.models import Connection, ModelVersion, SyncKind, TouchedModel
from apps.registry.planning import Remote
from apps.registry.syncing import listing, runs
from apps.registry.syncing.requests import enqueue_sync
from apps.registry.syncing.runs import Pass
from apps.registry.syncing.writing import mirror

AT_ONCE = 50  # notes


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
    Who cancels the pass drops its notes: the next pass of another kind finds what changed.
    """
    while True:
        if notes := list(TouchedModel.objects.filter(connection=connection).order_by("pk")[:AT_ONCE]):
            with runs.opened(connection, SyncKind.MODELS, requested_by, job=job) as work:
                left = _work_notes(work, notes)
                if left:
                    enqueue_sync(requested_by, connection)
            for note in notes:
                TouchedModel.objects.filter(pk=note.pk, noted_at=note.noted_at).delete()
        if _ended(connection, job):
            return


def drain_now(work: Pass) -> None:
    """Read what was noted before, as a part of another pass."""
    while notes := list(TouchedModel.objects.filter(connection=work.connection).order_by("pk")[:AT_ONCE]):
        mirror(work, _read_notes(work, notes), replaces=False)
        for note in notes:
            TouchedModel.objects.filter(pk=note.pk, noted_at=note.noted_at).delete()


def _work_notes(work: Pass, notes: list[TouchedModel]) -> set[str]:
    work.total = len({note.name for note in notes})
    left = mirror(work, _read_notes(work, notes), replaces=False)
    work.done = work.total
    runs.finish(work)
    return left


def _read_notes(work: Pass, notes: list[TouchedModel]) -> Remote:
    """Read the models, with only those versions that were noted where the mirror has them already."""
    remote = Remote()
    numbers: dict[str, set[int]] = {}
    for note in notes:
        numbers.setdefault(note.name, set()).add(note.number)
    read_models(work, remote, numbers)
    known = _mirrored(work.connection, numbers)
    whole = {name for name, wanted in numbers.items() if not wanted <= known.get(name, set())}
    for name in remote.models.keys() - whole:
        for number in sorted(numbers[name]):
            try:
                remote.add_version(work.client.get_version(name, number))
            except MlflowNotFound:
                whole.add(name)
    listing.add_versions(work.client, remote, [name for name in whole if name in remote.models])
    return remote


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
        if TouchedModel.objects.filter(connection=connection).exists():
            return False
        finish_job(job)
        return True
