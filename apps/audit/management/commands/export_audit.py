"""Write the whole trail to stdout as JSON lines, for `verify_audit FILE` or any other reader."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError

from apps.audit.manifest import export_lines
from apps.audit.models import AuditEvent
from apps.audit.proof.keys import OPERATOR, signer
from apps.errors import WrongState


class Command(BaseCommand):
    help = "Write every audit event to stdout, one JSON object per line, oldest first, then checkpoints and manifest."

    def handle(self, **options: Any) -> None:
        try:
            key = signer()
        except WrongState as error:
            raise CommandError(error.message, returncode=1) from error
        events = AuditEvent.objects.order_by("id").iterator(chunk_size=1000)
        for line in export_lines(events, by=OPERATOR.name, signer=key):
            self.stdout.write(line, ending="")
