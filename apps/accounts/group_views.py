"""The page of one group, for those who manage people: parse, call the service, redirect."""

from collections.abc import Mapping
from typing import cast

from django import forms
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.contrib.auth.models import Group
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from apps.accounts import grants, groups, pages
from apps.accounts.forms import GrantForm, PageFilter
from apps.accounts.grant_views import cleaned
from apps.accounts.models import User
from apps.accounts.permissions import Permission
from apps.errors import InvalidInput, NotVisible


@login_required
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def group(request: HttpRequest, group: int) -> HttpResponse:
    """What one group holds and who is in it; the forms change both."""
    by = cast(User, request.user)
    if not grants.allows(by, Permission.PEOPLE_MANAGE):
        raise NotVisible(_("There is no such group, or you may not see it. Your own groups are on the page Account."))
    found = groups.group_numbered(group)
    if request.method != "POST":
        return _page(request, by, found)
    name = request.POST.get("do", "")
    if name not in pages.ABOUT_A_GROUP:
        raise InvalidInput(_("There is no such form on this page. Reload it."), field="do")
    return change(request, by, found, name)


def change(request: HttpRequest, by: User, found: Group, name: str) -> HttpResponse:
    """Carry out a form about this group, and go to its page; a refusal comes back on its field there."""
    deed, sent = pages.DEEDS[name], request.POST.dict() | {"group": str(found.pk)}
    form = deed.form(sent, auto_id=pages.auto_id(name, deed, sent))
    if isinstance(form, GrantForm):
        form.by = by
    _made, status = deed.run(form, by)
    if form.errors:
        return _page(request, by, found, refused=form, deed=name, status=status)
    messages.success(request, deed.done(form.cleaned_data))
    return redirect("accounts:group", found.pk)


def named_in(sent: Mapping[str, str]) -> Group:
    """Return the group that a form names. Raises InvalidInput, NotVisible."""
    text = sent.get("group", "")
    if not (text.isascii() and text.isdecimal() and len(text) < 20):
        raise InvalidInput(_("Say which group, by its number. Load the page of the group again."), field="group")
    return groups.group_numbered(int(text))


def _page(
    request: HttpRequest,
    by: User,
    found: Group,
    *,
    refused: forms.Form | None = None,
    deed: str = "",
    status: int = 200,
) -> HttpResponse:
    page = cleaned(PageFilter(request.GET))["page"]
    context = pages.group_context(by, found, page, refused, deed)
    return render(request, "accounts/group.html", context, status=status)
