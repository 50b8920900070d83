"""Give an API token a new secret. The trail names its person, with source “Command”."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from apps.accounts.models import ApiToken
from apps.accounts.tokens import DEFAULT_DAYS, DEFAULT_OVERLAP, prefix_of, renew_token
from apps.errors import DomainError
from apps.masking import masked


class Command(BaseCommand):
    help = "Give an API token a new secret and print it, once, alone on stdout. The old one works on for some hours."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("prefix", help="the part between the underscores: assent_<prefix>_…")
        parser.add_argument("--expires", type=int, default=DEFAULT_DAYS, metavar="DAYS", help="1 to 365 (default: 90)")
        parser.add_argument(
            "--overlap", type=int, default=DEFAULT_OVERLAP, metavar="HOURS", help="0 to 168 (default: 24)"
        )

    def handle(self, *, prefix: str, expires: int, overlap: int, **options: Any) -> None:
        token = ApiToken.objects.select_related("user").filter(prefix=prefix_of(prefix)).first()
        if token is None:
            raise CommandError(f"There is no token with the prefix {masked(prefix)}.")
        try:
            made = renew_token(prefix, by=token.user, days=expires, overlap=overlap)
        except DomainError as error:
            raise CommandError(error.message) from error
        self.stdout.write(made.text)
