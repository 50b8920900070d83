"""Write the whole trail to stdout as JSON lines, for `verify_audit FILE` or any other reader."""

from typing import Any

from django.core.management.base import BaseCommand

from apps.audit.export import to_line
from apps.audit.models import AuditEvent


class Command(BaseCommand):
    help = "Write every audit event to stdout, one JSON object per line, oldest first."

    def handle(self, **options: Any) -> None:
        for event in AuditEvent.objects.order_by("id").iterator(chunk_size=1000):
            self.stdout.write(to_line(event))
