"""The page of controls and clauses: how each is set, what it supports evidence for, and how the models stand to it."""

from typing import Any, cast

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from apps.accounts import grants
from apps.accounts.models import User
from apps.accounts.permissions import Permission
from apps.approvals.policies.managing import must_manage
from apps.compliance.clauses.coverage import coverage
from apps.compliance.clauses.reading import clauses_of
from apps.compliance.controls import configuring
from apps.compliance.controls.forms import ControlForm
from apps.compliance.controls.settings import columns
from apps.on_forms import OK, carry_out


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def control_list(request: HttpRequest) -> HttpResponse:
    """Every control and clause; people with policy:manage set controls here."""
    if request.method != "POST":
        return _page(request)
    user = cast(User, request.user)
    must_manage(user)
    every = {column.control.name: column for column in columns(timezone.now(), every=True)}
    column = every.get(request.POST.get("control", ""))
    form = ControlForm.of(column, request.POST) if column else ControlForm(request.POST)
    status = carry_out(form, lambda: configuring.configure(**form.values(), by=user))
    if status != OK:
        return _page(request, form, status=status)
    messages.success(request, _("The control is set. Earlier moments are judged as it was set then."))
    return redirect("compliance:control-list")


def _page(request: HttpRequest, form: ControlForm | None = None, *, status: int = 200) -> HttpResponse:
    now, manages = timezone.now(), grants.allows(request.user, Permission.POLICY_MANAGE)
    every = columns(now, every=True)
    on = [column.control.name for column in every if column.setting.enabled]
    counted = request.GET.get("counts") == "on"
    covered = coverage(request.user, now, on, asked=counted)
    filled = form.data.get("control") if form else None
    rows: list[dict[str, Any]] = [
        {
            "column": column,
            "clauses": clauses_of(column.control.name),
            "form": (form if column.control.name == filled else ControlForm.of(column)) if manages else None,
        }
        for column in every
    ]
    context = {"rows": rows, "covered": covered, "form": form, "manages": manages}
    return render(request, "compliance/control_list.html", context, status=status)
