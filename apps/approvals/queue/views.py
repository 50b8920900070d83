"""The review queue: what waits for whom, in pages by place."""

from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_safe

from apps.approvals.forms import cleaned
from apps.approvals.queue import queries, words
from apps.approvals.queue.forms import WAITING, QueueForm

LABELS: dict[str, str | Promise] = {
    "waiting": _("Waiting for you"),
    "team": _("Your team"),
    "mine": _("You asked"),
    "decided": _("Decided"),
}


@dataclass(frozen=True)
class Tab:
    """One tab: where it leads, how many requests it holds ("99+" for many), whether it is shown."""

    name: str
    label: str | Promise
    count: str
    current: bool


@login_required
@require_safe
def review_queue(request: HttpRequest) -> HttpResponse:
    """What waits for this person, for their groups, what they asked for, and what was decided, in pages by place."""
    form = QueueForm(request.GET)
    cleaned(form)
    page = queries.page(request.user, form.shown, form.cleaned_data["cursor"])
    context = {
        "tab": form.shown,
        "tabs": [_tab(request.user, name, form.shown) for name in LABELS],
        "rows": words.rows(page.rows),
        "next": page.next and _address(form.shown, page.next),
        "previous": page.previous and _address(form.shown, page.previous),
        "further": bool(form.cleaned_data["cursor"]),
        "decided": form.shown == "decided",
        "pick": form.shown == WAITING,
    }
    return render(request, "approvals/review_queue.html", context)


def _tab(user: Any, name: str, shown: str) -> Tab:
    if name == "decided":  # a number that only grows tells nobody anything
        return Tab(name, LABELS[name], "", name == shown)
    count = queries.count(user, name)
    text = f"{queries.MOST_COUNTED - 1}+" if count >= queries.MOST_COUNTED else str(count)
    return Tab(name, LABELS[name], text, name == shown)


def _address(tab: str, cursor: str) -> str:
    return f"?{urlencode({'tab': tab, 'cursor': cursor})}"
