"""Add a service account: a machine that acts through tokens alone and signs off nothing."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from apps.accounts.models import User
from apps.accounts.services import create_service_account
from apps.errors import DomainError


class Command(BaseCommand):
    help = "Add a service account, in no group. Make its tokens with create_token."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("username", help="its user name, such as ci-churn")
        parser.add_argument("--by", required=True, metavar="USER", help="the admin in whose name it is added")
        parser.add_argument("--name", default="", help="what it is, as lists show it")
        parser.add_argument("--reason", default="", help="kept in the trail")

    def handle(self, *, username: str, by: str, name: str, reason: str, **options: Any) -> None:
        admin = User.objects.filter(username=by, is_active=True).first()
        if admin is None:
            raise CommandError(f"There is no active person with the user name {by}.")
        try:
            made = create_service_account(username, by=admin, name=name, reason=reason)
        except DomainError as error:
            raise CommandError(error.message) from error
        self.stdout.write(f"Added {made}. It is in no group yet.")
