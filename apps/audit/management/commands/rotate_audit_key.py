"""Sign checkpoints with a new key from now on."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from apps.audit.proof.keys import rotate
from apps.errors import DomainError


class Command(BaseCommand):
    help = "Make a new key for the trail's checkpoints. Old public keys stay; tell those who keep the old one."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--reason", required=True, help="why; it is kept in the trail")

    def handle(self, *, reason: str, **options: Any) -> None:
        try:
            made = rotate(reason=reason)
        except DomainError as error:
            raise CommandError(error.message, returncode=1) from error
        self.stdout.write(f"New key {made.key_id}\n{made.public_key}")
