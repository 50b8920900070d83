"""One pass over MLflow: list everything, compare, write the differences in bounded transactions.

Nothing is written before the whole listing is in, and nothing is marked as deleted before MLflow said that it has it
no longer. Two passes at once wait for each other and find nothing left to do.
"""

from collections import Counter
from collections.abc import Callable, Iterable
from datetime import timedelta

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from apps.errors import UpstreamUnavailable
from apps.registry import connections
from apps.registry.applying import apply, load
from apps.registry.mlflow import MlflowClient, MlflowError, MlflowNotFound, MlflowRefused
from apps.registry.models import DEFAULT_CONNECTION, ModelVersion, RegisteredModel, SyncRun, SyncState
from apps.registry.planning import Local, Plan, Remote, plan
from apps.registry.queries import STALE_RUN
from apps.registry.remote import RemoteModel, RemoteVersion

__all__ = ["apply", "load", "plan", "synchronise"]

GROUPS_PER_TRANSACTION = 50
CONFIRMED_PER_RUN = 1000  # deletions that are checked with MLflow in one pass; more wait for the next
BY_COMMAND = "command"  # a sync in the foreground, beside the worker's
KEPT_RUNS = timedelta(days=14)
Progress = Callable[[int, int | None, str], None]  # done, total, what


def synchronise(
    *,
    requested_by: str,
    full: bool = False,
    model: str | None = None,
    connection: str = DEFAULT_CONNECTION,
    progress: Progress = lambda done, total, note: None,
) -> SyncRun:
    """Mirror MLflow once, or one model of it. `full` also takes older rows for true and reads all details again.

    Returns the finished SyncRun. Raises UpstreamUnavailable when MLflow did not deliver: that is recorded in the
    SyncRun, and the mirror stays as it was.
    """
    run = _start(requested_by, connection)
    try:
        with connections.client(connection) as client:
            counts = _run(client, run, full=full, model=model, progress=progress)
    except MlflowError as error:
        _finish(run, SyncState.FAILED, error=str(error))
        raise UpstreamUnavailable(
            _("The sync stopped: %(problem)s The mirror keeps the last good data.") % {"problem": error}
        ) from error
    except BaseException as error:
        _finish(run, SyncState.FAILED, error=f"{type(error).__name__}: {error}"[:1000])
        raise
    _finish(run, SyncState.DONE, counts=dict(counts))
    return run


def _run(client: MlflowClient, run: SyncRun, *, full: bool, model: str | None, progress: Progress) -> Counter[str]:
    remote = _list_one(client, model) if model is not None else _list_all(client, progress)
    names = None if model is None else [model]
    mirror = load(names)
    gone = _confirm(client, plan(remote, mirror, trust_older=full), remote, progress)
    draft = plan(remote, mirror, trust_older=full)  # with what the confirmation brought to light
    groups = draft.groups()
    counts: Counter[str] = Counter(models=len(remote.models), versions=sum(map(len, remote.versions.values())))
    for start in range(0, len(groups), GROUPS_PER_TRANSACTION):
        touched = set().union(*groups[start : start + GROUPS_PER_TRANSACTION])
        counts += _write(remote, touched, gone, trust_older=full)
        progress(min(start + GROUPS_PER_TRANSACTION, len(groups)), len(groups), "writing")
    if full:
        versions = ModelVersion.objects.filter(deleted_at=None)
        versions = versions if model is None else versions.filter(model__name=model)
        versions.update(details_due_at=timezone.now())
    return counts


def _list_all(client: MlflowClient, progress: Progress) -> Remote:
    """Read the whole listing. Pages shift while others write: of two rows the newer counts."""
    remote = Remote()

    def on_page() -> None:
        progress(len(remote.models) + sum(map(len, remote.versions.values())), None, "reading")

    for version in client.versions(on_page):
        _keep_version(remote, version)
    for model in client.models(on_page):  # last: a version listed above then has its model
        _keep_model(remote, model)
    return remote


def _list_one(client: MlflowClient, name: str) -> Remote:
    remote = Remote()
    try:
        _keep_model(remote, client.get_model(name))
    except MlflowNotFound:
        return remote
    quote = next((sign for sign in ("'", '"') if sign not in name), "")
    for version in client.versions(filter_text=f"name = {quote}{name}{quote}" if quote else ""):
        if version.name == name:
            _keep_version(remote, version)
    return remote


