"""The pages of campaigns: parse, call the service, redirect. Every rule is the services'."""

from typing import Any, cast

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_GET, require_http_methods, require_POST, require_safe

from apps.accounts.access_reviews import exporting, opening, queries, steering
from apps.accounts.access_reviews.deciding import Result, refusals, status_of
from apps.accounts.access_reviews.forms import (
    CoverageForm,
    EndEarlyForm,
    ItemFilter,
    ReassignForm,
    ReviewFilter,
)
from apps.accounts.access_reviews.records import SYSTEM
from apps.accounts.grant_forms import EndForm
from apps.accounts.grant_views import cleaned
from apps.accounts.models import AccessReview, User
from apps.accounts.queries import needs_people_manage
from apps.errors import DomainError, NotAllowed
from apps.on_forms import OK, carry_out

ROWS = 50
REVIEWS = 20
WOULD_LAPSE = 20  # shown before a campaign is ended early


@login_required
@require_safe
def access_review_list(request: HttpRequest) -> HttpResponse:
    """Every campaign, newest first, with how far it is."""
    by = cast(User, request.user)
    needs_people_manage(by)
    before = cleaned(ReviewFilter(request.GET))["before"]
    rows, more = queries.newest_first(queries.visible_reviews(by), before, REVIEWS)
    far = queries.progress(rows, by)
    context = {"rows": [(review, far[review.pk]) for review in rows], "more": more, "before": before}
    return render(request, "accounts/access_reviews/list.html", context)


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def access_review_new(request: HttpRequest) -> HttpResponse:
    """Open a campaign: first a look at what it would cover, then the same form again with the button that opens it."""
    by = cast(User, request.user)
    needs_people_manage(by)
    form, look, status = CoverageForm(request.POST or None), None, 200
    if request.method == "POST":
        try:
            if form.is_valid():
                values = form.cleaned_data
                covers = {name: values[name] for name in ("groups", "roles", "pattern")}
                if request.POST.get("do") == "open":
                    review = opening.open_review(
                        values["name"], values["until"], by=by, reason=values["reason"], seen=values["seen"], **covers
                    )
                    messages.success(request, _("The access review is open. Whoever answers for a grant is told."))
                    return redirect("accounts:access-review", review.pk)
                opening.due_at(values["until"])
                look = opening.look(**covers, by=by)
            else:
                status = 400
        except NotAllowed:
            raise
        except DomainError as error:
            shown = error.field in form.fields and error.field != "seen"
            form.add_error(error.field if shown else None, error.message)
            status = error.status
    return render(request, "accounts/access_reviews/new.html", {"form": form, "look": look}, status=status)


@login_required
@require_safe
def access_review(request: HttpRequest, review: int) -> HttpResponse:
    """One campaign: how far it is, and each of its grants."""
    return _page(request, queries.get_review(cast(User, request.user), review))


@login_required
@require_POST
def access_review_reassign(request: HttpRequest, review: int) -> HttpResponse:
    """Have somebody else answer for the grants that were ticked."""
    by = cast(User, request.user)
    found = queries.get_review(by, review)
    needs_people_manage(by)
    form, results = ReassignForm(request.POST), list[Result]()

    def act() -> None:
        values = form.cleaned_data
        said = {"by": by, "reason": values["reason"], "review": found.pk}
        results.extend(steering.reassign_several(values["items"], values["person"], **said))

    if (status := carry_out(form, act)) != OK:
        return _page(request, found, form=form, status=status)
    refused = [result for result in results if result.error]
    if done := len(results) - len(refused):
        text = ngettext("%(count)d grant is reassigned.", "%(count)d grants are reassigned.", done)
        messages.success(request, text % {"count": done})
    if not refused:
        return redirect("accounts:access-review", found.pk)
    return _page(request, found, form=form, refused=refused, status=status_of(refused))


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def access_review_end(request: HttpRequest, review: int) -> HttpResponse:
    """End a campaign before it is due; the page shows first what would lapse."""
    by = cast(User, request.user)
    found = queries.get_review(by, review)
    needs_people_manage(by)
    form, status = EndEarlyForm(request.POST or None), 200
    if request.method == "POST":
        status = 400
        try:
            if form.is_valid():
                steering.end_early(found.pk, by=by, **form.cleaned_data)
                messages.success(request, _("The access review is ended. What nobody answered lapses within minutes."))
                return redirect("accounts:access-review", found.pk)
        except DomainError as error:
            form.add_error("reason" if error.field == "reason" else None, error.message)
            status = error.status
    pending, far = queries.items_of(by, found, decision="pending"), queries.progress([found], by)[found.pk]
    context = {
        "review": found,
        "form": form,
        "pending": far.pending,
        "unseen": queries.hides_pending(found, far),
        "lines": queries.lines(by, list(pending[:WOULD_LAPSE])),
    }
    return render(request, "accounts/access_reviews/end.html", context, status=status)


