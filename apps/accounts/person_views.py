"""The page of one person, for those who manage people: parse, call the service, redirect."""

from typing import Any, cast

from django import forms
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from apps.accounts import pages, profiles, queries, services
from apps.accounts.factors.rules import must_have_factor
from apps.accounts.forms import RevocationForm, StandingForm
from apps.accounts.models import User
from apps.errors import InvalidInput, NotVisible

TOKENS_SHOWN = 50  # the API lists all
REVOKE = pages.Deed(
    RevocationForm,
    lambda form, by: services.revoke_token(form.cleaned_data["token"], by=by, reason=form.cleaned_data["reason"]),
    lambda values: _("The token is revoked. It no longer works."),
)


@login_required
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def person(request: HttpRequest, person: int) -> HttpResponse:
    """Everything about one person; the forms change whether they come in, and revoke a token of theirs."""
    by = cast(User, request.user)
    found = profiles.managed_person(by, person)
    if request.method != "POST":
        return _page(request, found, by)
    form, deed = _form(request, found)
    _made, status = deed.run(form, by)
    if form.errors:
        return _page(request, found, by, refused=form, status=status)
    messages.success(request, deed.done(form.cleaned_data))
    return redirect("accounts:person", person)


def _form(request: HttpRequest, found: User) -> tuple[Any, pages.Deed]:
    """Return the form that was sent, which is about this person, and its deed. Raises InvalidInput, NotVisible."""
    name = request.POST.get("do", "")
    if name == "revoke":
        if not queries.tokens_of(found).filter(prefix=request.POST.get("token", "").replace("\0", "")).exists():
            raise NotVisible(_("There is no such token of this person any more. Load the page again."))
        return RevocationForm(request.POST, auto_id=f"revoke-{request.POST['token']}-%s"), REVOKE
    if name not in pages.STANDING:
        raise InvalidInput(_("There is no such form on this page. Reload it."), field="do")
    sent = {"person": found.get_username(), "reason": request.POST.get("reason", "")}
    return StandingForm(sent, auto_id=f"{pages.named_as(name)}-{found.get_username()}-%s"), pages.DEEDS[name]


def _page(
    request: HttpRequest, found: User, by: User, *, refused: forms.Form | None = None, status: int = 200
) -> HttpResponse:
    tokens = list(queries.tokens_of(found)[: TOKENS_SHOWN + 1])
    profile = profiles.profile_of(found, by)
    context = {
        "profile": profile,
        "person": found,
        "must_have_factor": must_have_factor(found),
        "tokens": queries.listed_tokens(tokens[:TOKENS_SHOWN], by),
        "more_tokens": len(tokens) > TOKENS_SHOWN,
        "refused": refused,
        "standing": refused if isinstance(refused, StandingForm) else None,
        "with_factor": {found.pk} if profile.factors else set(),
        "revocation": refused if isinstance(refused, RevocationForm) else None,
        "roles": pages.roles_named(profile.roles),
        "oneself": found.pk == by.pk,
    }
    return render(request, "accounts/person.html", context, status=status)
