"""Publish a draft from the server's own shell: the first policies, or where there is only one admin."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from apps.approvals.policies import publishing
from apps.errors import DomainError


class Command(BaseCommand):
    help = "Publish the draft of a policy as the operator. The trail names system:operator, with source “Command”."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("draft", type=int, help="number of the draft, as its page shows it")
        parser.add_argument("--reason", required=True, help="kept in the history and in the audit trail")

    def handle(self, *, draft: int, reason: str, **options: Any) -> None:
        try:
            published = publishing.publish(draft, by=None, reason=reason)
        except DomainError as error:
            raise CommandError(error.message) from error
        self.stdout.write(f"Policy {published.pk} is in force, revision {published.revision}.")
