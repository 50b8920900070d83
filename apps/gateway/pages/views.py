"""MLflow's own pages for people who are signed in: the same table and guards as for its clients, by session.

MLflow's page names everything from where it stands (`static-files/…`, `ajax-api/…`, `graphql`), so it is passed on as
it is and works below /mlflow/.
"""

from dataclasses import replace
from typing import Any

from django.contrib.auth.views import redirect_to_login
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.utils.translation import gettext as _
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_safe

from apps.accounts import rates
from apps.audit.access.services import Asked, note
from apps.audit.actions import AccessOutcome
from apps.errors import DomainError, InvalidInput
from apps.gateway import guarding
from apps.gateway.callers import Caller
from apps.gateway.canonical import Call, understood
from apps.gateway.errors import NoSuchRoute, SignInNeeded, answer
from apps.gateway.pages import origins, policy, quiet
from apps.gateway.routes import CLOSED, Found, find
from apps.gateway.views import DENIED, passed

FOLDER = "/mlflow"
OPENED = ("/", "/graphql", "/version", "/get-artifact", "/model-versions/get-artifact")
BELOW = ("/static-files/", "/ajax-api/")
METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE")


@require_safe
def home(request: HttpRequest) -> HttpResponseBase:
    """MLflow's page. Who is not signed in signs in first."""
    if not request.user.is_authenticated:
        return redirect_to_login(request.get_full_path())
    return part(request)


@csrf_exempt  # origins.py asks instead: MLflow's pages know no token of ours
def part(request: HttpRequest, path: str = "") -> HttpResponseBase:
    """What MLflow's page is made of and asks for. Errors are as MLflow says them."""
    guarding.load()
    path = request.path.removeprefix(FOLDER)
    asked = _Asking(request)
    try:
        response = asked.answered(path)
    except DomainError as error:
        response = answer(error)
        del response["WWW-Authenticate"]  # or the browser would ask for a password of its own
        if response.status_code in DENIED:
            asked.note(AccessOutcome.DENIED, response.status_code)
    else:
        if asked.is_download(response):
            asked.note(AccessOutcome.GRANTED, response.status_code)
    policy.restrict(request, response, path)
    request.access_noted = True  # type: ignore[attr-defined]
    return response


class _Asking:
    """A request of MLflow's pages, as far as it was understood: the access log says so much of it."""

    def __init__(self, request: HttpRequest) -> None:
        self.request = request
        self.found: Found | None = None
        self.call: Call | None = None

    def answered(self, path: str) -> HttpResponseBase:
        """Return MLflow's answer, or Assent's. Raises DomainError."""
        who = self._who()
        origins.check(self.request)
        self.found = _row(str(self.request.method), path)
        own = quiet.answer(self.found.route)
        if own is not None:
            return own
        if self.found.route.guard == CLOSED:
            raise NoSuchRoute(_("This part of MLflow is not reachable through Assent. docs/gateway.md lists what is."))
        body = b"" if self.found.route.carries_file else self.request.read()
        query = self.request.META.get("QUERY_STRING", "")
        self.call = understood(self.found, query, self.request.content_type or "", body)
        return passed(self.request, self.call, who)

    def is_download(self, response: HttpResponseBase) -> bool:
        """Return whether a file was handed out that `passed` has not noted."""
        attached = response.headers.get("Content-Disposition", "").startswith("attachment")
        noted = self.call is None or self.call.route.guard == "artifact.read"
        return attached and not noted and response.status_code in (200, 206)

    def note(self, outcome: AccessOutcome, status: int) -> None:
        """Keep in the access log what became of it."""
        name = f"mlflow:{self.found.route.guard}" if self.found else "mlflow:unknown"
        about = Asked(
            str(self.request.method), name, *((self.call.about, self.call.model_id) if self.call else ("", None))
        )
        note(outcome, about, status=status, person=self.request.user.get_username())

    def _who(self) -> Caller:
        user: Any = self.request.user
        if not user.is_authenticated:
            raise SignInNeeded(
                _("You are not signed in, or no longer. Sign in to Assent in another tab and try again.")
            )
        if (standing := rates.count(rates.GATEWAY, user.get_username())) and standing.over:
            raise rates.refusal(standing)
        if "Upgrade" in self.request.headers:
            raise InvalidInput(_("Assent passes on no connections that stay open (WebSocket)."), field="Upgrade")
        return Caller(user)


def _row(method: str, path: str) -> Found:
    """Return the row of the table for what the pages ask for. Raises NoSuchRoute."""
    opened = method in METHODS and (path in OPENED or path.startswith(BELOW))
    found = find(method, path) if opened else None
    if found is None:
        raise NoSuchRoute(_("This part of MLflow is not reachable through Assent. docs/gateway.md lists what is."))
    if not path.startswith("/ajax-api/"):
        return found
    # Some of it MLflow serves to its pages alone.
    return Found(replace(found.route, path=found.route.path.replace("/api/", "/ajax-api/", 1)), found.named)
