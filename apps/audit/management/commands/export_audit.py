"""Write the whole trail to stdout as JSON lines, for `verify_audit FILE` or any other reader."""

from typing import Any

from django.core.management.base import BaseCommand

from apps.audit.manifest import export_lines
from apps.audit.models import AuditEvent
from apps.audit.proof.keys import OPERATOR


class Command(BaseCommand):
    help = "Write every audit event to stdout, one JSON object per line, oldest first, then checkpoints and manifest."

    def handle(self, **options: Any) -> None:
        events = AuditEvent.objects.order_by("id").iterator(chunk_size=1000)
        for line in export_lines(events, by=OPERATOR.name):
            self.stdout.write(line, ending="")
