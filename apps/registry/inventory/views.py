"""The page of models, and the page of saved views."""

from typing import Any, cast

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from apps.accounts.models import User
from apps.errors import InvalidInput
from apps.registry.forms import page_number
from apps.registry.freshness import sync_status
from apps.registry.inventory import address, counting, pages, rows, saved_views
from apps.registry.inventory.address import Asked
from apps.registry.listing import page_of

ROWS = 50


@login_required
@require_safe
def model_list(request: HttpRequest) -> HttpResponse:
    """The models that this person may see: searched, filtered, sorted, in pages. htmx asks for parts of it."""
    asked = address.asked_by(request.GET)
    part = _part(request)
    if part == "facets":
        context: dict[str, Any] = {"asked": asked, "panels": _panels(request.user, asked)}
    else:
        context = _rows_context(request, asked) | {"part": part}
        if not part and asked.counts:
            context["panels"] = _panels(request.user, asked)
    response = render(request, f"registry/model_list.html{f'#{part}' if part else ''}", context)
    response["Vary"] = "HX-Request, HX-Target, Cookie"
    if part == "rows":
        response["HX-Push-Url"] = f"{request.path}{address.place(asked, asked.cursor)}".removesuffix("?")
        response["HX-Trigger-After-Swap"] = "counts"
    return response


def _part(request: HttpRequest) -> str:
    """Return which part of the page htmx asks for; empty: the whole page."""
    if "HX-Request" not in request.headers or "HX-History-Restore-Request" in request.headers:
        return ""
    return "facets" if request.headers.get("HX-Target") == "facets" else "rows"


def _panels(user: Any, asked: Asked) -> dict[str, Any]:
    counted = counting.counts(user, asked.filters, whole=asked.more)
    return {"facets": pages.panels(asked, counted), "total": counted.total}


def _rows_context(request: HttpRequest, asked: Asked) -> dict[str, Any]:
    found = rows.page(request.user, asked.filters, asked.order, ROWS, asked.cursor)
    mine, shared = pages.saved_view_links(request.user, asked)
    return {
        "asked": asked,
        "columns": pages.columns(asked),
        "rows": pages.lines(found.rows),
        "next": found.next and address.place(asked, found.next),
        "previous": found.previous and address.place(asked, found.previous),
        "first": address.place(asked, ""),
        "chosen": pages.chosen(asked),
        "views": pages.built_in_views(asked),
        "my_views": mine,
        "shared_views": shared,
        "status": None if found.rows or asked.filters else sync_status(),
    }


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def view_list(request: HttpRequest) -> HttpResponse:
    """One's own saved views and those that others share; POST saves, renames, shares or removes one."""
    if request.method == "POST":
        return _change(request)
    page = page_of(saved_views.visible_views(request.user), page_number(request.GET))
    listed = [
        {
            "view": view,
            "mine": view.owner_id == request.user.pk,
            "may_remove": saved_views.may_remove(request.user, view),
            "words": pages.described(view.query),
        }
        for view in page.object_list
    ]
    return render(request, "registry/view_list.html", {"page": page, "views": listed})


@login_required
@require_safe
def view_open(request: HttpRequest, view: int) -> HttpResponse:
    """Go to the list of models as a view shows it."""
    query = saved_views.get_view(request.user, view).query
    return redirect(f"{reverse('registry:model-list')}{f'?{query}' if query else ''}")


def _change(request: HttpRequest) -> HttpResponse:
    by, given = cast(User, request.user), request.POST  # signed in: login_required
    do = given.get("do", "")
    if do == "save":
        view = saved_views.save_view(
            given.get("name", ""), given.get("query", ""), shared=bool(given.get("shared")), by=by
        )
        messages.success(request, _("The view “%(name)s” is saved.") % {"name": view.name})
        return redirect("registry:view-open", view=view.pk)
    number = _number(given.get("view", ""))
    if do == "change":
        view = saved_views.change_view(number, name=given.get("name"), shared=bool(given.get("shared")), by=by)
        messages.success(request, _("The view “%(name)s” is changed.") % {"name": view.name})
    elif do == "remove":
        saved_views.remove_view(number, by=by)
        messages.success(request, _("The view is removed."))
    else:
        raise InvalidInput(_("Choose what to do: save, change or remove."), field="do")
    return redirect("registry:view-list")


def _number(text: str) -> int:
    if not (text.isascii() and text.isdecimal() and len(text) < 19):
        raise InvalidInput(_("A view is named by its number."), field="view")
    return int(text)
