"""Single models read and mirrored at once, in the request that changed them: no job, and no record of a pass."""

from collections.abc import Iterable

from django.db import IntegrityError

from apps.errors import Conflict
from apps.registry import connections
from apps.registry.claims import Claim, claimed
from apps.registry.mlflow import MlflowNotFound
from apps.registry.models import Connection, SyncKind, SyncRun, SyncState
from apps.registry.planning import Remote
from apps.registry.syncing import touched
from apps.registry.syncing.runs import Pass
from apps.registry.syncing.writing import mirror, summarise_new


class Visit(Pass):
    """A pass without a record: it is over when the request is."""

    def pulse(self, note: str) -> None:
        """Nobody watches it."""

    def fence(self) -> None:
        """Write one at a time with other visits, and with the passes that run."""
        Connection.objects.select_for_update(no_key=True).get(pk=self.connection)
        running = SyncRun.objects.select_for_update().filter(connection=self.connection, state=SyncState.RUNNING)
        list(running.order_by("pk").values_list("pk", flat=True))


def mirror_now(connection: str, names: Iterable[str], *, number: int | None = None, claim: Claim | None = None) -> None:
    """Read models from MLflow and bring the mirror up to date; with `number` only that version, where it is mirrored.

    Not inside a transaction: it waits for MLflow. Raises UpstreamUnavailable when MLflow does not deliver, Conflict
    when another pass was quicker; then nothing is written, and a note (`requests.touch`) has it read later.
    """
    names = set(names)
    with connections.calls(connection) as client, claimed(claim):
        work = Visit(SyncRun(connection_id=connection, kind=SyncKind.MODELS), client)
        remote = _one_version(work, names, number) if number else None
        try:
            mirror(work, remote or touched.read_whole(work, names), replaces=True)
        except IntegrityError as error:
            raise Conflict("another pass has mirrored this in the same moment") from error
    summarise_new(connection, names)


def _one_version(work: Visit, names: set[str], number: int) -> Remote | None:
    """Return a model with one of its versions; None when MLflow has one of them no longer."""
    remote = Remote()
    touched.read_models(work, remote, names)
    try:
        for name in remote.models:
            remote.add_version(work.client.get_version(name, number))
    except MlflowNotFound:
        return None
    return None if remote.missing else remote
