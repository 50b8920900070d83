from typing import Any

from django.apps import AppConfig
from django.db.models.signals import post_migrate, pre_migrate


class AccountsConfig(AppConfig):
    name = "apps.accounts"

    def ready(self) -> None:
        from apps.accounts import schema  # noqa: F401 - importing registers it

        pre_migrate.connect(_lift_refusals, sender=self)
        post_migrate.connect(_refuse, sender=self)


def _lift_refusals(using: str, plan: Any = None, **_told: Any) -> None:
    from django.db import connections

    from apps.accounts import triggers

    if plan:
        triggers.lift(connections[using])


def _refuse(using: str, plan: Any = None, **_told: Any) -> None:
    """At the end of `migrate` (not of a flush), every table is there that there will be."""
    from django.db import connections

    from apps.accounts import triggers

    if plan is not None:
        triggers.install(connections[using])
