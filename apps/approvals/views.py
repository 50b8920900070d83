"""The pages of requests: parse, call the service, redirect. Every rule is the service's."""

from typing import Any, cast

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_POST, require_safe

from apps.accounts.models import User
from apps.approvals import exporting, queries, request_page, services, signing_page
from apps.approvals.at_once import looking
from apps.approvals.forms import RequestFilter, cleaned
from apps.approvals.models import ApprovalRequest, RequestState
from apps.approvals.queue import words
from apps.approvals.signing_form import ActForm
from apps.approvals.transitions import RequestAction, transition_of
from apps.errors import DomainError, NotVisible

ROWS = 50


@login_required
@require_safe
def request_detail(request: HttpRequest, id: int) -> HttpResponse:
    """Everything to decide a request on one page; as htmx polls, only how far the apply has come."""
    asked = queries.get_request(request.user, id)
    if request.headers.get("HX-Request") == "true":
        return _progress(request, asked)
    return _request_page(request, asked)


def _progress(request: HttpRequest, asked: ApprovalRequest) -> HttpResponse:
    """The fragment that a page polls while an apply is under way; the whole page again when the state has changed."""
    response = render(request, "approvals/_progress.html", request_page.moving_context(asked))
    if request.GET.get("shown") != asked.state:
        response["HX-Refresh"] = "true"
    return response


def _request_page(
    request: HttpRequest, asked: ApprovalRequest, *, error: DomainError | None = None, form: ActForm | None = None
) -> HttpResponse:
    person = cast(User, request.user)
    with looking():
        context = {
            **request_page.request_context(asked, person),
            **request_page.offers_context(asked, person),
            **signing_page.signing_context(asked, person, form),
            "error": error,
            "sign_at": reverse("approvals:request-detail", args=[asked.pk]),
        }
        return render(request, "approvals/request_detail.html", context, status=error.status if error else 200)


@login_required
@require_POST
def request_act(request: HttpRequest, id: int) -> HttpResponse:
    """Do one thing to a request; a refusal comes back on the page with all that was written but the password."""
    asked = queries.get_request(request.user, id)
    form = ActForm(request.POST)
    try:
        after = services.act(id, by=cast(User, request.user), **_cleaned(form))
    except NotVisible:
        raise
    except DomainError as error:
        asked = queries.get_request(request.user, id)
        return _request_page(request, asked, error=error, form=form)
    action = RequestAction(form.cleaned_data["action"])
    messages.success(request, request_page.what_happened(action, after))
    if action is RequestAction.DISCARD:
        return redirect("approvals:review-queue")
    return redirect("approvals:request-detail", id)


def _cleaned(form: ActForm) -> dict[str, Any]:
    """Return the form's values as `act` wants them. Raises InvalidInput for the first field at fault."""
    values = cleaned(form)
    return {
        "action": transition_of(values["action"]).action,
        "comment": values["comment"],
        "evidence_digest": values["evidence_digest"] or None,
        "signing": form.signing(),
    }


@login_required
@require_safe
def request_export(request: HttpRequest, id: int) -> HttpResponse:
    """Everything about a request as one file of JSON, its signatures and their evidence included."""
    asked = queries.get_request(request.user, id)
    response = JsonResponse(exporting.exported(asked), json_dumps_params={"indent": 2, "ensure_ascii": False})
    response["Content-Disposition"] = f'attachment; filename="request-{asked.pk}.json"'
    return response


@login_required
@require_safe
def request_list(request: HttpRequest) -> HttpResponse:
    """All requests on models that the person may see."""
    form = RequestFilter(request.GET)
    visible = queries.visible_requests(request.user)
    rows = queries.filtered(visible, form.cleaned_data, request.user) if form.is_valid() else visible.none()
    page = Paginator(queries.as_rows(rows), ROWS).get_page(form.cleaned_data.get("page") or 1)
    context = {
        "form": form,
        "page": page,
        "rows": words.rows(page.object_list),
        "filtered": any(request.GET.get(name) for name in ("state", "model", "mine")),
        "counts": queries.counts(visible.exclude(state=RequestState.DRAFT)),
    }
    return render(request, "approvals/request_list.html", context, status=200 if form.is_valid() else 400)
