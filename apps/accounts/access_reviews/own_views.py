"""The page of what waits for one's own answer: parse, call the service, redirect. Every rule is the services'."""

from typing import cast

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import ngettext
from django.views.decorators.http import require_http_methods

from apps.accounts.access_reviews import deciding, queries
from apps.accounts.access_reviews.deciding import Result, refusals, status_of
from apps.accounts.access_reviews.forms import DecideForm, ItemFilter
from apps.accounts.grant_views import cleaned
from apps.accounts.models import AccessReviewItem, Decision, User
from apps.errors import DomainError

ROWS = 50


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def access_to_review(request: HttpRequest) -> HttpResponse:
    """What waits for one's own answer; the form confirms or removes the grants that were ticked."""
    by = cast(User, request.user)
    if request.method != "POST":
        return _own_page(request, DecideForm())
    form = DecideForm(request.POST)
    if not form.is_valid():
        return _own_page(request, form, status=400)
    values = form.cleaned_data
    try:
        results = deciding.decide_several(values["items"], values["do"], by=by, reason=values["reason"])
    except DomainError as error:
        form.add_error(error.field if error.field in form.fields else None, error.message)
        return _own_page(request, form, status=error.status)
    _say(request, values["do"], [result.item for result in results if result.item])
    refused = [result for result in results if result.error]
    if not refused:
        return redirect("accounts:access-to-review")
    return _own_page(request, form, refused=refused, status=status_of(refused))


def _own_page(
    request: HttpRequest, form: DecideForm, *, refused: list[Result] | None = None, status: int = 200
) -> HttpResponse:
    by = cast(User, request.user)
    after = cleaned(ItemFilter(request.GET))["after"]
    rows, more = queries.page(queries.waiting_for(by), after, ROWS)
    why = refusals(refused or ())
    context = {
        "form": form,
        "lines": queries.lines(by, rows, why),
        "more": more,
        "after": after,
        "ticked": set(request.POST.getlist("items")),
        "refused": [text for key, text in why.items() if key not in {row.pk for row in rows}],
    }
    return render(request, "accounts/access_reviews/own.html", context, status=status)


def _say(request: HttpRequest, verdict: str, items: list[AccessReviewItem]) -> None:
    """Tell what was done: of what two confirm, the first has not decided it."""
    half = sum(item.decision == Decision.PENDING for item in items)
    if done := len(items) - half:
        if verdict == deciding.Verdict.REMOVE:
            text = ngettext("%(count)d grant is removed.", "%(count)d grants are removed.", done)
        else:
            text = ngettext("%(count)d grant is confirmed.", "%(count)d grants are confirmed.", done)
        messages.success(request, text % {"count": done})
    if half:
        text = ngettext(
            "%(count)d grant is held by every admin: a second one has to confirm it, too.",
            "%(count)d grants are held by every admin: a second one has to confirm them, too.",
            half,
        )
        messages.info(request, text % {"count": half})
