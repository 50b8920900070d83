"""The pages of roles and grants: parse, call the service, redirect. Every rule is the services'."""

from typing import Any, cast

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.contrib.auth.models import Group
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from apps.accounts import conflicts, giving, queries
from apps.accounts import role_table as tables
from apps.accounts.grant_forms import ConflictForm, EndForm, GiveForm, GrantFilter, HoldersFilter
from apps.accounts.models import User
from apps.errors import DomainError, InvalidInput, NotAllowed, NotVisible
from apps.on_forms import show_on

ROWS = 50
HOLDERS_OFFERED = 500


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def grant_list(request: HttpRequest) -> HttpResponse:
    """Who holds what where, newest first; the form gives a role."""
    by = cast(User, request.user)
    queries.needs_people_manage(by)
    if request.method != "POST":
        return _grants_page(request, GiveForm(by=by))
    form, status = GiveForm(request.POST, by=by), 400
    if form.is_valid():
        values = form.cleaned_data
        try:
            giving.give_grant(values.pop("holder"), values.pop("role"), values.pop("scope"), by=by, **values)
        except (NotVisible, NotAllowed):
            raise
        except DomainError as error:
            show_on(form, error)
            status = error.status
        else:
            messages.success(request, _("The grant counts from now on."))
            return redirect("accounts:grant-list")
    return _grants_page(request, form, status=status)


@login_required
@require_POST
def grant_end(request: HttpRequest, grant: int) -> HttpResponse:
    """Take a grant back."""
    giving.end_grant(grant, by=cast(User, request.user), reason=cleaned(EndForm(request.POST))["reason"])
    messages.success(request, _("The grant has ended. What it gave is gone."))
    return redirect("accounts:grant-list")


@login_required
@require_safe
def role_table(request: HttpRequest) -> HttpResponse:
    """Which role may do what, how many grants of each are in force on what, and who holds them."""
    queries.needs_people_manage(request.user)
    wanted = HoldersFilter(request.GET)
    valid = wanted.is_valid()
    rows, more = tables.holders(request.user, wanted.cleaned_data, ROWS) if valid else ([], None)
    context = {
        "table": tables.role_table(),
        "filter": wanted,
        "filtered": any(request.GET.get(name) for name in wanted.fields),
        "rows": rows,
        "more": more,
    }
    return render(request, "accounts/role_table.html", context, status=200 if valid else 400)


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def conflict_list(request: HttpRequest) -> HttpResponse:
    """Who both registers and signs the same models; the forms acknowledge that, or take it back."""
    by = cast(User, request.user)
    queries.needs_people_manage(by)
    if request.method == "POST":
        values = cleaned(ConflictForm(request.POST))
        deed = conflicts.acknowledge if values["do"] == "acknowledge" else conflicts.take_back
        deed(values["person"], by=by, reason=values["reason"])
        messages.success(request, _("That is noted."))
        return redirect("accounts:conflict-list")
    page = Paginator(conflicts.candidates(), ROWS).get_page(_page_number(request))
    rows = conflicts.among(list(page.object_list), by)
    return render(request, "accounts/conflict_list.html", {"page": page, "rows": rows})


def _grants_page(request: HttpRequest, form: GiveForm, *, status: int = 200) -> HttpResponse:
    wanted = GrantFilter(request.GET)
    valid = wanted.is_valid()
    rows, more = queries.grants_page(request.user, wanted.cleaned_data, ROWS) if valid else ([], None)
    context = {
        "form": form,
        "filter": wanted,
        "filtered": any(request.GET.get(name) for name in wanted.fields),
        "rows": rows,
        "more": more,
        "groups": Group.objects.order_by("name").values_list("name", flat=True)[:HOLDERS_OFFERED],
    }
    return render(request, "accounts/grant_list.html", context, status=status if valid else 400)


def _page_number(request: HttpRequest) -> int:
    page = request.GET.get("page", "1")
    if not (page.isascii() and page.isdecimal() and len(page) < 7):
        raise InvalidInput(_("A page is a whole number from 1."), field="page")
    return int(page)


def cleaned(form: Any) -> dict[str, Any]:
    """Return what was typed. Raises InvalidInput on the first field at fault."""
    if not form.is_valid():
        field, messages_of = next(iter(form.errors.items()))
        raise InvalidInput(messages_of[0], field=field)
    return dict(form.cleaned_data)
