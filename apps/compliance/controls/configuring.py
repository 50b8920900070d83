"""Setting a control: on or off, for which risk tiers, how severe. Each setting is a row of its own that stays."""

from typing import Any

from django.db import IntegrityError, transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from apps.accounts.models import User
from apps.approvals.policies.managing import managing, name_of
from apps.audit.actions import Action
from apps.audit.services import Target
from apps.compliance.controls.settings import columns
from apps.compliance.controls.table import BY_NAME
from apps.compliance.models import ControlSetting, Severity
from apps.errors import Conflict, InvalidInput, NotVisible
from apps.texts import text_from

MOST_TIERS = 20
LONGEST_TIER = 250  # characters, as the mirror keeps them


def configure(
    control: str, *, enabled: bool, tiers: list[str], severity: str, reason: str, seen: int, by: User
) -> ControlSetting:
    """Set a control from now on; earlier moments are judged as it was set then.

    `seen` is the number of the setting that the person read (0: none yet): Conflict when it is another by now. Raises
    NotAllowed without `policy:manage`, NotVisible for no such control, and InvalidInput (the field).
    """
    with managing(Action.CONTROL_SET, Target("control", control[:40]), by=by) as trial:
        if control not in BY_NAME:
            raise NotVisible(_("There is no such control."))
        now = timezone.now()
        before = next(column.setting for column in columns(now, every=True) if column.control.name == control)
        values = {
            "enabled": enabled,
            "tiers": _tiers(tiers),
            "severity": _severity(severity),
            "reason": text_from(reason, field="reason"),
        }
        row = ControlSetting(control=control, number=seen + 1, set_by=name_of(by), set_at=now, **values)
        if before.number != seen or not _added(row):
            message = _("Somebody set this control in the meantime. Look at it as it is now, and try again.")
            raise Conflict(message, field="seen")
        old = {"enabled": before.enabled, "tiers": list(before.tiers), "severity": before.severity.value}
        new = {name: values[name] for name in old}
        trial.done(reason=row.reason, number=row.number, before=old, after=new)
    return row


def _added(row: ControlSetting) -> bool:
    """Add the row unless somebody took its number in the same moment."""
    try:
        with transaction.atomic():
            row.save(force_insert=True)
    except IntegrityError:
        return False
    return True


def _tiers(tiers: Any) -> list[str]:
    found = list(dict.fromkeys(tier.strip() for tier in tiers if tier.strip()))
    if len(found) > MOST_TIERS or any(len(tier) > LONGEST_TIER or "\0" in tier for tier in found):
        message = _("Name at most %(most)s risk tiers, each as the models carry it.")
        raise InvalidInput(message % {"most": MOST_TIERS}, field="tiers")
    return found


def _severity(severity: str) -> str:
    if severity not in Severity.values:
        message = _("The severity is one of: %(known)s.")
        raise InvalidInput(message % {"known": ", ".join(Severity.values)}, field="severity")
    return severity
