"""Databricks' levels of permission on a registered model, and the roles of Assent that they stand for. Pure."""

from collections.abc import Iterable
from dataclasses import dataclass

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from apps.accounts.permissions import Permission
from apps.accounts.roles import ADMIN, DATA_SCIENTIST, ML_ENGINEER, REVIEWER, VIEWER


@dataclass(frozen=True)
class Level:
    """A level: who holds all of `shown` on a model has it, and it is given by giving `roles`."""

    name: str
    roles: frozenset[str]
    shown: frozenset[Permission]
    description: str | Promise


# Highest first. Assent's reviewer's duty does not stop at a stage: who was meant to sign for Staging alone is not given
# it. An admin signs nothing without the duty either.
LEVELS = (
    Level(
        "CAN_MANAGE", frozenset({ADMIN.name}), ADMIN.permissions,
        _("Everything on the model but signing off, with renaming and deleting it."),
    ),
    Level(
        "CAN_MANAGE_PRODUCTION_VERSIONS", frozenset({ML_ENGINEER.name, REVIEWER.name}),
        ML_ENGINEER.permissions | REVIEWER.permissions,
        _("Deploy, and sign off requests for any stage."),
    ),
    Level(
        "CAN_MANAGE_STAGING_VERSIONS", frozenset({ML_ENGINEER.name}), ML_ENGINEER.permissions,
        _("Deploy: also withdraw others' requests and retry a failed apply; sign off nothing."),
    ),
    Level(
        "CAN_EDIT", frozenset({DATA_SCIENTIST.name}), DATA_SCIENTIST.permissions,
        _("Register and describe versions, and ask for transitions."),
    ),
    Level("CAN_READ", frozenset({VIEWER.name}), VIEWER.permissions, _("Read the model and its versions.")),
)  # fmt: skip
BY_NAME = {level.name: level for level in LEVELS}
ROLES = frozenset().union(*(level.roles for level in LEVELS))  # what levels give and take; nothing else is touched


def level_of(held: Iterable[Permission]) -> str:
    """Return the highest level that permissions on a model amount to; empty for none."""
    all_held = frozenset(held)
    return next((level.name for level in LEVELS if level.shown <= all_held), "")
