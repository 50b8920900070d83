"""Remove all second factors of a person. The trail names the operator, with source “Command”."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from apps.accounts.factors.services import reset_as_operator
from apps.accounts.models import User
from apps.errors import DomainError


class Command(BaseCommand):
    help = "Remove all second factors of a person and end their sessions: where no other admin is left who could."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("user", help="user name of the person")
        parser.add_argument("--reason", required=True, help="kept in the audit trail")

    def handle(self, *, user: str, reason: str, **options: Any) -> None:
        person = User.objects.filter(username=user).first()
        if person is None:
            raise CommandError(f"Nobody has the user name {user}.")
        try:
            removed = reset_as_operator(person, reason=reason)
        except DomainError as error:
            raise CommandError(error.message) from error
        self.stdout.write(f"Removed: {', '.join(removed)}.")
