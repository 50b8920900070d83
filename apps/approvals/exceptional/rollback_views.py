"""The page of a rollback: where to, what comes with it, and one button."""

from typing import Any, cast

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from apps.accounts import grants
from apps.accounts.models import User
from apps.accounts.permissions import Permission
from apps.approvals.exceptional import rollback
from apps.approvals.exceptional.forms import RollbackForm, RollbackPlace
from apps.approvals.exceptional.views import show_on
from apps.approvals.forms import cleaned
from apps.errors import DomainError, InvalidInput, NotAllowed, NotVisible
from apps.registry.models import RegisteredModel, Stage
from apps.registry.queries import get_model


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def model_rollback(request: HttpRequest, name: str) -> HttpResponse:
    """Go back to an earlier version: `?stage=` or `?alias=` names the place, `?version=` another than the last."""
    model = get_model(request.user, name)
    if not grants.allows(request.user, Permission.MODEL_DEPLOY, model):
        raise NotAllowed(_("Rolling back needs the ML engineer's role on this model. Ask an admin."))
    if request.method != "POST":
        place = cleaned(RollbackPlace(request.GET))
        initial = {**place, "stage": place["stage"] or ("" if place["alias"] else Stage.PRODUCTION)}
        return _page(request, model, RollbackForm(initial=initial), initial)
    form = RollbackForm(request.POST)
    if not form.is_valid():
        if set(form.errors) != {"reason"}:
            cleaned(form)  # raises: the place is not of this page's making
        return _page(request, model, form, {**form.cleaned_data}, status=400)
    words = dict(form.cleaned_data)
    try:
        opened = rollback.roll_back(model.pk, number=words.pop("version"), by=cast(User, request.user), **words)
    except (NotVisible, NotAllowed):
        raise
    except InvalidInput as error:
        if error.field != "reason":
            raise
        show_on(form, error)
        return _page(request, model, form, form.cleaned_data, status=error.status)
    except DomainError as error:
        show_on(form, error)
        return _page(request, model, form, form.cleaned_data, status=error.status)
    messages.success(request, _("Assent puts %(version)s back now. Its review afterwards is owed.") % {
        "version": opened.version
    })  # fmt: skip
    return redirect("approvals:request-detail", opened.pk)


def _page(
    request: HttpRequest, model: RegisteredModel, form: RollbackForm, place: dict[str, Any], *, status: int = 200
) -> HttpResponse:
    where = {"stage": place["stage"] or "", "alias": place["alias"] or ""}
    rollback.check_place(**where)
    found = rollback.targets(model, **where)
    wanted = place.get("version")
    chosen = next((row for row in found if row.version.number == wanted), None) if wanted else rollback.best(found)
    context = {
        "model": model,
        "form": form,
        "place": f"@{where['alias']}" if where["alias"] else Stage(where["stage"]).label,
        **where,
        "chosen": chosen,
        "wanted": wanted,
        "others": [row for row in found if row is not chosen],
        "there": list(rollback.there(model, **where).only("number", "model").order_by("-number")[:10]),
    }
    return render(request, "approvals/exceptional/rollback.html", context, status=status)
