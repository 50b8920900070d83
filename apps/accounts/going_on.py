"""Where somebody goes after a step of signing in, or after a form: on this host alone."""

from typing import cast

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect, resolve_url
from django.utils.http import url_has_allowed_host_and_scheme

from apps.accounts import doors
from apps.accounts.entering import Step
from apps.accounts.models import User

PAGES = {Step.FACTOR: "accounts:second-factor", Step.ADD_FACTOR: "accounts:app-add"}


def on_this_host(request: HttpRequest, address: str, otherwise: str) -> str:
    """Return the address when it is on this host, and `otherwise` when it would lead away."""
    safe = url_has_allowed_host_and_scheme(address, {request.get_host()}, require_https=request.is_secure())
    return address if safe else otherwise


def go_on(request: HttpRequest, step: Step, following: str = "") -> HttpResponse:
    """Return the answer that leads to the next step; once signed in, to where the person wanted to go."""
    if step is not Step.DONE:
        return redirect(PAGES[step])
    response = HttpResponseRedirect(on_this_host(request, following, resolve_url(settings.LOGIN_REDIRECT_URL)))
    doors.remember(request, response, cast(User, request.user))
    return response
