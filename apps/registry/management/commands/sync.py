"""`manage.py sync`: mirror MLflow now, in the foreground."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from apps.errors import DomainError
from apps.registry import services, sync
from apps.registry.models import RegisteredModel, SyncRun


class Command(BaseCommand):
    help = "Mirror the MLflow registry now: models, versions, stages, aliases, tags, runs and signatures."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--full", action="store_true", help="also read all runs and MLmodel files again")
        parser.add_argument("--model", metavar="NAME", help="only this registered model")

    def handle(self, *args: Any, full: bool = False, model: str | None = None, **options: Any) -> None:
        try:
            run = sync.synchronise(requested_by=sync.BY_COMMAND, full=full, model=model, progress=self._show)
            read = services.read_due_details(lambda done, total: self._show(done, total, "runs and MLmodel files"))
        except DomainError as error:
            self._end_line()
            raise CommandError(error.message) from error
        self._end_line()
        if model and not run.counts.get("models") and not RegisteredModel.objects.filter(name=model).exists():
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
    counts = {name: run.counts.get(name, 0) for name in ("models", "versions", "created", "changed", "deleted")}
    seconds = (run.finished_at - run.started_at).total_seconds() if run.finished_at else 0
    listed = (
        "{models} models and {versions} versions in MLflow: {created} created, {changed} changed, {deleted} deleted"
    )
    return f"{listed.format(**counts)}, {read} details read. The sync took {seconds:.1f} s."
