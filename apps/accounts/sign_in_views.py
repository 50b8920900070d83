"""The steps of signing in beside the password: second factor, invitation, single sign-on."""

from typing import cast

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_safe

from apps.accounts import entering, invitations, passes
from apps.accounts.entering import Step
from apps.accounts.factors import passkeys, queries
from apps.accounts.factors.services import asks_again
from apps.accounts.forms import ChosenPasswordForm, CodeForm
from apps.accounts.going_on import go_on, on_this_host
from apps.accounts.models import User
from apps.accounts.passwords import password_counts
from apps.accounts.single_sign_on import provider, services
from apps.accounts.single_sign_on.provider import Purpose
from apps.errors import DomainError, NotAllowed, NotVisible

TOO_MANY_REQUESTS = 429


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def second_factor(request: HttpRequest) -> HttpResponse:
    """Ask whoever is half-way in for their second factor; who is not goes back to the beginning."""
    half_way = entering.half_way(request, Step.FACTOR)
    if half_way is None:
        return redirect("accounts:sign-in")
    form, status = CodeForm(request.POST or None), 200
    answer = request.POST.get("answer", "")
    if request.method == "POST" and (answer or form.is_valid()):
        try:
            if answer:
                entering.give_passkey(request, half_way, answer)
            else:
                entering.give_code(request, half_way, form.cleaned_data["code"])
            return go_on(request, Step.DONE, half_way.following)
        except DomainError as error:
            form.add_error(None if answer else "code", error.message)
            status = TOO_MANY_REQUESTS if isinstance(error, NotAllowed) else 200
    has_passkey = queries.has(half_way.person, queries.PASSKEY)
    context = {
        "form": form,
        "question": passkeys.question_to_check(half_way.person) if has_passkey else "",
        "has_codes": queries.has(half_way.person, queries.RECOVERY),
    }
    return render(request, "accounts/second_factor.html", context, status=status)


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def invitation(request: HttpRequest, text: str) -> HttpResponse:
    """Let an invited person choose their password, and sign them in."""
    found = invitations.invitation_of(text)
    if not password_counts(found.person.get_username()):
        raise NotVisible(_("Passwords are switched off here. Sign in with single sign-on."))
    form, status = ChosenPasswordForm(request.POST or None), 200
    if request.method == "POST":
        status = 400
        if form.is_valid():
            try:
                person = invitations.use(text, form.cleaned_data["password"])
            except NotVisible:
                raise
            except DomainError as error:
                form.add_error("password", error.message)
            else:
                return go_on(request, entering.enter(request, person, method=entering.INVITATION))
    return render(request, "accounts/invitation.html", {"form": form, "person": found.person}, status=status)


@never_cache
@require_safe
def single_sign_on(request: HttpRequest) -> HttpResponse:
    """Send the browser to the provider of identities, to sign in; `next` is followed on this host alone."""
    _needs_provider()
    following = on_this_host(request, request.GET.get("next", ""), "")
    if request.user.is_authenticated:
        return go_on(request, Step.DONE, following)
    return provider.send(request, Purpose.SIGN_IN, following=following)


@login_required
@never_cache
@require_safe
def connect(request: HttpRequest) -> HttpResponse:
    """Send whoever is signed in to the provider, to sign in with that identity from now on."""
    _needs_provider()
    if asks_again(request, cast(User, request.user)):
        message = _("You signed in a while ago, or without your second factor. Sign out and in again, then connect it.")
        raise NotAllowed(message)
    return provider.send(request, Purpose.CONNECT, following=reverse("accounts:security"))


@login_required
@never_cache
@require_safe
def prove(request: HttpRequest) -> HttpResponse:
    """Send a signer to the provider, to be asked anew who they are; they come back to what they sign."""
    _needs_provider()
    following = on_this_host(request, request.GET.get("next", ""), reverse("home"))
    return provider.send(request, Purpose.PROVE, following=following)


@never_cache
@require_safe
def single_sign_on_return(request: HttpRequest) -> HttpResponse:
    """Take in whoever comes back from the provider."""
    _needs_provider()
    back = provider.receive(request)
    following = on_this_host(request, back.following, reverse("home"))
    if back.purpose is Purpose.SIGN_IN:
        person = services.person_of(back.identity)
        step = entering.enter(request, person, method=entering.SINGLE_SIGN_ON, following=back.following)
        return go_on(request, step, back.following)
    user = request.user
    if not isinstance(user, User) or user.pk != back.person:
        raise NotAllowed(_("Somebody else is signed in here now than when this began. Begin again."))
    if back.purpose is Purpose.CONNECT:
        services.connect(back.identity, by=user)
        messages.success(request, _("Your account is connected. From now on you can sign in with it."))
    elif services.is_theirs(back.identity, user):
        passes.give(request, user, provider.NAME)
        messages.success(request, _("You said anew who you are. It counts for one signature, for five minutes."))
    else:
        raise NotAllowed(_("The provider vouches for somebody else than you. Sign in there as yourself."))
    return HttpResponseRedirect(following)


def _needs_provider() -> None:
    if not provider.is_on():
        raise Http404
