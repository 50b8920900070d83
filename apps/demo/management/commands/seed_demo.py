"""`manage.py seed_demo`: trained models, a sync, people, roles and policies. A second run changes nothing."""

import subprocess
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError, CommandParser

from apps.demo import cards, commands, drift, people
from apps.errors import DomainError


class Command(BaseCommand):
    requires_system_checks: list[str] = []  # quick start: `make check` runs them
    help = "Trains the demo's models into the local MLflow, mirrors them, and adds demo people. Safe to repeat."

    def add_arguments(self, parser: CommandParser) -> None:
        """One switch: the models may be there already, or be somebody else's."""
        parser.add_argument("--no-training", action="store_true", help="Leave MLflow as it is.")

    def handle(self, *args: Any, **options: Any) -> None:
        """Train unless told otherwise, sync, seed."""
        if settings.PRODUCTION:
            raise CommandError("Demo people have printed passwords: they are not made in production mode.")
        marker = Path(settings.DATA_DIR) / "mlflow" / "trained"
        if not options["no_training"] and not marker.exists():
            marker.parent.mkdir(exist_ok=True)
            code = subprocess.run(commands.training(settings.MLFLOW_BACKEND_URL, marker), check=False).returncode
            if code:
                raise CommandError(f"The training failed (exit code {code}); its last lines say why.")
        try:
            call_command("sync")
        except CommandError as error:
            raise CommandError(
                f"{error} The demo's first start needs MLflow: start the one of MLFLOW_BACKEND_URL, then again."
            ) from error
        people.seed_people()
        try:
            cards.seed_cards(own_mlflow=drift.is_own(marker))
        except DomainError as error:  # the rest of the demo stands without them
            self.stderr.write(f"Some of the demo's model cards were not made: {error}")
        drift.move_one_in_mlflow(marker)
        self.stdout.write("The demo's models, people and policies are in place.")
