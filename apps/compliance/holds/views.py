"""The page of legal holds."""

from typing import Any, cast

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from apps.accounts import grants
from apps.accounts.models import User
from apps.compliance.holds import queries, services
from apps.compliance.holds.forms import HoldForm
from apps.errors import DomainError, NotAllowed
from apps.registry import keyset
from apps.registry.models import RegisteredModel

ROWS = 50


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def hold_list(request: HttpRequest) -> HttpResponse:
    """What is on hold, and what was; admins of a model set a hold here."""
    user = cast(User, request.user)
    sets = bool(grants.held_somewhere(user, frozenset({services.NEEDED}), RegisteredModel))
    if request.method != "POST":
        return _page(request, HoldForm(initial={"model": request.GET.get("model", "")}), sets=sets)
    form, status = HoldForm(request.POST), 400
    try:
        if form.is_valid():
            values = form.cleaned_data
            services.set_hold(values["model"], values["version"], reason=values["reason"], by=user)
            messages.success(request, _("The hold is set. Nothing of it is deleted through Assent until it is lifted."))
            return redirect("compliance:hold-list")
    except NotAllowed:
        raise
    except DomainError as error:
        form.add_error(error.field if error.field in form.fields else "model", error.message)
        status = error.status
    return _page(request, form, sets=sets, status=status)


@login_required
@require_POST
def hold_lift(request: HttpRequest, hold: int) -> HttpResponse:
    """Lift a hold."""
    lifted = services.lift(hold, reason=request.POST.get("reason", ""), by=cast(User, request.user))
    messages.success(request, _("The hold of %(thing)s is lifted.") % {"thing": lifted.thing})
    return redirect("compliance:hold-list")


def _page(request: HttpRequest, form: HoldForm, *, sets: bool, status: int = 200) -> HttpResponse:
    user, lifted = cast(User, request.user), request.GET.get("show") == "lifted"
    rows = queries.standing(queries.visible_holds(user), lifted=lifted)
    page = keyset.page(rows, queries.NEWEST_FIRST, ROWS, request.GET.get("cursor", ""))
    may = grants.held_on(user, [hold.model for hold in page.rows])
    context: dict[str, Any] = {
        "page": page,
        "rows": [(hold, services.NEEDED in may[hold.model_id] and hold.set_by_id != user.pk) for hold in page.rows],
        "lifted": lifted,
        "form": form,
        "sets": sets,
    }
    return render(request, "compliance/hold_list.html", context, status=status)
