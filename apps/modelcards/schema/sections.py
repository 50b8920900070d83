"""The sections of a card, in the order in which people read them."""

from enum import StrEnum

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _


class Section(StrEnum):
    """Where a field stands."""

    BASICS = "basics"
    MODEL = "model"
    DATA = "data"
    PERFORMANCE = "performance"
    USE = "use"
    RISKS = "risks"
    OPERATION = "operation"
    MORE = "more"


LABELS: dict[Section, str | Promise] = {
    Section.BASICS: _("Basics"),
    Section.MODEL: _("Model"),
    Section.DATA: _("Data"),
    Section.PERFORMANCE: _("Performance"),
    Section.USE: _("Use"),
    Section.RISKS: _("Risks and ethics"),
    Section.OPERATION: _("Operation"),
    Section.MORE: _("More"),
}
