"""The page of delegations: parse, call the service, redirect. Every rule is the service's."""

from typing import cast

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from apps.accounts import grants
from apps.accounts.models import User
from apps.accounts.permissions import Permission
from apps.approvals.delegating import queries, services
from apps.approvals.delegating.forms import DelegationFilter, DelegationForm, RevokeForm
from apps.approvals.forms import cleaned
from apps.errors import DomainError, NotVisible

ROWS = 50
FIELDS = {"starts_at": "starts", "ends_at": "ends"}  # of the service → of the form


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def delegations(request: HttpRequest) -> HttpResponse:
    """Who reviews for whom, and until when; the form lends one's own reviews."""
    by = cast(User, request.user)
    manages = grants.allows(by, Permission.PEOPLE_MANAGE)
    if request.method != "POST":
        return _page(request, DelegationForm(by=by, manages=manages))
    form, status = DelegationForm(request.POST, by=by, manages=manages), 400
    if form.is_valid():
        try:
            row = services.give(by=by, **form.terms())
        except NotVisible:
            raise
        except DomainError as error:
            field = FIELDS.get(error.field or "", error.field)
            form.add_error(field if field in form.fields else None, error.message)
            status = error.status
        else:
            names = {"delegate": row.delegate, "delegator": row.delegator}
            messages.success(request, _("%(delegate)s can review for %(delegator)s.") % names)
            return redirect("approvals:delegation-list")
    return _page(request, form, status=status)


@login_required
@require_POST
def revoke(request: HttpRequest, id: int) -> HttpResponse:
    """End a delegation at once."""
    row = services.revoke(id, by=cast(User, request.user), **cleaned(RevokeForm(request.POST)))
    names = {"delegate": row.delegate, "delegator": row.delegator}
    messages.success(request, _("%(delegate)s no longer reviews for %(delegator)s.") % names)
    return redirect("approvals:delegation-list")


def _page(request: HttpRequest, form: DelegationForm, *, status: int = 200) -> HttpResponse:
    wanted = cleaned(DelegationFilter(request.GET))
    visible, show = queries.visible_delegations(request.user), wanted["show"] or "current"
    rows = queries.ended(visible) if show == "ended" else queries.current(visible)
    context = {
        "form": form,
        "show": show,
        "waiting": queries.waiting_for_others(request.user) if show == "current" else [],
        "page": Paginator(rows, ROWS).get_page(wanted["page"] or 1),
    }
    return render(request, "approvals/delegating/list.html", context, status=status)
