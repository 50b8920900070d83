"""`manage.py register_webhook`: have MLflow tell of changes. A second run changes nothing."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from apps.accounts.models import User
from apps.errors import DomainError
from apps.registry import connections
from apps.registry.models import DEFAULT_CONNECTION
from apps.registry.webhooks import registering


class Command(BaseCommand):
    help = "Registers Assent's webhook with MLflow, unless it is registered there already."

    def add_arguments(self, parser: CommandParser) -> None:
        """Who does it, for which connection, and where MLflow reaches Assent."""
        parser.add_argument("person", metavar="USER", help="In whose name: somebody who manages connections.")
        parser.add_argument("--connection", default=DEFAULT_CONNECTION, metavar="NAME")
        parser.add_argument("--url", default="", help="Where MLflow reaches Assent; made from ASSENT_WEBHOOK_URL.")

    def handle(self, *args: Any, **options: Any) -> None:
        """Register, or say why not."""
        person = User.objects.filter(username=options["person"]).first()
        if person is None:
            raise CommandError("Nobody has this user name.")
        try:
            connection = connections.get(options["connection"])
            if registering.is_registered(connection, options["url"]):
                self.stdout.write("The webhook is registered already.")
                return
            row = registering.register(connection.name, by=person, url=options["url"])
        except DomainError as error:
            raise CommandError(error.message) from error
        self.stdout.write(f"MLflow tells of changes at {row.webhook_url} now.")
