"""The pages of one's own notifications: parse, call the service, redirect."""

from typing import cast

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_http_methods

from apps.accounts import grants
from apps.accounts.models import User
from apps.accounts.permissions import Permission
from apps.errors import InvalidInput
from apps.notifications import preferences, queries, reading
from apps.notifications.forms import ListFilter, PreferencesForm, ReadForm, preferences_form
from apps.on_forms import show_on

ROWS = 50


def _person(request: HttpRequest) -> User:
    return cast(User, request.user)  # signed in: login_required


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def notification_list(request: HttpRequest) -> HttpResponse:
    """What the person is told of, unread first; a POST marks one as read, or all."""
    if request.method == "POST":
        return _mark_read(request)
    form = ListFilter(request.GET)
    rows = queries.notifications_of(request.user)
    if not form.is_valid():
        rows = rows.none()
    elif kind := form.cleaned_data["kind"]:
        rows = rows.filter(kind=kind)
    context = {
        "form": form,
        "page": Paginator(rows, ROWS).get_page(form.cleaned_data.get("page") or 1),
        "unread": queries.unread_count(request.user),
        "filtered": bool(request.GET.get("kind")),
        "manages_webhooks": grants.allows(request.user, Permission.WEBHOOK_MANAGE),
    }
    return render(request, "notifications/notification_list.html", context, status=200 if form.is_valid() else 400)


def _mark_read(request: HttpRequest) -> HttpResponse:
    form = ReadForm(request.POST)
    if not form.is_valid():
        raise InvalidInput(_("There is no such notification. Reload the page."), field="id")
    number = form.cleaned_data["id"]
    if number:
        reading.mark_read(by=_person(request), ids=[number])
    else:
        count = reading.mark_read(by=_person(request))
        text = ngettext(
            "%(count)d notification is marked as read.", "%(count)d notifications are marked as read.", count
        )
        messages.success(request, text % {"count": count})
    return redirect("notifications:notification-list")


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def preferences_page(request: HttpRequest) -> HttpResponse:
    """How the person hears of what happens."""
    user = _person(request)
    form = PreferencesForm(request.POST) if request.method == "POST" else preferences_form(preferences.of(user))
    if request.method == "POST" and form.is_valid():
        try:
            preferences.set_preferences(by=user, **form.choices())
        except InvalidInput as error:
            show_on(form, error)
        else:
            messages.success(request, _("Your choices are saved. They count from now on."))
            return redirect("notifications:preferences")
    context = {"form": form, "mail_enabled": settings.MAIL_ENABLED}
    return render(request, "notifications/preferences.html", context, status=400 if form.errors else 200)
