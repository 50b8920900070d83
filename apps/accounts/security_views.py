"""One's own safety: second factors, sessions, single sign-on; and who signs proves it by passkey."""

from collections.abc import Callable
from typing import Any, cast

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.forms import Form
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from apps.accounts import entering, own_password, passes, sessions, throttle
from apps.accounts.assurance import SignWith
from apps.accounts.entering import HalfWay, Step
from apps.accounts.factors import passkeys, queries, services
from apps.accounts.factors.rules import must_have_factor
from apps.accounts.forms import AgainForm, AppForm, PasskeyForm
from apps.accounts.going_on import go_on, on_this_host
from apps.accounts.models import User
from apps.accounts.proving import Proof, proof
from apps.accounts.single_sign_on import provider
from apps.accounts.single_sign_on.services import is_connected
from apps.errors import InvalidInput, NotVisible
from apps.on_forms import show_on


@login_required
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def security(request: HttpRequest) -> HttpResponse:
    """One's own second factors and sessions, and what can be done about them."""
    user = cast(User, request.user)
    sent = request.POST if request.method == "POST" else None  # an empty form is one too
    form = AgainForm(sent, **_again(request, user))
    new_codes: list[str] = []
    status = 200
    if request.method == "POST":
        try:
            answer, new_codes = _change(request, user, form)
            if answer:
                return answer
        except InvalidInput as error:
            if error.field not in form.fields:
                raise
            form.add_error(error.field, error.message)
            status = 400
    context = {
        "form": form,
        "proof": _proof(request, user),
        "new_codes": "\n".join(new_codes),
        "factors": queries.factors_of(user),
        "must_have": must_have_factor(user),
        "sessions": sessions.sessions_of(request, user),
        "no_password": own_password.why_none(user),
        "provider": settings.OIDC_NAME if provider.is_on() else "",
        "connected": provider.is_on() and is_connected(user),
    }
    return render(request, "accounts/security.html", context, status=status)


def _change(request: HttpRequest, user: User, form: Form) -> tuple[HttpResponse | None, list[str]]:
    """Do what a form of the page asks for; return where to go, or recovery codes to show."""
    form.is_valid()
    again, sent = form.cleaned_data.get("again", ""), request.POST
    if "remove" in sent:
        services.remove_factor(request, user, _number(sent["remove"]), again=again)
        messages.success(request, _("The second factor is removed."))
    elif "end" in sent:
        sessions.end_one(sent["end"], by=user)
        messages.success(request, _("That session has ended."))
    elif sent.get("do") == "new_codes":
        return None, services.new_recovery_codes(request, user, again=again)
    elif sent.get("do") == "end_others":
        ended = sessions.end_others(request)
        words = ngettext("%(number)s other session has ended.", "%(number)s other sessions have ended.", ended)
        messages.success(request, words % {"number": ended})
    else:
        raise InvalidInput(_("There is no such form on this page. Reload it."), field="do")
    return redirect("accounts:security"), []


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def app_add(request: HttpRequest) -> HttpResponse:
    """Set up an authenticator app: on one's own page, or on the way in where a second factor is demanded."""
    user, half_way = _who(request)
    if user is None:
        return redirect("accounts:sign-in")
    form = AppForm(request.POST or None, **_again(request, user))
    codes = _try_to_add(
        form, lambda values: services.add_app(request, user, values["code"], again=values.get("again", ""))
    )
    if codes is not None:
        return _added(request, half_way, queries.TOTP, codes)
    new = services.begin_app(request, user)
    picture = new.picture[new.picture.index("<svg") :]  # stands in the page: images of other kinds are not let in
    context = {
        "form": form,
        "secret": new.secret,
        "picture": picture,
        "half_way": half_way,
        "proof": _proof(request, user),
    }
    return render(request, "accounts/app_add.html", context, status=400 if request.method == "POST" else 200)


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def passkey_add(request: HttpRequest) -> HttpResponse:
    """Add a passkey, likewise. The browser makes it, which takes JavaScript."""
    user, half_way = _who(request)
    if user is None:
        return redirect("accounts:sign-in")
    form = PasskeyForm(request.POST or None, **_again(request, user))
    codes = _try_to_add(
        form,
        lambda values: services.add_passkey(
            request, user, values["answer"], values["name"], again=values.get("again", "")
        ),
    )
    if codes is not None:
        return _added(request, half_way, passkeys.PASSKEY, codes)
    context = {
        "form": form,
        "question": passkeys.question_to_add(user),
        "half_way": half_way,
        "proof": _proof(request, user),
    }
    return render(request, "accounts/passkey_add.html", context, status=400 if request.method == "POST" else 200)


