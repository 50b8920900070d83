"""The only way from MLflow's answers into the mirror: compare, confirm, lock, compare again, write, tell."""

from collections.abc import Iterable
from datetime import datetime

from django.db import transaction

from apps.registry import observers, origins, summaries
from apps.registry import remote as said
from apps.registry.applying import apply, confirm, load
from apps.registry.mlflow import MlflowNotFound, MlflowRefused
from apps.registry.models import Connection, RegisteredModel, SyncKind, SyncRun, SyncState
from apps.registry.observers import Change
from apps.registry.planning import Local, Plan, Remote, plan
from apps.registry.remote import RemoteModel
from apps.registry.syncing import listing
from apps.registry.syncing.runs import Pass

GROUPS_PER_TRANSACTION = 100
CONFIRMED_AT_ONCE = 1000  # missing rows that are checked with MLflow for one part; more wait for the next pass

Gone = dict[object, datetime]  # what MLflow denied when: ids of models, and (id of model, number) of versions


def mirror(work: Pass, remote: Remote, *, replaces: bool) -> set[str]:
    """Bring the mirror in step with `remote`, in bounded transactions.

    A name may belong to another model now, and the old model have another name that is not in `remote`. Only with
    `replaces` is the old one marked as deleted; otherwise the name is left out and returned.
    """
    local = _load(work, remote)
    draft = plan(remote, local)
    gone = _confirm(work, draft, remote)
    if draft.needs_confirmation:
        draft = plan(remote, local)  # with what the confirmation brought to light
    work.counts["models"] += len(remote.models)
    work.counts["versions"] += sum(map(len, remote.versions.values()))
    left: set[str] = set()
    groups = draft.groups()
    confirms = _confirms(work)
    if confirms:
        groups += [{name} for name in sorted(remote.names() - set().union(*groups))]
    for start in range(0, len(groups), GROUPS_PER_TRANSACTION):
        names = set().union(*groups[start : start + GROUPS_PER_TRANSACTION])
        left |= _write(work, remote.part(names), names, gone, replaces=replaces, confirms=confirms)
        work.pulse("writing")
    return left


def tell(connection: str, changes: list[Change]) -> None:
    """Tell the observers, in the caller's transaction; the first import is what later changes are measured by."""
    if not changes:
        return
    source = Connection.objects.get(pk=connection)
    if source.imported_at is not None and not origins.is_elsewhere(source):
        observers.tell(changes)


def summarise_new(connection: str, names: Iterable[str]) -> None:
    """Make the summaries of models that never had one."""
    rows = RegisteredModel.objects.filter(connection=connection, name__in=list(names), deleted_at=None, search_text="")
    if found := list(rows.values_list("pk", flat=True)):
        with transaction.atomic():
            summaries.refresh(found)


def _load(work: Pass, remote: Remote) -> list[Local]:
    """Read the rows of these names, and those that may have had these models' former names."""
    connection = work.connection
    local = load(connection, remote.names())
    known = {(mine.row.name, mine.row.created_at) for mine in local}
    created: set[datetime] = {m.created_at for m in remote.models.values() if (m.name, m.created_at) not in known}
    return load(connection, remote.names(), created) if created and _any_created(connection, created) else local


def _any_created(connection: str, created: set[datetime]) -> bool:
    return RegisteredModel.objects.filter(connection=connection, deleted_at=None, created_at__in=created).exists()


def _confirm(work: Pass, draft: Plan, remote: Remote) -> Gone:
    """Ask MLflow about each row that is missing. Returns those that it denies.

    What turns out to be there is added to `remote`, as if it had been listed.
    """
    gone: Gone = {}
    asked = [*draft.gone_models, *(change.local for change in draft.renamed())][:CONFIRMED_AT_ONCE]
    for local in asked:
        asked_at = said.now()
        if _model_is_gone(work, local, remote):
            gone[local.row.pk] = asked_at
        work.pulse("checking deletions")
    found = [name for name in remote.models if name in remote.missing]
    listing.add_versions(work.client, remote, found)
    for local, row in draft.gone_versions[: CONFIRMED_AT_ONCE - len(asked)]:
        asked_at = said.now()
        try:
            remote.add_version(work.client.get_version(local.row.name, row.number))
        except MlflowNotFound:
            gone[local.row.pk, row.number] = asked_at
        except MlflowRefused:
            pass  # not allowed to look: that says nothing about its existence
        work.pulse("checking deletions")
    return gone


