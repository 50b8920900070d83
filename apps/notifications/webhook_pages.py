"""The pages of outgoing webhooks: parse, call the service, redirect. Every rule is the services'."""

from collections.abc import Callable
from typing import cast

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_safe

from apps.accounts.models import User
from apps.errors import InvalidInput
from apps.notifications import endpoints, queries
from apps.notifications.endpoints import NewSecret
from apps.notifications.forms import DeliveryFilter, EndpointForm, ResendForm, endpoint_form
from apps.notifications.models import DeliveryState, Endpoint
from apps.notifications.sending.webhooks import Result
from apps.on_forms import OK, carry_out

ROWS = 50


def _person(request: HttpRequest) -> User:
    return cast(User, request.user)  # signed in: login_required


@login_required
@require_safe
def webhook_list(request: HttpRequest) -> HttpResponse:
    """Every webhook, with how it fares. Only for those who manage webhooks; the page is no secret."""
    rows = list(queries.endpoints(request.user))
    names = queries.references_of(rows)
    return render(request, "notifications/webhook_list.html", {"rows": [(row, names[row.pk]) for row in rows]})


@login_required
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def webhook_new(request: HttpRequest) -> HttpResponse:
    """Add a webhook. Its secret is shown on the answer, this once."""
    endpoints.needs_permission(request.user)
    form = EndpointForm(request.POST or None)
    if request.method != "POST":
        return render(request, "notifications/webhook_new.html", {"form": form})
    made: list[NewSecret] = []
    status = carry_out(form, lambda: made.append(endpoints.add_endpoint(by=_person(request), **form.cleaned_data)))
    if not made:
        return render(request, "notifications/webhook_new.html", {"form": form}, status=status)
    return _detail_page(request, made[0].endpoint.pk, secret=made[0].secret)


@login_required
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def webhook_detail(request: HttpRequest, endpoint: int) -> HttpResponse:
    """One webhook: settings, secret, a test, deliveries and those that were given up."""
    found = queries.get_endpoint(request.user, endpoint)
    if request.method != "POST":
        return _detail_page(request, endpoint)
    deed = DEEDS.get(request.POST.get("do", ""))
    if deed is None:
        raise InvalidInput(_("There is no such form on this page. Reload it."), field="do")
    return deed(request, found)


def _detail_page(
    request: HttpRequest,
    number: int,
    *,
    form: EndpointForm | None = None,
    secret: str = "",
    answer: Result | None = None,
    status: int = 200,
) -> HttpResponse:
    endpoint = queries.get_endpoint(request.user, number)
    filters = DeliveryFilter(request.GET)
    state = filters.cleaned_data["state"] if filters.is_valid() else ""
    deliveries = queries.deliveries_of(request.user, number, state)
    context = {
        "endpoint": endpoint,
        "form": form or endpoint_form(endpoint, queries.references_of([endpoint])[endpoint.pk]),
        "refused": form,
        "secret": secret,
        "answer": answer,
        "filters": filters,
        "page": Paginator(deliveries, ROWS).get_page(filters.cleaned_data.get("page") or 1),
        "filtered": bool(state),
        "DEAD": DeliveryState.DEAD,
    }
    if not filters.is_valid():
        status = 400
    return render(request, "notifications/webhook_detail.html", context, status=status)


def _save(request: HttpRequest, endpoint: Endpoint) -> HttpResponse:
    form = EndpointForm(request.POST, listed=endpoint.events)
    status = carry_out(form, lambda: endpoints.change_endpoint(endpoint.pk, by=_person(request), **form.cleaned_data))
    if status != OK:
        return _detail_page(request, endpoint.pk, form=form, status=status)
    return _done(request, endpoint, _("The webhook is saved. It hears what you may read."))


def _test(request: HttpRequest, endpoint: Endpoint) -> HttpResponse:
    return _detail_page(request, endpoint.pk, answer=endpoints.test_endpoint(endpoint.pk, by=_person(request)))


def _rotate(request: HttpRequest, endpoint: Endpoint) -> HttpResponse:
    return _detail_page(request, endpoint.pk, secret=endpoints.rotate_secret(endpoint.pk, by=_person(request)).secret)


def _enable(request: HttpRequest, endpoint: Endpoint) -> HttpResponse:
    endpoints.change_endpoint(endpoint.pk, by=_person(request), enabled=True)
    return _done(request, endpoint, _("The webhook is enabled. What waited goes out now; it hears what you may read."))


def _disable(request: HttpRequest, endpoint: Endpoint) -> HttpResponse:
    endpoints.change_endpoint(endpoint.pk, by=_person(request), enabled=False)
    return _done(request, endpoint, _("The webhook is disabled. What waits stays; what happens meanwhile is not sent."))


def _remove(request: HttpRequest, endpoint: Endpoint) -> HttpResponse:
    endpoints.remove_endpoint(endpoint.pk, by=_person(request))
    messages.success(request, _("The webhook “%(name)s” is removed, with its deliveries.") % {"name": endpoint.name})
    return redirect("notifications:webhook-list")


def _resend(request: HttpRequest, endpoint: Endpoint) -> HttpResponse:
    form = ResendForm(request.POST)
    if not form.is_valid():
        raise InvalidInput(_("There is no such delivery. Reload the page."), field="delivery")
    endpoints.send_again(endpoint.pk, by=_person(request), delivery=form.cleaned_data["delivery"])
    return _done(request, endpoint, _("The delivery waits in the queue again."))


def _resend_all(request: HttpRequest, endpoint: Endpoint) -> HttpResponse:
    count = endpoints.send_again(endpoint.pk, by=_person(request))
    text = ngettext(
        "%(count)d delivery waits in the queue again.", "%(count)d deliveries wait in the queue again.", count
    )
    return _done(request, endpoint, text % {"count": count})


def _done(request: HttpRequest, endpoint: Endpoint, text: str) -> HttpResponse:
    messages.success(request, text)
    return redirect("notifications:webhook-detail", endpoint.pk)


DEEDS: dict[str, Callable[[HttpRequest, Endpoint], HttpResponse]] = {
    "save": _save,
    "test": _test,
    "rotate": _rotate,
    "enable": _enable,
    "disable": _disable,
    "remove": _remove,
    "resend": _resend,
    "resend_all": _resend_all,
}
