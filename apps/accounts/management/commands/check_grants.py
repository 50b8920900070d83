"""Work out anew what follows from all grants, and say where the stored permissions differ."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import transaction

from apps.accounts import granting
from apps.accounts.granting import EVERYWHERE, Held

MOST_SHOWN = 20


class Command(BaseCommand):
    help = "Compare the stored permissions with what follows from all grants. Exits with 1 where they differ."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--repair", action="store_true", help="make them what follows from the grants")

    def handle(self, *, repair: bool, **options: Any) -> None:
        with transaction.atomic():
            found = granting.complete(repair=repair)
        kinds = (("missing", found.given), ("too much", found.taken), ("with another end", found.moved))
        for kind, rows in kinds:
            self._say(kind, rows)
        self._say("waiting for a request to be finished", found.waiting)
        if not found:
            self.stdout.write("The stored permissions are what follows from the grants.")
        elif repair:
            self.stdout.write("They are what follows from the grants now.")
        else:
            raise CommandError("They differ. Run again with --repair to make them what follows.", returncode=1)

    def _say(self, kind: str, rows: list[Held]) -> None:
        if rows:
            self.stdout.write(f"{len(rows)} {kind}:")
        for held in sorted(rows)[:MOST_SHOWN]:
            place = "the whole registry" if held.model == EVERYWHERE else f"model {held.model}"
            self.stdout.write(f"  {held.holder.kind} {held.holder.key}: {held.permission} on {place}")
        if len(rows) > MOST_SHOWN:
            self.stdout.write(f"  and {len(rows) - MOST_SHOWN} more")
