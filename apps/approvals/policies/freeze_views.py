"""The page of freezes: a calendar, a list, and the ways to set and lift one."""

from datetime import date
from typing import cast

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from apps.accounts.models import User
from apps.approvals.policies import freezes, pages
from apps.approvals.policies.forms import FreezeForm, LiftForm, MonthForm
from apps.approvals.policies.managing import must_manage
from apps.errors import InvalidInput
from apps.on_forms import OK, carry_out


def _person(request: HttpRequest) -> User:
    return cast(User, request.user)  # signed in: login_required


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def freeze_list(request: HttpRequest) -> HttpResponse:
    """When nothing is applied; people with policy:manage set a freeze here."""
    if request.method != "POST":
        return _page(request)
    must_manage(_person(request))
    form = FreezeForm(request.POST, by=_person(request))
    status = carry_out(form, lambda: freezes.set_freeze(**form.cleaned_data, by=_person(request)))
    if status != OK:
        return _page(request, form=form, status=status)
    messages.success(request, _("The freeze is set. What is approved waits until it is over."))
    return redirect("approvals:freeze-list")


@login_required
@require_POST
def freeze_lift(request: HttpRequest, id: int) -> HttpResponse:
    """End a freeze before its time."""
    form = LiftForm(request.POST)
    if not form.is_valid():
        raise InvalidInput(_("The reason is too long. Write at most 5000 characters."), field="reason")
    lifted = freezes.lift(id, reason=form.cleaned_data["reason"], by=_person(request))
    messages.success(request, _("The freeze “%(name)s” is lifted. What waited for it goes on.") % {"name": lifted.name})
    return redirect("approvals:freeze-list")


def _page(request: HttpRequest, *, form: FreezeForm | None = None, status: int = 200) -> HttpResponse:
    asked = MonthForm(request.GET)
    if not asked.is_valid():
        raise InvalidInput(_("Write the month as 2026-05."), field="month")
    month = asked.cleaned_data["month"]
    begin = date.fromisoformat(f"{month}-01") if month else timezone.now().date().replace(day=1)
    context = {
        **pages.freeze_context(_person(request), begin),
        "form": form or FreezeForm(by=_person(request)),
        "weekdays": [_("Mon"), _("Tue"), _("Wed"), _("Thu"), _("Fri"), _("Sat"), _("Sun")],
    }
    return render(request, "approvals/freeze_list.html", context, status=status)
