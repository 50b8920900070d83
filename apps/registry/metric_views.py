"""The page of metric directions: which way each metric is better."""

from typing import cast

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from apps.accounts import grants
from apps.accounts.models import User
from apps.accounts.permissions import Permission
from apps.errors import InvalidInput, NotAllowed
from apps.on_forms import show_on
from apps.registry import directions
from apps.registry.comparing.directions import HIGHER, LOWER, by_words
from apps.registry.forms import DirectionForm
from apps.registry.models import MetricDirection

MOST_SEEN = 100  # metrics without a direction that are listed


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def metric_list(request: HttpRequest) -> HttpResponse:
    """What admins said, the words that decide otherwise, and metrics that lack a direction; POST says one."""
    form = DirectionForm(request.POST if request.method == "POST" else None, initial=_asked_for(request))
    if request.method == "POST":
        if form.is_valid():
            try:
                return _set(request, form)
            except InvalidInput as error:
                show_on(form, error)
        elif not grants.allows(request.user, Permission.POLICY_MANAGE):
            raise NotAllowed(_("Only an admin may say which way a metric is better. Ask one."))
    return _page(request, form, status=400 if form.errors else 200)


def _asked_for(request: HttpRequest) -> dict[str, str]:
    """Return the metric that a link names."""
    return {"metric": request.GET.get("metric", "").replace("\0", "")[: directions.MAX_NAME]}


def _set(request: HttpRequest, form: DirectionForm) -> HttpResponse:
    metric, direction = form.cleaned_data["metric"], form.cleaned_data["direction"]
    directions.set_direction(metric, direction, by=cast(User, request.user))
    sentences = {
        MetricDirection.HIGHER: _("From now on, more of “%(metric)s” is better."),
        MetricDirection.LOWER: _("From now on, less of “%(metric)s” is better."),
        None: _("The direction of “%(metric)s” was removed: the words of its name decide again."),
    }
    messages.success(request, sentences[direction] % {"metric": metric})
    return redirect("registry:metric-list")


def _page(request: HttpRequest, form: DirectionForm, *, status: int) -> HttpResponse:
    known = directions.load()
    rows = MetricDirection.objects.order_by("metric")
    unknown = directions.without_direction(request.user, known)
    context = {
        "form": form,
        "rows": [(row, by_words(row.metric)) for row in rows],
        "unknown": unknown[:MOST_SEEN],
        "more": max(len(unknown) - MOST_SEEN, 0),
        "newest": directions.NEWEST,
        "higher": sorted(HIGHER),
        "lower": sorted(LOWER),
        "may_set": grants.allows(request.user, Permission.POLICY_MANAGE),
    }
    return render(request, "registry/metric_list.html", context, status=status)
