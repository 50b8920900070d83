"""The pages of the sign-off: parse, call the service, redirect. Every rule is the service's."""

from typing import Any, cast

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from apps.accounts import grants
from apps.accounts.models import User
from apps.accounts.permissions import Permission
from apps.approvals import pages, queries, services
from apps.approvals.forms import ActForm, RequestFilter, RequestForm, cleaned
from apps.approvals.models import UNFINISHED, ApprovalRequest
from apps.approvals.transitions import transition_of
from apps.errors import Conflict, DomainError, NotAllowed, NotVisible
from apps.registry.models import ModelVersion
from apps.registry.queries import get_version

ROWS = 50


def _person(request: HttpRequest) -> User:
    return cast(User, request.user)  # signed in: login_required


def is_fragment(request: HttpRequest) -> bool:
    """Return whether htmx asks, for a part of the page."""
    return request.headers.get("HX-Request") == "true"


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def request_new(request: HttpRequest, name: str, number: int) -> HttpResponse:
    """Ask to move a version to another stage."""
    version = get_version(request.user, name, number)
    if not grants.allows(request.user, Permission.MODEL_WRITE, version.model):
        raise NotAllowed(
            _("You may read this model, but not ask for promotions of it. Ask an admin for the role “Data scientist”.")
        )
    if request.method == "POST":
        return _open_request(request, version)
    return _request_form(request, version, None)


def _open_request(request: HttpRequest, version: ModelVersion) -> HttpResponse:
    form = RequestForm(request.POST)
    if not form.is_valid():
        return _request_form(request, version, form, status=400)
    try:
        opened = services.open_request(version.pk, by=_person(request), **form.cleaned_data)
    except NotVisible:
        raise
    except DomainError as error:
        show_on(form, error)
        existing = _unfinished(version, form.cleaned_data["to_stage"]) if isinstance(error, Conflict) else None
        return _request_form(request, version, form, status=error.status, existing=existing)
    messages.success(request, _("Request %(number)d is open. Its reviewers see it now.") % {"number": opened.pk})
    return redirect("approvals:request-detail", opened.pk)


def _request_form(
    request: HttpRequest,
    version: ModelVersion,
    form: RequestForm | None,
    *,
    status: int = 200,
    existing: ApprovalRequest | None = None,
) -> HttpResponse:
    options = pages.stage_options(version)
    asked = (form.data if form else request.GET).get("to_stage")
    chosen = next((option for option in options if option.stage == asked), options[0])
    if form is None:
        archive = bool(chosen.policy and chosen.policy.archive_existing)
        form = RequestForm(initial={"to_stage": chosen.stage, "archive_existing": archive})
    context = {
        "version": version,
        "form": form,
        "options": options,
        "chosen": chosen,
        "existing": existing,
        "preview": pages.preview(version, chosen.stage),
        "number_text": str(version.number),
    }
    template = "approvals/_request_fragment.html" if is_fragment(request) else "approvals/request_new.html"
    return render(request, template, context, status=status)


def show_on(form: Any, error: DomainError) -> None:
    """Put a refusal on the field that it names, else on the form as a whole."""
    form.add_error(error.field if error.field in form.fields else None, error.message)


def _unfinished(version: ModelVersion, stage: str) -> ApprovalRequest | None:
    return ApprovalRequest.objects.filter(version=version, to_stage=stage, state__in=UNFINISHED).first()


@login_required
@require_safe
def request_detail(request: HttpRequest, id: int) -> HttpResponse:
    """Everything to decide a request on one page; as htmx polls, only how far the apply has come."""
    asked = queries.get_request(request.user, id)
    if is_fragment(request):
        return _progress(request, asked)
    return _request_page(request, asked)


def _progress(request: HttpRequest, asked: ApprovalRequest) -> HttpResponse:
    """The fragment that a page polls while an apply is under way; the whole page again when the state has changed."""
    response = render(request, "approvals/_progress.html", pages.moving_context(asked))
    if request.GET.get("shown") != asked.state:
        response["HX-Refresh"] = "true"
    return response


def _request_page(
    request: HttpRequest, asked: ApprovalRequest, *, error: DomainError | None = None, comment: str = ""
) -> HttpResponse:
    context = {
        **pages.request_context(asked),
        **pages.offers_context(asked, request.user),
        "error": error,
        "comment": comment,
    }
    return render(request, "approvals/request_detail.html", context, status=error.status if error else 200)


@login_required
@require_POST
def request_act(request: HttpRequest, id: int) -> HttpResponse:
    """Approve, ask for changes, reject, withdraw or retry; a refusal comes back on the page, the comment kept."""
    asked = queries.get_request(request.user, id)
    form = ActForm(request.POST)
    try:
        after = services.act(id, by=_person(request), **_cleaned(form))
    except NotVisible:
        raise
    except DomainError as error:
        asked = queries.get_request(request.user, id)
        return _request_page(request, asked, error=error, comment=request.POST.get("comment", ""))
    messages.success(request, pages.what_happened(form.cleaned_data["action"], after))
    return redirect("approvals:request-detail", id)


def _cleaned(form: ActForm) -> dict[str, Any]:
    """Return the form's values as `act` wants them. Raises InvalidInput for the first field at fault."""
    values = cleaned(form)
    action = transition_of(values["action"]).action
    return {**values, "action": action, "evidence_digest": values["evidence_digest"] or None}


@login_required
@require_safe
def request_list(request: HttpRequest) -> HttpResponse:
    """All requests on models that the person may see."""
    form = RequestFilter(request.GET)
    visible = queries.visible_requests(request.user)
    rows = pages.filtered(visible, form.cleaned_data, request.user) if form.is_valid() else visible.none()
    page = Paginator(pages.as_rows(rows), ROWS).get_page(form.cleaned_data.get("page") or 1)
    context = {
        "form": form,
        "page": page,
        "filtered": any(request.GET.get(name) for name in ("state", "model", "mine")),
        "counts": pages.counts(visible),
    }
    return render(request, "approvals/request_list.html", context, status=200 if form.is_valid() else 400)


@login_required
@require_safe
def review_queue(request: HttpRequest) -> HttpResponse:
    """What waits for this person, what they asked for, and what was decided lately."""
    visible = queries.visible_requests(request.user)
    context = {
        "waiting": list(pages.as_rows(queries.waiting_for(request.user))),
        "asked": list(pages.as_rows(visible.filter(requester=_person(request), state__in=UNFINISHED))),
        "decided": list(pages.as_rows(visible.filter(closed_at__isnull=False)).order_by("-closed_at", "-id")[:20]),
    }
    return render(request, "approvals/review_queue.html", context)
