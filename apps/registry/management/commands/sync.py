"""`manage.py sync`: mirror MLflow now, in the foreground."""

from argparse import ArgumentParser
from collections import Counter
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from apps.errors import DomainError
from apps.registry import connections, services, sync
from apps.registry.models import DEFAULT_CONNECTION, RegisteredModel, SyncKind, SyncRun, SyncState

COUNTED = ("models", "versions", "created", "changed", "deleted")


class Command(BaseCommand):
    help = (
        "Mirror the MLflow registries now: models, versions, stages, aliases, tags, runs and signatures. Looks at what "
        "changed, and at everything when that is due or takes little time."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--full", action="store_true", help="look at everything, and read all details again")
        parser.add_argument("--model", metavar="NAME", help="only this registered model ('churn', or 'eu:churn')")
        parser.add_argument("--connection", metavar="NAME", help="only this MLflow server; otherwise all that are on")

    def handle(
        self, *args: Any, full: bool = False, model: str | None = None, connection: str | None = None, **options: Any
    ) -> None:
        if model is not None:
            named, model = connections.split_reference(model)
            connection = connection or named
        names = [connection] if connection else list(connections.enabled().values_list("name", flat=True))
        for name in names:
            try:
                self._sync(name, full=full, model=model)
            except DomainError as error:
                self._end_line()
                raise CommandError(error.message if len(names) == 1 else f"{name}: {error.message}") from error

    def _sync(self, connection: str, *, full: bool, model: str | None) -> None:
        run = sync.synchronise(
            requested_by=sync.BY_COMMAND, full=full, model=model, connection=connection, progress=self._show
        )
        if run.state == SyncState.CANCELLED:
            self._end_line()
            raise CommandError(f"{run.cancelled_by} cancelled the sync. What it had mirrored by then stays.")
        read = services.read_due_details(
            lambda done, total: self._show(done, total, "runs and MLmodel files"), connection
        )
        self._end_line()
        known = RegisteredModel.objects.filter(connection=connection, name=model)
        if model and not run.counts.get("models") and not known.exists():
            raise CommandError(f"MLflow has no registered model named {model!r}.")
        self.stdout.write(self.style.SUCCESS(_sentence(run, read)))

    def _show(self, done: int, total: int | None, note: str = "") -> None:
        """Rewrite one line on a terminal; stay silent in a pipe."""
        if self.stdout.isatty():
            self.stdout.write(f"\r{note} {done}{f' of {total}' if total else ''}\033[K", ending="")
            self.stdout.flush()

    def _end_line(self) -> None:
        if self.stdout.isatty():
            self.stdout.write("\r\033[K", ending="")


def _sentence(run: SyncRun, read: int) -> str:
    counts = {name: Counter(run.counts)[name] for name in COUNTED}
    seconds = (run.finished_at - run.started_at).total_seconds() if run.finished_at else 0
    where = "changed in MLflow" if run.kind == SyncKind.CHANGES else "in MLflow"
    listed = "{models} models and {versions} versions {where}: {created} created, {changed} changed, {deleted} deleted"
    source = "" if run.connection_id == DEFAULT_CONNECTION else f"{run.connection_id}: "
    said = f"{source}{listed.format(where=where, **counts)}, {read} details read."
    return f"{said} The sync took {seconds:.1f} s."
