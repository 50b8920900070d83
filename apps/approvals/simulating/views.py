"""The page that answers "may X do Y on Z, and why?"."""

from typing import cast

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from apps.accounts import grants
from apps.accounts.models import User
from apps.accounts.permissions import Permission
from apps.approvals.simulating import queries
from apps.approvals.simulating.forms import MayForm
from apps.errors import NotVisible
from apps.registry.queries import get_model


@login_required
@require_safe
def may(request: HttpRequest) -> HttpResponse:
    """Ask, and read the answer with the grants behind it. Everybody can ask about themselves."""
    by = cast(User, request.user)
    asked = "permission" in request.GET
    form = MayForm(request.GET) if asked else MayForm()
    simulated, status = None, 200
    if asked:
        simulated = _answer(form, by) if form.is_valid() else None
        status = 200 if simulated else 400
    context = {
        "form": form,
        "found": simulated,
        "manages": grants.allows(by, Permission.PEOPLE_MANAGE),
        "self": by,
    }
    return render(request, "approvals/simulating/may.html", context, status=status)


def _answer(form: MayForm, by: User) -> queries.Simulated | None:
    """Return the answer; None when a name is nobody's, which is noted on its field."""
    values, person, model = form.cleaned_data, None, None
    try:
        person = queries.person_named(values["person"], by)
    except NotVisible as error:
        form.add_error("person", error.message)
    try:
        model = get_model(by, values["model"]) if values["model"] else None
    except NotVisible as error:
        form.add_error("model", error.message)
    if person is None or form.errors:
        return None
    return queries.simulate(person, Permission(values["permission"]), model, by=by)
