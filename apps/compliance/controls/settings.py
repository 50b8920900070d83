"""How the controls are set at a moment: by admins, else as the table says."""

from datetime import datetime

from django.db.models import QuerySet
from django.utils.translation import gettext as _

from apps.compliance.controls.outcomes import Cell, Column, Control, Facts, Finding, Outcome, Setting
from apps.compliance.controls.table import CONTROLS
from apps.compliance.models import ControlSetting, Severity


def columns(at: datetime, *, every: bool = False) -> list[Column]:
    """Return the controls that were on at a moment, as they were set then; with `every` those that were off, too."""
    latest = {row.control: row for row in ControlSetting.objects.filter(set_at__lte=at).order_by("number")}
    found = [Column(control, _setting(control, latest.get(control.name))) for control in CONTROLS]
    return [column for column in found if every or column.setting.enabled]


def judge(facts: Facts, column: Column) -> Cell:
    """Return what a control says of a model."""
    tiers = column.setting.tiers
    if tiers and facts.risk not in tiers:
        text = _("It is asked of models of these risk tiers only: %(tiers)s.")
        return Cell(column, Finding(Outcome.NOT_APPLICABLE, text % {"tiers": ", ".join(tiers)}))
    return Cell(column, column.control.function(facts))


def history_of(control: str) -> QuerySet[ControlSetting]:
    """Return how a control was set over time, the newest first."""
    return ControlSetting.objects.filter(control=control).order_by("-number")


def _setting(control: Control, row: ControlSetting | None) -> Setting:
    if row is None:
        return Setting(True, (), control.severity)
    tiers, severity = tuple(row.tiers), Severity(row.severity)
    return Setting(row.enabled, tiers, severity, row.number, row.reason, row.set_by, row.set_at)
