"""Check that no event was changed, removed or inserted, in the database or in an export."""

from argparse import ArgumentParser
from collections.abc import Sequence
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from apps.audit.proof.verifying import verify_database, verify_file


class Command(BaseCommand):
    help = "Verify the audit trail: chain and checkpoints. Prints the first event that does not fit and exits with 1."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", nargs="?", help="an export (JSON lines); without it, the database is verified")
        parser.add_argument(
            "--public-key",
            action="append",
            default=[],
            help="a key, its fingerprint, or a file with one: who must sign",
        )

    def handle(self, *, file: str | None = None, public_key: Sequence[str] = (), **options: Any) -> None:
        try:
            found = verify_file(file, public_key) if file else verify_database(public_key)
        except ValueError as error:
            raise CommandError(str(error), returncode=2) from error
        if found.misfit:
            raise CommandError(found.misfit, returncode=1)
        self.stdout.write(f"{found.count} events fit the chain. Last hash: {found.last_hash}")
        for remark in found.remarks:
            self.stdout.write(remark)
