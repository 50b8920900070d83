"""The pages of the admin: which tables there are, their rows by the key, and one row. GET alone.

They stand behind the product's own sign-in. To whoever is no superuser they do not exist.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from functools import wraps
from typing import Any

from django.contrib.admin.utils import quote, unquote
from django.contrib.auth.decorators import login_required
from django.core.exceptions import ValidationError
from django.db import models
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import path, reverse
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from apps.errors import NotVisible
from apps.masking import masked
from config.admin_site import ReadOnlyAdmin, site

ROWS = 50
MAX_LISTED, MAX_TEXT = 80, 20_000  # characters of a value, in a list and on its own page
MAX_KEY = 300
View = Callable[..., HttpResponse]


@dataclass(frozen=True)
class Cell:
    """One value as text; `href` leads to the row that it refers to."""

    name: str
    text: str
    href: str = ""

    @property
    def has_lines(self) -> bool:
        """Whether its line ends matter: JSON, certificates, what somebody wrote."""
        return "\n" in self.text


def _for_superusers(view: View) -> View:
    @wraps(view)
    def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if not site.has_permission(request):
            raise _nothing_here()
        return view(request, *args, **kwargs)

    return login_required(never_cache(require_safe(guarded)))


@_for_superusers
def index(request: HttpRequest) -> HttpResponse:
    """Every table, by its app."""
    return render(request, "admin/index.html", {"apps": site.by_app()})


@_for_superusers
def rows(request: HttpRequest, kind: str) -> HttpResponse:
    """The rows of a table, the last keys first; `before` is the key to go on from."""
    admin = _admin(kind)
    before = request.GET.get("before", "")
    found = _newest(admin, before)
    lines = [
        (Cell("", _short(row.pk), _address(kind, row.pk)), _cells(row, admin.listed(), _short)) for row in found[:ROWS]
    ]
    context = {
        "admin": admin,
        "lines": lines,
        "more": found[ROWS - 1].pk if len(found) > ROWS else None,
        "first": not before,
    }
    return render(request, "admin/rows.html", context)


@_for_superusers
def row(request: HttpRequest, kind: str, key: str) -> HttpResponse:
    """Everything of one row that may be shown."""
    admin = _admin(kind)
    found = _row(admin, request, unquote(key))
    context = {"admin": admin, "key": _short(found.pk), "cells": _cells(found, admin.shown(), _long)}
    return render(request, "admin/row.html", context)


def _admin(kind: str) -> ReadOnlyAdmin:
    admin = site.of_kind(kind)
    if admin is None:
        raise _nothing_here()
    return admin


def _row(admin: ReadOnlyAdmin, request: HttpRequest, key: str) -> Any:
    found = admin.get_object(request, key) if _is_key(key) else None
    if found is None:
        raise _nothing_here()
    return found


def _newest(admin: ReadOnlyAdmin, before: str) -> list[Any]:
    """Return one row more than a page shows, without the columns that are not shown. Raises NotVisible."""
    listed = admin.model._base_manager.only("pk", *(field.name for field in admin.listed()))
    if before:
        try:
            listed = listed.filter(pk__lt=admin.opts.pk.to_python(before)) if _is_key(before) else listed.none()
        except (ValidationError, ValueError, OverflowError) as error:
            raise _nothing_here() from error
    return list(listed.order_by("-pk")[: ROWS + 1])


def _is_key(text: str) -> bool:
    return len(text) <= MAX_KEY and "\0" not in text


def _cells(row: Any, fields: list[models.Field], written: Callable[[Any], str]) -> list[Cell]:
    return [_cell(field, getattr(row, field.attname), written) for field in fields]


def _cell(field: models.Field, value: Any, written: Callable[[Any], str]) -> Cell:
    related = field.related_model._meta.label_lower if field.is_relation and field.related_model else ""
    linked = related and value is not None and site.of_kind(related) is not None
    return Cell(field.name, written(value), _address(related, value) if linked else "")


def _address(kind: str, key: Any) -> str:
    return reverse("tables:row", args=[kind, quote(key)])


def _short(value: Any) -> str:
    text = _written(value)
    return text if len(text) <= MAX_LISTED else text[:MAX_LISTED] + "…"


def _long(value: Any) -> str:
    text = _written(value, indent=2)
    if len(text) <= MAX_TEXT:
        return text
    return text[:MAX_TEXT] + "\n" + _("… and %(more)d characters more") % {"more": len(text) - MAX_TEXT}


def _written(value: Any, indent: int | None = None) -> str:
    """Return a value as text, without the credentials that addresses in it hold."""
    if value is None:
        return ""
    if isinstance(value, datetime):
        return f"{value:%Y-%m-%d %H:%M:%S} UTC"
    if isinstance(value, dict | list):
        return json.dumps(masked(value), ensure_ascii=False, indent=indent, default=str)
    return str(masked(value) if isinstance(value, str) else value)


def _nothing_here() -> NotVisible:
    return NotVisible(_("There is no such page, or you may not see it."))


urlpatterns = [
    path("", index, name="index"),
    path("<str:kind>/", rows, name="rows"),
    path("<str:kind>/rows/<str:key>/", row, name="row"),
]
