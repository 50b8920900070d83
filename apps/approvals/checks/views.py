"""The pages of waivers: parse, call the service, redirect. Every rule is the service's."""

from typing import cast

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from apps.accounts.models import User
from apps.approvals import checks, queries, waivers
from apps.approvals.checks.forms import RevokeForm, WaiveForm
from apps.approvals.forms import cleaned
from apps.approvals.models import ApprovalRequest
from apps.errors import DomainError, InvalidInput, NotVisible


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def waive(request: HttpRequest, id: int) -> HttpResponse:
    """Answer for one check of a request: what it says, the reason, for how long. `?check=` names it."""
    asked = queries.get_request(request.user, id)
    if request.method != "POST" and not request.GET.get("check"):
        return _back(asked)
    if request.method != "POST":
        if error := waivers.refusal(asked, request.user):
            raise error
        return _page(request, asked, WaiveForm(initial={"check": request.GET.get("check", "")}))
    form, status = WaiveForm(request.POST), 400
    try:
        if form.is_valid():
            values = form.cleaned_data
            row = waivers.waive(
                id, values["check"], reason=values["reason"], days=values["days"], by=cast(User, request.user)
            )
            messages.success(request, _("You answer for “%(check)s” now.") % {"check": _label(asked, row.check_name)})
            return _back(asked)
        if error := waivers.refusal(asked, request.user):
            raise error
    except NotVisible:
        raise
    except DomainError as error:
        form.add_error(error.field if error.field in ("reason", "days") else None, error.message)
        status = error.status
    return _page(request, asked, form, status=status)


@login_required
@require_POST
def revoke(request: HttpRequest, id: int, waiver: int) -> HttpResponse:
    """Take a waiver back."""
    asked = queries.get_request(request.user, id)
    row = waivers.revoke(id, waiver, by=cast(User, request.user), **cleaned(RevokeForm(request.POST)))
    messages.success(
        request, _("The waiver of “%(check)s” is revoked: the check counts.") % {"check": _label(asked, row.check_name)}
    )
    return _back(asked)


def _page(request: HttpRequest, asked: ApprovalRequest, form: WaiveForm, *, status: int = 200) -> HttpResponse:
    """Return the page of one check, or raise InvalidInput where there is no such check."""
    name = form["check"].value()
    result = next((row for row in checks.results(asked) if row.name == name), None)
    if result is None:
        raise InvalidInput(_("There is no such check on this request. Choose one on its page."), field="check")
    context = {"asked": asked, "check": result, "form": form}
    return render(request, "approvals/checks/waive.html", context, status=status)


def _label(asked: ApprovalRequest, name: str) -> str:
    return next((row.label for row in checks.results(asked) if row.name == name), name)


def _back(asked: ApprovalRequest) -> HttpResponse:
    return redirect(f"{reverse('approvals:request-detail', args=[asked.pk])}#checks")
