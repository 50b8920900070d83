"""Codes that are typed: of an authenticator app (RFC 6238), each taken once, and recovery codes, each used up."""

from allauth.core.internal.cryptokit import compare_user_code
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal import auth as totp
from allauth.mfa.utils import decrypt
from django.db import transaction
from django.utils import timezone

from apps.accounts.factors.queries import RECOVERY, TOTP
from apps.accounts.models import User

RECOVERY_CODE = "recovery_code"  # how somebody signed in; the factor is called by the codes together
LAST_STEP = "last_step"  # of 30 seconds: a code of it, or of an earlier one, is not taken again
MAX_CODE = 64


def check_code(user: User, code: str) -> str:
    """Return what the code is, "totp" or "recovery_code", having used it up; "" when it is neither.

    The row is locked meanwhile: of one code that is sent twice at once, one is taken.
    """
    code = code[:MAX_CODE]
    with transaction.atomic():
        rows = Authenticator.objects.select_for_update().filter(user=user, type__in=[TOTP, RECOVERY])
        found = {row.type: row for row in rows.order_by("pk")}
        if TOTP in found and _takes(found[TOTP], code):
            return TOTP
        if RECOVERY in found and found[RECOVERY].wrap().validate_code(code):
            Authenticator.objects.filter(pk=found[RECOVERY].pk).update(last_used_at=timezone.now())
            return RECOVERY_CODE
    return ""


def check_totp(user: User, code: str) -> bool:
    """Return whether this is the present code of the person's app, having used it up."""
    with transaction.atomic():
        row = Authenticator.objects.select_for_update().filter(user=user, type=TOTP).first()
        return row is not None and _takes(row, code[:MAX_CODE])


def step_of(secret: str, code: str) -> int | None:
    """Return of which step of time the code is, among those that are good now; None for any other code."""
    for step in totp.yield_hotp_counters_from_time():
        if compare_user_code(actual=code, expected=totp.format_hotp_value(totp.hotp_value(secret, step))):
            return step
    return None


def _takes(row: Authenticator, code: str) -> bool:
    step = step_of(decrypt(row.data["secret"]), code)
    if step is None or step <= row.data.get(LAST_STEP, 0):
        return False
    row.data[LAST_STEP], row.last_used_at = step, timezone.now()
    row.save(update_fields=["data", "last_used_at"])
    return True
