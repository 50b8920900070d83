"""Make an API token for a person or a service account. The trail names that person, with source “Command”."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from apps.accounts.models import TokenScope, User
from apps.accounts.tokens import DEFAULT_DAYS, create_token
from apps.errors import DomainError


class Command(BaseCommand):
    help = "Make an API token and print it, once, alone on stdout."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("user", help="user name of the person or service account that the token acts for")
        parser.add_argument("--name", required=True, help="what it is for")
        parser.add_argument("--expires", type=int, default=DEFAULT_DAYS, metavar="DAYS", help="1 to 365 (default: 90)")
        parser.add_argument("--scope", choices=TokenScope.values, default=TokenScope.WRITE.value)
        parser.add_argument("--model", action="append", default=[], help="the only model that it sees; may be repeated")

    def handle(self, *, user: str, name: str, expires: int, scope: str, model: list[str], **options: Any) -> None:
        person = User.objects.filter(username=user, is_active=True).first()
        if person is None:
            raise CommandError(f"There is no active person with the user name {user}.")
        try:
            made = create_token(name, by=person, scope=scope, models=model, days=expires)
        except DomainError as error:
            raise CommandError(error.message) from error
        self.stdout.write(made.text)