@login_required
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def prove_by_passkey(request: HttpRequest) -> HttpResponse:
    """Ask a signer for their passkey; they come back to what they sign with a pass for one signature."""
    user = cast(User, request.user)
    following = on_this_host(request, request.POST.get("next") or request.GET.get("next", ""), reverse("home"))
    if not queries.has(user, queries.PASSKEY):
        raise NotVisible(_("You have no passkey. Add one on the page of your account."))
    refused = False
    if request.method == "POST":
        tried = throttle.count_failure("passkey", user.get_username())
        if tried <= throttle.MAX_FAILURES and passkeys.check_passkey(user, request.POST.get("answer", "")):
            throttle.forget("passkey", user.get_username())
            passes.give(request, user, passkeys.PASSKEY)
            messages.success(
                request,
                _(
                    "Your passkey counts for one signature, or one change of your second factors or your password, "
                    "for five minutes."
                ),
            )
            return HttpResponseRedirect(following)
        refused = True
    context = {"question": passkeys.question_to_check(user), "following": following, "refused": refused}
    return render(request, "accounts/passkey_prove.html", context, status=400 if refused else 200)


def _who(request: HttpRequest) -> tuple[User | None, HalfWay | None]:
    """Return whose second factor is added, and whether they are on their way in."""
    if isinstance(request.user, User):
        return request.user, None
    half_way = entering.half_way(request, Step.ADD_FACTOR)
    return (half_way.person, half_way) if half_way else (None, None)


def _again(request: HttpRequest, user: User) -> dict[str, Any]:
    """Return what a form is to ask again; nothing to type where a pass that counts waits in the session."""
    asks = services.answer_to(request, user)
    return {"asks": asks, "carried": asks is SignWith.FACTOR and bool(passes.held(request, asks))}


def _proof(request: HttpRequest, user: User) -> Proof | None:
    """Return how else than by typing the person says who they are, where a factor is asked for."""
    asks = services.answer_to(request, user)
    return proof(request, asks) if asks is SignWith.FACTOR else None


def _try_to_add(form: Form, add: Callable[[dict[str, Any]], list[str]]) -> list[str] | None:
    """Add a factor with what a sent form says; None where the form is to be shown, with what is wrong at its place."""
    if not form.is_valid():
        return None
    try:
        return add(form.cleaned_data)
    except InvalidInput as error:
        show_on(form, error)
        return None


def _added(request: HttpRequest, half_way: HalfWay | None, kind: str, codes: list[str]) -> HttpResponse:
    """Show the recovery codes, this once; whoever was on their way in is signed in now."""
    going = HttpResponseRedirect(reverse("accounts:security"))
    if half_way:
        entering.factor_added(request, half_way, kind)
        going = cast(HttpResponseRedirect, go_on(request, Step.DONE, half_way.following))
    if not codes:
        messages.success(request, _("The second factor is added."))
        return going
    answer = render(request, "accounts/recovery_codes.html", {"codes": "\n".join(codes), "following": going.url})
    answer.cookies.update(going.cookies)
    return answer


def _number(text: str) -> int:
    if not (text.isascii() and text.isdecimal() and len(text) < 19):
        raise NotVisible(_("There is no such second factor any more. Load the page again."))
    return int(text)
