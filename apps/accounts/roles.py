"""Roles: what each may do. This page answers "who can do what"; it holds data, no logic."""

from dataclasses import dataclass

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from apps.accounts.permissions import Permission as P  # noqa: N817 - the table below is read a lot


@dataclass(frozen=True)
class Role:
    """A named set of permissions. `duty` marks a role that is held beside another, not instead of it."""

    name: str
    label: str | Promise
    description: str | Promise
    permissions: frozenset[P]
    duty: bool = False


VIEWER = Role(
    "viewer", _("Viewer"), _("Reads everything that was granted; changes nothing."), frozenset({P.MODEL_READ})
)
DATA_SCIENTIST = Role(
    "data_scientist",
    _("Data scientist"),
    _("Registers versions and asks for promotions."),
    VIEWER.permissions | {P.MODEL_WRITE},
)
ML_ENGINEER = Role(
    "ml_engineer",
    _("ML engineer"),
    _("Deploys: also withdraws requests and retries a failed apply."),
    DATA_SCIENTIST.permissions | {P.MODEL_DEPLOY},
)
ADMIN = Role(
    "admin",
    _("Admin"),
    _("Manages people, roles, policies and connections. Cannot approve without the reviewer's duty."),
    ML_ENGINEER.permissions | {P.MODEL_DELETE},
)
REVIEWER = Role(
    "reviewer",
    _("Reviewer"),
    _("Signs off promotions, never their own."),
    frozenset({P.MODEL_READ, P.MODEL_REVIEW}),
    duty=True,
)
EMERGENCY = Role(
    "emergency",
    _("Emergency"),
    _("May bypass a policy when it cannot wait, together with a second person, and answers for it afterwards."),
    frozenset({P.MODEL_READ, P.MODEL_BYPASS}),
    duty=True,
)
ROLES = {role.name: role for role in (VIEWER, DATA_SCIENTIST, ML_ENGINEER, ADMIN, REVIEWER, EMERGENCY)}
DUTIES = (REVIEWER, EMERGENCY)
RANKS = (ADMIN, ML_ENGINEER, DATA_SCIENTIST, VIEWER)  # highest first

# What the admin role adds when it is held on the whole registry.
INSTALLATION_ADMIN = frozenset(
    {P.AUDIT_READ, P.CONNECTION_MANAGE, P.PEOPLE_MANAGE, P.POLICY_MANAGE, P.SYNC_RUN, P.WEBHOOK_MANAGE}
)


def role_names(permissions: set[P]) -> list[str]:
    """Return the names of the highest rank and the duties that `permissions` amount to, e.g. ["admin", "reviewer"]."""
    rank = next((role.name for role in RANKS if role.permissions <= permissions), None)
    return [*([rank] if rank else []), *(duty.name for duty in DUTIES if duty.permissions <= permissions)]


def gives(role: str, *, everywhere: bool) -> frozenset[P]:
    """Return what a grant of `role` gives, on the whole registry or on models: a role's name, or a single permission.

    A name that is neither gives nothing.
    """
    if role in ROLES:
        more = INSTALLATION_ADMIN if role == ADMIN.name and everywhere else frozenset()
        return ROLES[role].permissions | more
    return frozenset(permission for permission in P if permission == role and (everywhere or permission.on_model))


def giving(permission: P, *, everywhere: bool) -> list[str]:
    """Return the roles that give `permission`, and the permission itself, as grants name them."""
    names = [*ROLES, permission.value]
    return [name for name in names if permission in gives(name, everywhere=everywhere)]


def role_label(role: str) -> str:
    """Return what a grant's role is called for people: a role's label, or the permission as it stands."""
    return str(ROLES[role].label) if role in ROLES else role
