"""The pass over everything: the only one that sees tags, aliases and deleted models for sure.

A small registry is read in one go (`work`), the next part being asked for while the last one is written. Of a big one
a worker lists the models and stores them in shards (`list_shards`), which any number of workers mirror (`work_shard`);
whoever does the last one asks for the end (`work_end`). A worker that is killed costs its unfinished shard.
"""

from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor, wait
from datetime import datetime, timedelta
from time import monotonic
from typing import TypeVar

from django.db import transaction
from django.db.models import F, Max
from django.utils import timezone

from apps.jobs.services import enqueue
from apps.registry import connections, copying
from apps.registry import remote as said
from apps.registry.mlflow import MlflowClient
from apps.registry.models import (
    Connection,
    ModelAlias,
    ModelFacet,
    ModelVersion,
    Placement,
    RegisteredModel,
    SyncRun,
    SyncShard,
)
from apps.registry.planning import Remote
from apps.registry.syncing import listing, runs
from apps.registry.syncing.listing import ModelPage, Place
from apps.registry.syncing.requests import SHARD, SYNC_END
from apps.registry.syncing.runs import PULSE_SECONDS, Pass
from apps.registry.syncing.touched import read_again
from apps.registry.syncing.writing import mirror, summarise_new

T = TypeVar("T")
SHARD_MODELS = 200
ATTEMPTS = 5
MANY = 1000  # new rows, after which the database has to count anew


def work(opened: Pass, pages: Iterable[ModelPage] | None = None) -> None:
    """Mirror everything in this process, and end the pass. `pages`: the listing, where it was begun already."""
    names: set[str] = set()
    left: set[str] = set()
    for part in _ahead(_parts(opened.client, pages or listing.model_pages(opened.client)), opened):
        names |= part.models.keys()
        opened.pulse("reading")
        left |= _mirror_part(opened, part)
        opened.done += len(part.models)
    opened.total = len(names)
    _end(opened, names, left)


def first_page(client: MlflowClient) -> tuple[ModelPage, Iterator[ModelPage]]:
    """Read the first page of models. Returns it, and the whole listing with it in front."""
    pages = listing.model_pages(client)
    first = next(pages)

    def whole() -> Iterator[ModelPage]:
        yield first
        yield from pages

    return first, whole()


def is_small(first: ModelPage) -> bool:
    """Whether all models stood on the first page."""
    return first.after is None or first.after == Place(1)


def list_shards(opened: Pass, seconds: float | None = None) -> bool:
    """List all models into shards, each page in one transaction with the place where to go on.

    Returns whether the listing is complete; it pauses after so many seconds.
    """
    place, began = Place.read(opened.run.page_token), monotonic()
    for page in listing.model_pages(opened.client, place):
        _store(opened, page)
        opened.pulse("listing")
        if seconds is not None and page.after is not None and monotonic() - began >= seconds:
            return False
    return True


def work_shard(opened: Pass, number: int) -> None:
    """Mirror a shard, unless it is done."""
    shard = SyncShard.objects.filter(run=opened.run, number=number, done_at=None).first()
    if shard is None:
        return
    part = Remote()
    for raw in shard.payload or []:
        part.add_model(said.parse_model(raw, shard.asked_at))
    listing.add_versions(opened.client, part, part.models, lambda: opened.pulse("reading"))
    left = _mirror_part(opened, part)
    with transaction.atomic():
        opened.fence()
        done = SyncShard.objects.filter(pk=shard.pk, done_at=None)
        if done.update(done_at=timezone.now(), payload=sorted(left) or None):
            opened.add_to_record(done=F("done") + len(shard.names))
            _ask_for_the_end(opened.run.pk, opened.run.requested_by)


def resume(opened: Pass) -> None:
    """Have the shards mirrored that are not done, after a worker was killed while it listed."""
    with transaction.atomic():
        opened.fence()
        for number in SyncShard.objects.filter(run=opened.run, done_at=None).values_list("number", flat=True):
            _ask_for_shard(opened.run, number)
        _ask_for_the_end(opened.run.pk, opened.run.requested_by)


def work_end(opened: Pass) -> None:
    """Look for what the shards lack, and end the pass."""
    names: set[str] = set()
    left: set[str] = set()
    for listed, waiting in opened.run.shards.values_list("names", "payload").iterator():
        names.update(listed)
        left.update(waiting or ())
    _end(opened, names, left)


