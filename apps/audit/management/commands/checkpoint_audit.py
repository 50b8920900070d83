"""Sign where the trail stands now."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError

from apps.audit.chain import canonical_json
from apps.audit.proof.checkpoints import ask_checkpoint, content_of
from apps.audit.proof.keys import OPERATOR
from apps.errors import DomainError


class Command(BaseCommand):
    help = "Sign where the audit trail stands, and print the checkpoint as JSON: keep it somewhere else."

    def handle(self, **options: Any) -> None:
        try:
            made = ask_checkpoint(by=OPERATOR)
        except DomainError as error:
            raise CommandError(error.message, returncode=1) from error
        self.stdout.write(canonical_json({**content_of(made), "signature": made.signature}))
