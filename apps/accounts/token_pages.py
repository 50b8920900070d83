"""Tokens on a page: one's own, or those of a service account. What is shown, and which service each form asks."""

from dataclasses import dataclass, field

from django.contrib import messages
from django.forms import Form
from django.http import HttpRequest
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from apps.accounts import queries, services
from apps.accounts.forms import RenewalForm, TokenForm
from apps.accounts.models import ApiToken, User
from apps.accounts.tokens import NewToken
from apps.errors import InvalidInput


@dataclass
class TokenPart:
    """The tokens of `owner` as `by` sees them, with the form that makes one and what came of the form that was sent."""

    owner: User
    by: User
    form: TokenForm = field(default_factory=TokenForm)
    renewal: RenewalForm | None = None  # that came back with errors
    made: NewToken | None = None
    done: bool = False  # and there is nothing to show once: load the page again
    status: int = 200

    @property
    def tokens(self) -> list[queries.ListedToken]:
        """The tokens, newest first."""
        return queries.listed_tokens(queries.tokens_of(self.owner), self.by)

    @property
    def refused(self) -> Form | None:
        """The form that came back with errors."""
        return self.form if self.form.errors else self.renewal


def answer(request: HttpRequest, *, owner: User, by: User) -> TokenPart:
    """Carry out the form that was sent, if any. Raises what the services raise for what is no field's fault."""
    part = TokenPart(owner, by)
    if request.method != "POST":
        return part
    deed = request.POST.get("do")
    if deed == "revoke":
        token = services.revoke_token(request.POST.get("prefix", ""), by=by)
        messages.success(request, _("The token “%(name)s” is revoked. It no longer works.") % {"name": token.name})
        _say_along(request, token)
        part.done = True
    elif deed == "renew":
        of = request.POST.get("token", "").replace("%", "")
        _renew(RenewalForm(request.POST, auto_id=f"renew-{of}-%s"), part)  # as on the page, where each has its own
        if part.made:
            _say_along(request, part.made.token)
    else:
        _make(TokenForm(request.POST), part)
    return part


def _say_along(request: HttpRequest, token: ApiToken) -> None:
    if count := token.ended_along:
        said = ngettext(
            "%(count)s token made through it ended too.", "%(count)s tokens made through it ended too.", count
        )
        messages.warning(request, said % {"count": count})


def _make(form: TokenForm, part: TokenPart) -> None:
    if form.is_valid():
        values = form.cleaned_data
        try:
            part.made = services.create_token(
                values["name"], by=part.by, owner=part.owner, scope=values["scope"], models=values["models"],
                days=values["days"],
            )  # fmt: skip
            return
        except InvalidInput as error:
            form.add_error(error.field if error.field in form.fields else None, error.message)
    part.form, part.status = form, 400


def _renew(form: RenewalForm, part: TokenPart) -> None:
    if form.is_valid():
        values = form.cleaned_data
        try:
            part.made = services.renew_token(
                values["token"], by=part.by, days=values["days"], overlap=values["overlap"]
            )
            return
        except InvalidInput as error:
            form.add_error(error.field if error.field in form.fields else None, error.message)
    part.renewal, part.status = form, 400