@login_required
@require_POST
def access_review_cancel(request: HttpRequest, review: int) -> HttpResponse:
    """Break a campaign off; nothing lapses."""
    by = cast(User, request.user)
    found = queries.get_review(by, review)
    needs_people_manage(by)
    steering.cancel(found.pk, by=by, reason=cleaned(EndForm(request.POST))["reason"])
    messages.success(request, _("The access review is cancelled. What was unanswered stays as it was."))
    return redirect("accounts:access-review", found.pk)


@login_required
@require_GET  # HEAD would record an export that nobody reads
def access_review_export(request: HttpRequest, review: int, form: str) -> HttpResponse:
    """A campaign that is over, as a file that is sent while it is read."""
    parts = exporting.export(review, form, by=cast(User, request.user))
    response: Any = StreamingHttpResponse(parts, content_type=exporting.CONTENT_TYPES[form])
    response["Content-Disposition"] = f'attachment; filename="access-review-{review}.{form}"'
    return response


def _page(
    request: HttpRequest,
    review: AccessReview,
    *,
    form: ReassignForm | None = None,
    refused: list[Result] | None = None,
    status: int = 200,
) -> HttpResponse:
    """One campaign; after a refusal with what was ticked and typed, as `form`, and why: above, where the row is not."""
    by, wanted = cast(User, request.user), ItemFilter(request.GET)
    why = refusals(refused or ())
    values = wanted.cleaned_data if wanted.is_valid() else {}
    rows = queries.items_of(by, review, decision=values.get("decision", ""), owner=values.get("owner", ""))
    items, more = queries.page(rows, values.get("after"), ROWS) if wanted.is_valid() else ([], None)
    by_owner, more_owners = queries.by_owner(review, by)
    context: dict[str, Any] = {
        "review": review,
        "filter": wanted,
        "filtered": any(request.GET.get(name) for name in ("decision", "owner")),
        "progress": queries.progress([review], by)[review.pk],
        "by_owner": by_owner,
        "more_owners": more_owners,
        "lines": queries.lines(by, items, why),
        "form": form or ReassignForm(),
        "ticked": set(request.POST.getlist("items")),
        "refused": _summary(why, {item.pk for item in items}),
        "more": more,
        "manages": queries.manages(by),
        "running": queries.is_running(review),
        "by_itself": review.closed_by == SYSTEM.name,
    }
    status = status if wanted.is_valid() else 400
    return render(request, "accounts/access_reviews/detail.html", context, status=status)


def _summary(why: dict[int, str], shown: set[int]) -> list[str]:
    """Return what stands above the page of refusals: those of rows that it does not show, and how many others."""
    texts = [text for number, text in why.items() if number not in shown]
    if at_rows := len(why.keys() & shown):
        text = ngettext("%(count)d row below says why.", "%(count)d rows below say why.", at_rows)
        texts.append(text % {"count": at_rows})
    return texts