def _keep_version(remote: Remote, version: RemoteVersion) -> None:
    rows = remote.versions.setdefault(version.name, {})
    known = rows.get(version.number)
    if known is None or version.updated_at >= known.updated_at:
        rows[version.number] = version


def _keep_model(remote: Remote, model: RemoteModel) -> None:
    known = remote.models.get(model.name)
    if known is None or model.updated_at >= known.updated_at:
        remote.models[model.name] = model


def _confirm(client: MlflowClient, draft: Plan, remote: Remote, progress: Progress) -> set[object]:
    """Ask MLflow about each row that the listing lacks. Returns those that it denies: model ids, (model id, number).

    What turns out to be there is added to `remote`, as if it had been listed.
    """
    gone: set[object] = {local.row.pk for local in draft.replaced_models}
    renamed = [change.local for change in draft.changed_models if change.remote.name != change.local.row.name]
    asked = [*draft.gone_models, *renamed][:CONFIRMED_PER_RUN]
    for local in asked:
        if _model_is_gone(client, local, remote):
            gone.add(local.row.pk)
        progress(len(gone), None, "checking deletions")
    for local, row in draft.gone_versions[: CONFIRMED_PER_RUN - len(asked)]:
        try:
            _keep_version(remote, client.get_version(local.row.name, row.number))
        except MlflowNotFound:
            gone.add((local.row.pk, row.number))
        except MlflowRefused:
            pass  # not allowed to look: that says nothing about its existence
        progress(len(gone), None, "checking deletions")
    return gone


def _model_is_gone(client: MlflowClient, local: Local, remote: Remote) -> bool:
    try:
        found = client.get_model(local.row.name)
    except MlflowNotFound:
        return True
    except MlflowRefused:
        return False
    _keep_model(remote, found)
    return found.created_at != local.row.created_at


def _write(remote: Remote, names: Iterable[str], gone: set[object], *, trust_older: bool) -> Counter[str]:
    """Plan again for these names on locked rows, and write. Only confirmed deletions are carried out."""
    names = set(names)
    part = Remote(
        {name: remote.models[name] for name in names if name in remote.models},
        {name: remote.versions[name] for name in names if name in remote.versions},
    )
    with transaction.atomic():
        _wait_for_other_syncs()
        final = plan(part, load(names, lock=True), trust_older=trust_older)
        final.replaced_models = [local for local in final.replaced_models if local.row.pk in gone]
        final.gone_models = [local for local in final.gone_models if local.row.pk in gone]
        final.gone_versions = [pair for pair in final.gone_versions if (pair[0].row.pk, pair[1].number) in gone]
        blocked = set(
            RegisteredModel.objects.filter(deleted_at=None, name__in=[model.name for model in final.new_models])
            .exclude(pk__in=[local.row.pk for local in final.replaced_models])
            .values_list("name", flat=True)
        )
        final.new_models = [model for model in final.new_models if model.name not in blocked]
        return apply(final, part.versions)


def _wait_for_other_syncs() -> None:
    """Lock all running syncs' rows, in order: of two syncs, one writes at a time."""
    list(SyncRun.objects.select_for_update().filter(state=SyncState.RUNNING).order_by("pk").values_list("pk"))


def _start(requested_by: str, connection: str) -> SyncRun:
    """Open a SyncRun; close those whose process died, and drop old ones."""
    now = timezone.now()
    SyncRun.objects.filter(state=SyncState.RUNNING, started_at__lt=now - STALE_RUN).update(
        state=SyncState.FAILED, finished_at=now, error="It was stopped before its end."
    )
    last_good = SyncRun.objects.filter(state=SyncState.DONE).order_by("-finished_at").values("pk")[:1]
    SyncRun.objects.filter(started_at__lt=now - KEPT_RUNS).exclude(
        pk__in=list(last_good.values_list("pk", flat=True))
    ).delete()
    return SyncRun.objects.create(requested_by=requested_by, connection_id=connection)


def close_abandoned() -> None:
    """Close the syncs that a killed worker left open. For the holder of the sync job only: no other worker runs one."""
    abandoned = SyncRun.objects.filter(state=SyncState.RUNNING).exclude(requested_by=BY_COMMAND)
    abandoned.update(state=SyncState.FAILED, finished_at=timezone.now(), error="It was stopped before its end.")


def _finish(run: SyncRun, state: SyncState, *, counts: dict[str, int] | None = None, error: str = "") -> None:
    run.state, run.finished_at, run.counts, run.error = state, timezone.now(), counts or {}, error
    run.save(update_fields=["state", "finished_at", "counts", "error"])
