"""Signing in and out."""

from django.contrib.auth.forms import AuthenticationForm
from django.contrib.auth.views import LoginView, LogoutView
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect

from apps.accounts import sessions
from apps.accounts.forms import SignInForm

TOO_MANY_REQUESTS = 429


class SignIn(LoginView):
    """The sign-in page. `next` is followed on this host alone."""

    form_class = SignInForm
    template_name = "accounts/sign_in.html"
    redirect_authenticated_user = True

    def form_valid(self, form: AuthenticationForm) -> HttpResponse:
        sessions.start_session(self.request, form.get_user())
        return HttpResponseRedirect(self.get_success_url())

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
