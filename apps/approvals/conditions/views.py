"""Meeting a condition from the page of its request: parse, call the service, redirect."""

from typing import cast

from django import forms
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST

from apps.accounts.models import User
from apps.approvals import conditions
from apps.approvals.forms import cleaned
from apps.texts import MAX_TEXT


class MeetForm(forms.Form):
    """Say how a condition was met."""

    note = forms.CharField(
        max_length=MAX_TEXT,
        error_messages={"required": gettext_lazy("Write how the condition was met. It is kept with the request.")},
    )


@login_required
@require_POST
def meet(request: HttpRequest, id: int) -> HttpResponse:
    """Say that a condition is met, and how."""
    row = conditions.meet(id, by=cast(User, request.user), **cleaned(MeetForm(request.POST)))
    messages.success(request, _("The condition is met."))
    return redirect(f"{reverse('approvals:request-detail', args=[row.review.request_id])}#conditions")
