"""Comments on the page of a version: parse, call the service, redirect."""

from typing import cast

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from apps.accounts.models import User
from apps.approvals import commenting
from apps.registry.models import ModelVersion
from apps.registry.queries import get_version


@login_required
@require_POST
def add(request: HttpRequest, name: str, number: int) -> HttpResponse:
    """Comment on a version."""
    version = get_version(request.user, name, number)
    commenting.comment(version.pk, request.POST.get("comment", ""), by=cast(User, request.user))
    messages.success(request, _("The comment is kept."))
    return redirect(_comments_of(version))


@login_required
@require_POST
def remove(request: HttpRequest, id: int) -> HttpResponse:
    """Remove a comment of one's own."""
    version = commenting.remove(id, by=cast(User, request.user))
    messages.success(request, _("The comment is removed. The trail keeps it."))
    return redirect(_comments_of(version))


def _comments_of(version: ModelVersion) -> str:
    return reverse("registry:version-detail", args=[version.model.reference, version.number]) + "#comments"
