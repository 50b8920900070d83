"""Which part of the queue is shown. Forms parse; services decide."""

from django import forms
from django.utils.translation import gettext_lazy as _

from apps.approvals.queue.queries import TABS
from apps.registry.keyset import MAX_CURSOR

WAITING = "waiting"


class QueueForm(forms.Form):
    """The tab, and from where on."""

    tab = forms.ChoiceField(label=_("Tab"), required=False, choices=[(name, name) for name in TABS])
    cursor = forms.CharField(label=_("Cursor"), required=False, max_length=MAX_CURSOR)

    @property
    def shown(self) -> str:
        """The tab that is shown: what waits for the person, unless another was asked for."""
        return self.cleaned_data.get("tab") or WAITING