def _model_is_gone(work: Pass, local: Local, remote: Remote) -> bool:
    try:
        found = work.client.get_model(local.row.name)
    except MlflowNotFound:
        return True
    except MlflowRefused:
        return False
    if found.created_at != local.row.created_at:
        return True
    remote.add_model(found)
    return False


def _confirms(work: Pass) -> bool:
    """Whether answers that change nothing are noted too, lest another pass that asked before writes its older ones.

    Reading single models always does; a pass over changes where another pass runs. The rest would write without need.
    """
    if work.run.kind != SyncKind.CHANGES:
        return work.run.kind == SyncKind.MODELS
    running = SyncRun.objects.filter(connection=work.connection, state=SyncState.RUNNING)
    return running.exclude(pk=work.run.pk).exists()


def _write(work: Pass, part: Remote, names: set[str], gone: Gone, *, replaces: bool, confirms: bool) -> set[str]:
    """Plan again for these names on locked rows, and write. Returns the names that are left out."""
    connection = work.connection
    with transaction.atomic():
        work.fence()
        local = load(connection, names, lock=True)
        final = plan(part, local)
        _keep_denied(final, gone)
        final.new_models = _not_deleted_since(connection, final.new_models)
        left = _leave_out(connection, final, replaces=replaces)
        written = apply(connection, final, part)
        if confirms:
            confirm(local, part)
        tell(connection, written.changes)
    work.counts += written.counts
    return left


def _keep_denied(final: Plan, gone: Gone) -> None:
    """Let only that be deleted which MLflow denied, and note when it did: answers to earlier questions are old."""
    final.gone_models = [local for local in final.gone_models if local.row.pk in gone]
    final.gone_versions = [pair for pair in final.gone_versions if (pair[0].row.pk, pair[1].number) in gone]
    for local in final.gone_models:
        local.row.seen_at = gone[local.row.pk]
    for local, row in final.gone_versions:
        row.seen_at = gone[local.row.pk, row.number]


def _not_deleted_since(connection: str, models: list[RemoteModel]) -> list[RemoteModel]:
    """Leave out the models that MLflow denied after these answers about them were asked for."""
    if not models:
        return models
    deleted = RegisteredModel.objects.filter(
        connection=connection, deleted_at__isnull=False, name__in=[row.name for row in models]
    )
    denied: dict[tuple[str, datetime], datetime] = {}
    for name, created_at, seen_at in deleted.values_list("name", "created_at", "seen_at"):
        if seen_at:
            denied[name, created_at] = max(seen_at, denied.get((name, created_at), seen_at))
    return [row for row in models if row.asked_at >= denied.get((row.name, row.created_at), row.asked_at)]


def _leave_out(connection: str, final: Plan, *, replaces: bool) -> set[str]:
    """Take out of the plan what would take a name that a live model keeps. Returns these names."""
    left: set[str] = set()
    if not replaces:
        left |= {local.row.name for local in final.replaced_models}
        final.replaced_models = []
    targets = {model.name for model in final.new_models} | {change.remote.name for change in final.renamed()}
    live = RegisteredModel.objects.filter(connection=connection, deleted_at=None, name__in=targets)
    holders = dict(live.values_list("name", "pk")) if targets else {}
    while True:
        freed = {local.row.pk for local in [*final.replaced_models, *final.gone_models]}
        freed |= {change.local.row.pk for change in final.renamed()}
        left |= {name for name, pk in holders.items() if pk not in freed}
        blocked = [change for change in final.renamed() if change.remote.name in left]
        if not blocked:
            break
        final.changed_models = [change for change in final.changed_models if change not in blocked]
    final.new_models = [model for model in final.new_models if model.name not in left]
    return left