def _end(opened: Pass, names: set[str], left: set[str]) -> None:
    connection = Connection.objects.get(pk=opened.connection)
    read_again(opened, left)
    for missing in _batches(_not_listed(connection, names)):
        asked_at = said.now()
        mirror(opened, Remote(missing=dict.fromkeys(missing, asked_at)), replaces=True)
        opened.pulse("checking deletions")
    if opened.counts["created"] >= MANY or opened.run.listed:
        copying.analyse(RegisteredModel, ModelVersion, ModelFacet, ModelAlias, Placement)
    now = timezone.now()
    began = _began(opened, now - opened.run.started_at)
    runs.finish(
        opened,
        completed_at=now,
        complete_seconds=(now - opened.run.started_at).total_seconds(),
        imported_at=connection.imported_at or now,
        imported_from=connections.address(connection),
        listed_at=max(filter(None, [connection.listed_at, began]), default=None),
    )


def _began(opened: Pass, took: timedelta) -> datetime | None:
    """Return MLflow's time when the pass began; without a clock of MLflow's the newest time of a model."""
    if opened.client.date is None:
        opened.client.search_models(rows=1)
    if opened.client.date:
        return opened.client.date - took
    rows = RegisteredModel.objects.filter(connection=opened.connection, deleted_at=None)
    return rows.aggregate(newest=Max("updated_at"))["newest"]


def _mirror_part(opened: Pass, part: Remote) -> set[str]:
    left = mirror(opened, part, replaces=False)
    summarise_new(opened.connection, part.models)
    return left


def _not_listed(connection: Connection, names: set[str]) -> list[str]:
    live = RegisteredModel.objects.filter(connection=connection, deleted_at=None).values_list("name", flat=True)
    return [name for name in live.iterator() if name not in names]


def _parts(client: MlflowClient, pages: Iterable[ModelPage]) -> Iterator[Remote]:
    """Read all models with their versions, some at a time."""
    for page in pages:
        for models in _batches(page.models):
            part = Remote()
            for model in models:
                part.add_model(model)
            listing.add_versions(client, part, part.models)
            yield part


def _ahead(parts: Iterator[Remote], opened: Pass) -> Iterator[Remote]:
    """Ask for the next part while the last one is used, and show life while it is waited for."""
    with ThreadPoolExecutor(1) as pool:
        coming = pool.submit(next, parts, None)
        while (part := _awaited(coming, opened)) is not None:
            coming = pool.submit(next, parts, None)
            yield part


def _awaited(coming: Future[Remote | None], opened: Pass) -> Remote | None:
    """Return the next part. Only this thread may write: it holds the database, and the tests' transaction."""
    while not wait([coming], timeout=PULSE_SECONDS).done:
        opened.pulse("reading")
    return coming.result()


def _batches(rows: Iterable[T]) -> Iterator[list[T]]:
    batch: list[T] = []
    for row in rows:
        batch.append(row)
        if len(batch) == SHARD_MODELS:
            yield batch
            batch = []
    if batch:
        yield batch


def _store(opened: Pass, page: ModelPage) -> None:
    """Store a page as shards and ask for their mirroring. The last page also ends the listing."""
    with transaction.atomic():
        opened.fence()
        number = SyncShard.objects.filter(run=opened.run).aggregate(last=Max("number"))["last"] or 0
        for models in _batches(page.models):
            number += 1
            SyncShard.objects.create(
                run=opened.run,
                number=number,
                names=[model.name for model in models],
                payload=[said.written(model) for model in models],
                asked_at=min(model.asked_at for model in models),
            )
            _ask_for_shard(opened.run, number)
        listed = page.after is None
        token = opened.run.page_token if page.after is None else str(page.after)
        opened.run.page_token, opened.run.listed = token, listed
        row = SyncRun.objects.filter(pk=opened.run.pk)
        total = (row.values_list("total", flat=True)[0] or 0) + len(page.models)
        opened.add_to_record(page_token=token, listed=listed, total=total)
        _ask_for_the_end(opened.run.pk, opened.run.requested_by)


def _ask_for_shard(run: SyncRun, number: int) -> None:
    key = f"{SHARD}:{run.pk}:{number}"
    enqueue(SHARD, key=key, requested_by=run.requested_by, max_attempts=ATTEMPTS, bulk=True, run=run.pk, number=number)


def _ask_for_the_end(run_id: int, requested_by: str) -> None:
    """Ask for the end of the pass when nothing else is left, in a transaction that holds the fence."""
    listed = SyncRun.objects.filter(pk=run_id, listed=True).exists()
    if listed and not SyncShard.objects.filter(run=run_id, done_at=None).exists():
        key = f"{SYNC_END}:{run_id}"
        enqueue(SYNC_END, key=key, requested_by=requested_by, max_attempts=ATTEMPTS, bulk=True, run=run_id)
