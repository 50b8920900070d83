"""Check that no event was changed, removed or inserted, in the database or in an export."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from apps.audit.chain import Verified, verify
from apps.audit.export import UnreadableLineError, from_lines
from apps.audit.models import AuditEvent, ChainHead


class Command(BaseCommand):
    help = "Verify the audit trail's hash chain. Prints the first event that does not fit and exits with 1."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", nargs="?", help="an export (JSON lines); without it, the database is verified")

    def handle(self, *, file: str | None = None, **options: Any) -> None:
        found = verify_file(file) if file else verify_database()
        if found.misfit:
            raise CommandError(found.misfit, returncode=1)
        self.stdout.write(f"{found.count} events fit the chain. Last hash: {found.last_hash}")


def verify_database() -> Verified:
    """Verify the table, and that its end is where the chain's head says."""
    head = ChainHead.objects.filter(id=1).values_list("last_id", "last_hash").first()  # before: events may be added
    return verify(AuditEvent.objects.order_by("id").iterator(chunk_size=1000), head=head or (0, ""))


def verify_file(name: str) -> Verified:
    """Verify an export. Its end is compared by the reader, with a number and hash kept elsewhere."""
    try:
        with open(name, encoding="utf-8") as lines:
            return verify(from_lines(lines))
    except (UnreadableLineError, OSError, UnicodeDecodeError) as error:
        raise CommandError(str(error), returncode=1) from error
