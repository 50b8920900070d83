"""The pages about people: signing in and out, groups and roles, one's own account, the theme."""

from typing import cast

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.contrib.auth.forms import AuthenticationForm
from django.contrib.auth.models import Group
from django.contrib.auth.views import LoginView, LogoutView
from django.forms import Form
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.decorators import method_decorator
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from apps.accounts import entering, grants, group_views, pages, queries, sessions, token_pages
from apps.accounts.forms import PeopleFilter, SignInForm
from apps.accounts.going_on import go_on, on_this_host
from apps.accounts.grant_views import cleaned
from apps.accounts.invitations import NewInvitation
from apps.accounts.models import User
from apps.accounts.passwords import anybody_by_password
from apps.accounts.permissions import Permission
from apps.accounts.single_sign_on import provider
from apps.errors import InvalidInput, NotAllowed

THEMES = ("light", "dark", "system")
YEAR = 365 * 24 * 3600  # seconds
TOO_MANY_REQUESTS = 429


@method_decorator(require_http_methods(["GET", "HEAD", "POST"]), name="dispatch")
class SignIn(LoginView):
    """The sign-in page. `next` is followed on this host alone."""

    form_class = SignInForm
    template_name = "accounts/sign_in.html"
    redirect_authenticated_user = True

    def form_valid(self, form: AuthenticationForm) -> HttpResponse:
        person, following = cast(User, form.get_user()), self.get_redirect_url()
        step = entering.enter(self.request, person, method=entering.PASSWORD, following=following)
        return go_on(self.request, step, following)

    def get_context_data(self, **given: object) -> dict[str, object]:
        return super().get_context_data(
            **given,
            provider=settings.OIDC_NAME if provider.is_on() else "",
            by_password=anybody_by_password(),
            for_emergencies=not settings.PASSWORD_SIGN_IN,
        )

    def form_invalid(self, form: AuthenticationForm) -> HttpResponse:
        response = super().form_invalid(form)
        response.status_code = TOO_MANY_REQUESTS if getattr(form, "throttled", False) else response.status_code
        return response


class SignOut(LogoutView):
    """Ends the session; only by POST, so that no link or picture can."""

    http_method_names = ["post", "options"]

    def post(self, request: HttpRequest, *args: object, **kwargs: object) -> HttpResponse:
        sessions.end_session(request)
        return HttpResponseRedirect(self.get_success_url())


@login_required
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def people(request: HttpRequest) -> HttpResponse:
    """People, and groups with their roles. Only for those who manage people; the page is no secret."""
    by = cast(User, request.user)
    if not grants.allows(by, Permission.PEOPLE_MANAGE):
        raise NotAllowed(_("Only an admin of the whole registry manages people. Ask one to do this."))
    if request.method == "POST":
        return _change_people(request, by)
    return _people_page(request, by)


def _change_people(request: HttpRequest, by: User) -> HttpResponse:
    """Carry out the form that was sent; a refusal comes back on its field."""
    name = request.POST.get("do", "")
    if name in pages.ABOUT_A_GROUP:
        return group_views.change(request, by, group_views.named_in(request.POST), name)
    deed = pages.DEEDS.get(name)
    if deed is None:
        raise InvalidInput(_("There is no such form on this page. Reload it."), field="do")
    form = deed.form(request.POST, auto_id=pages.auto_id(name, deed, request.POST.dict()))
    made, status = deed.run(form, by)
    if form.errors:
        return _people_page(request, by, refused=form, deed=name, status=status)
    if isinstance(made, NewInvitation):
        return _people_page(request, by, invited=made)
    messages.success(request, deed.done(form.cleaned_data))
    return redirect("accounts:group", made.pk) if isinstance(made, Group) else redirect("accounts:people")


def _people_page(
    request: HttpRequest,
    by: User,
    *,
    refused: Form | None = None,
    deed: str = "",
    status: int = 200,
    invited: NewInvitation | None = None,
) -> HttpResponse:
    context = pages.people_context(by, cleaned(PeopleFilter(request.GET)), refused, deed, invited)
    return render(request, "accounts/people.html", context, status=status)


@login_required
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def account(request: HttpRequest) -> HttpResponse:
    """One's own roles and API tokens. A new token is shown once, on the answer to the form that made it."""
    by = cast(User, request.user)
    part = token_pages.answer(request, owner=by, by=by)
    if part.done:
        return redirect("accounts:account")
    everywhere, on_models = queries.own_roles(by)
    context = {
        "part": part,
        "roles": pages.roles_named(everywhere),
        "scoped": queries.own_scopes(by),
        "on_models": [(row.model, pages.roles_named(row.roles)) for row in on_models],
        "groups": by.groups.order_by("name"),
    }
    return render(request, "accounts/account.html", context, status=part.status)


@login_required
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def service_account(request: HttpRequest, account: int) -> HttpResponse:
    """A service account with its groups and tokens, for those who manage people."""
    by = cast(User, request.user)
    if not grants.allows(by, Permission.PEOPLE_MANAGE):
        raise NotAllowed(_("Only an admin of the whole registry manages service accounts. Ask one to do this."))
    found = queries.service_account(account)
    part = token_pages.answer(request, owner=found, by=by)
    if part.done:
        return redirect("accounts:service-account", account)
    context = {"account": found, "part": part, "groups": found.groups.order_by("name")}
    return render(request, "accounts/service_account.html", context, status=part.status)


@require_POST
def theme(request: HttpRequest) -> HttpResponse:
    """Keep the chosen theme in a cookie of this browser, and go back to where the person was, on this host alone."""
    chosen = request.POST.get("theme", "")
    if chosen not in THEMES:
        raise InvalidInput(_("There is no such theme. Choose light, dark or system."), field="theme")
    response = HttpResponseRedirect(on_this_host(request, request.POST.get("next", ""), reverse("home")))
    response.set_cookie("theme", chosen, max_age=YEAR, samesite="Lax", secure=settings.SECURE_COOKIES, httponly=True)
    return response
