"""Revoke an API token at once. The trail names its person, with source “Command”."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from apps.accounts.models import ApiToken
from apps.accounts.tokens import prefix_of, revoke_token
from apps.masking import masked


class Command(BaseCommand):
    help = "Revoke the API token with this prefix, the part between the underscores: assent_<prefix>_…"

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("prefix")

    def handle(self, *, prefix: str, **options: Any) -> None:
        token = ApiToken.objects.select_related("user").filter(prefix=prefix_of(prefix)).first()
        if token is None:
            raise CommandError(f"There is no token with the prefix {masked(prefix)}.")
        revoke_token(prefix, by=token.user)
        self.stdout.write(f"Revoked {token}.")
