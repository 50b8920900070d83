"""A line of a model's report in words."""

from typing import Any

from django import template
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from apps.approvals.models import DriftKind, DriftState, RequestKind, RequestState, Verdict
from apps.registry.models import PlacedBy

register = template.Library()

SAYINGS: dict[str, str | Promise] = {
    "asked": gettext_lazy("Asked for: %(said)s"),
    "signed": gettext_lazy("Signed: %(said)s"),
    "closed": gettext_lazy("Request ended: %(said)s"),
    "placed": gettext_lazy("Came there, by %(said)s"),
    "drifted": gettext_lazy("Drift found: %(said)s"),
    "settled": gettext_lazy("Drift settled: %(said)s"),
}
CHOICES: dict[str, Any] = {
    "asked": RequestKind, "signed": Verdict, "closed": RequestState, "placed": PlacedBy, "drifted": DriftKind,
    "settled": DriftState,
}  # fmt: skip


@register.filter
def line_words(line: Any) -> str:
    """Return what a line says: "Signed: Approve", "Request ended: Applied"."""
    choices = CHOICES[line.what]
    said = choices(line.said).label if line.said in choices.values else _("applied past its policy")
    return str(SAYINGS[line.what]) % {"said": said}
