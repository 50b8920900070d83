"""Changing one's own password."""

from typing import cast

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods

from apps.accounts import own_password
from apps.accounts.assurance import SignWith
from apps.accounts.forms import OwnPasswordForm
from apps.accounts.models import User
from apps.accounts.proving import proof
from apps.on_forms import OK, carry_out


@sensitive_post_parameters()
@login_required
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def password(request: HttpRequest) -> HttpResponse:
    """Ask for the present password and a new one, and change it; who has none reads why, and what to do."""
    user = cast(User, request.user)
    own_password.check_there(user)
    asks = own_password.asked_factor(request, user)
    shown = proof(request, asks) if asks is SignWith.FACTOR else None
    sent = request.POST if request.method == "POST" else None  # an empty form is one too
    form = OwnPasswordForm(sent, asks=asks, carried=bool(shown and shown.carried))
    status = OK
    if request.method == "POST":
        status = carry_out(form, lambda: _change(request, user, form))
        if status == OK:
            messages.success(request, _("Your password is changed. You are signed out everywhere else."))
            return redirect("accounts:security")
    context = {"form": form, "proof": shown}
    return render(request, "accounts/password.html", context, status=status)


def _change(request: HttpRequest, user: User, form: OwnPasswordForm) -> None:
    said = form.cleaned_data
    own_password.change(request, user, present=said["present"], new=said["new"], factor=said.get("again", ""))
