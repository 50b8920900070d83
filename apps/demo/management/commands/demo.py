"""`manage.py demo`: the whole system on one machine, until Ctrl-C."""

import sys
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from apps.demo.processes import DemoError
from apps.demo.supervisor import Supervisor


class Command(BaseCommand):
    requires_system_checks: list[str] = []  # quick start: `make check` runs them
    help = "Starts Assent with a local MLflow, trained models and demo people; Ctrl-C stops everything."

    def handle(self, *args: Any, **options: Any) -> None:
        """Run the supervisor; its exit code is ours."""
        if settings.PRODUCTION:
            raise CommandError("The demo makes people with printed passwords: it does not run in production mode.")
        try:
            code = Supervisor(self._write).run()
        except DemoError as failure:
            raise CommandError(str(failure)) from failure
        sys.exit(code)

    def _write(self, text: str) -> None:
        self.stdout.write(text)
        self.stdout.flush()
