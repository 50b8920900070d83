"""Which second factors somebody has."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from allauth.mfa.models import Authenticator
from django.utils.translation import gettext as _

from apps.accounts.models import User

TOTP, PASSKEY, RECOVERY = "totp", "webauthn", "recovery_codes"
FIRST_OF_ALL = (TOTP, PASSKEY)  # recovery codes alone are no factor: they replace one
MOST_PASSKEYS = 20


@dataclass(frozen=True)
class Factor:
    """One factor, as its person sees it; `left`: how many recovery codes are unused, of recovery codes alone."""

    number: int
    kind: str
    name: str
    created_at: datetime
    last_used_at: datetime | None
    left: int | None = None


def factors_of(user: User) -> list[Factor]:
    """Return the person's factors, oldest first; recovery codes last."""
    rows = Authenticator.objects.filter(user=user).order_by("pk")
    return sorted((_factor(row) for row in rows), key=lambda factor: factor.kind == RECOVERY)


def has_factor(user: User) -> bool:
    """Return whether the person has an authenticator app or a passkey."""
    return Authenticator.objects.filter(user=user, type__in=FIRST_OF_ALL).exists()


def has(user: User, kind: str) -> bool:
    """Return whether the person has a factor of this kind."""
    return Authenticator.objects.filter(user=user, type=kind).exists()


def kinds_of(user: User) -> set[str]:
    """Return of which kinds the person has a factor: TOTP, PASSKEY; one query."""
    return set(Authenticator.objects.filter(user=user, type__in=FIRST_OF_ALL).values_list("type", flat=True))


def with_factor(people: Iterable[User]) -> set[int]:
    """Return who of `people` has a factor, by primary key; one query."""
    rows = Authenticator.objects.filter(user__in=list(people), type__in=FIRST_OF_ALL)
    return set(rows.values_list("user", flat=True))


def remove_all(user: User) -> list[str]:
    """Remove everything that the person could answer with, in the caller's transaction; return how it was called."""
    rows = Authenticator.objects.filter(user=user).order_by("pk")
    removed = [label(row) for row in rows]
    rows.delete()
    return removed


def label(row: Authenticator) -> str:
    """Return how a factor is called on pages and in the trail."""
    if row.type == PASSKEY:
        return str(row.data["name"])
    return _("Authenticator app") if row.type == TOTP else _("Recovery codes")


def _factor(row: Authenticator) -> Factor:
    left = len(row.wrap().get_unused_codes()) if row.type == RECOVERY else None
    return Factor(row.pk, row.type, label(row), row.created_at, row.last_used_at, left)
