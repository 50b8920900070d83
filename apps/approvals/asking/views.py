"""Asking for a move: parse, call the service, redirect. Every rule is the service's."""

from typing import Any, cast

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from apps.accounts import grants
from apps.accounts.models import User
from apps.accounts.permissions import Permission
from apps.approvals import bulk, queries, services
from apps.approvals.asking import options
from apps.approvals.asking.api import version_id
from apps.approvals.asking.forms import RequestForm, SeveralForm, initial_of
from apps.approvals.bulk import Asked
from apps.approvals.models import UNFINISHED, ApprovalRequest
from apps.approvals.transitions import RequestAction, refusal, transition_of
from apps.errors import Conflict, DomainError, NotAllowed, NotVisible
from apps.registry.models import ModelVersion, Stage
from apps.registry.queries import get_version

DRAFT = "draft"  # the button that keeps what was written for later


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def request_new(request: HttpRequest, name: str, number: int) -> HttpResponse:
    """Ask to move a version to a stage, or a protected alias to it."""
    version = get_version(request.user, name, number)
    if not grants.allows(request.user, Permission.MODEL_WRITE, version.model):
        raise NotAllowed(
            _("You may read this model, but not ask for promotions of it. Ask an admin for the role “Data scientist”.")
        )
    if request.method != "POST":
        return form_page(request, version, None)
    draft = request.POST.get("then") == DRAFT
    form = RequestForm(request.POST, draft=draft)
    return _written(request, version, form, lambda values: _open(request, version, values, draft=draft))


def _open(request: HttpRequest, version: ModelVersion, values: dict[str, Any], *, draft: bool) -> ApprovalRequest:
    opened = services.open_request(version.pk, draft=draft, by=cast(User, request.user), **values)
    said = _("The draft is kept. Nobody else sees it.") if draft else _opened(opened)
    messages.success(request, said)
    return opened


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def request_edit(request: HttpRequest, id: int) -> HttpResponse:
    """Change a draft; the second button submits it at once."""
    asked = queries.get_request(request.user, id)
    if error := refusal(transition_of(RequestAction.EDIT), asked, cast(User, request.user)):
        raise error
    if request.method != "POST":
        return form_page(request, asked.version, RequestForm(initial=initial_of(asked)), asked=asked)
    draft = request.POST.get("then") == DRAFT
    form = RequestForm(request.POST, draft=draft)
    return _written(request, asked.version, form, lambda values: _edit(request, id, values, draft=draft), asked=asked)


def _edit(request: HttpRequest, number: int, values: dict[str, Any], *, draft: bool) -> ApprovalRequest:
    person = cast(User, request.user)
    values.pop("follows", None)
    edited = services.edit_draft(number, by=person, **values)
    if draft:
        messages.success(request, _("The draft is kept. Nobody else sees it."))
        return edited
    submitted = services.submit(number, by=person)
    messages.success(request, _opened(submitted))
    return submitted


def _opened(asked: ApprovalRequest) -> str:
    return _("Request %(number)d is open. Its reviewers see it now.") % {"number": asked.pk}


def _written(
    request: HttpRequest, version: ModelVersion, form: RequestForm, write: Any, *, asked: ApprovalRequest | None = None
) -> HttpResponse:
    """Write what the form says and lead to the request, or show the form again with what was refused."""
    if not form.is_valid():
        return form_page(request, version, form, asked=asked, status=400)
    values = form.asked()
    try:
        return redirect("approvals:request-detail", write(dict(values)).pk)
    except NotVisible:
        raise
    except DomainError as error:
        form.refused(error.field, error.message)
        existing = _unfinished(version, values) if isinstance(error, Conflict) else None
        return form_page(request, version, form, asked=asked, status=error.status, existing=existing)


def form_page(
    request: HttpRequest,
    version: ModelVersion,
    form: RequestForm | None,
    *,
    asked: ApprovalRequest | None = None,
    status: int = 200,
    existing: ApprovalRequest | None = None,
) -> HttpResponse:
    """Return the form with its targets and what reviewers of the chosen one will see; to htmx, that part alone."""
    offered = options.options(version, request.user)
    wanted = form["target"].value() if form else request.GET.get("target")
    chosen = next((option for option in offered if option.value == wanted), offered[0])
    if form is None:
        archive = bool(chosen.policy and chosen.policy.archive_existing)
        initial = {"target": chosen.value, "archive_existing": archive, "follows": request.GET.get("follows")}
        form = RequestForm(initial=initial)
    context = {
        "version": version,
        "asked": asked,
        "form": form,
        "options": offered,
        "chosen": chosen,
        "existing": existing,
        "preview": options.preview(version, chosen),
        "number_text": str(version.number),
    }
    fragment = request.headers.get("HX-Request") == "true"
    template = "approvals/_request_fragment.html" if fragment else "approvals/request_new.html"
    return render(request, template, context, status=status)


def _unfinished(version: ModelVersion, values: dict[str, Any]) -> ApprovalRequest | None:
    target = {"to_stage": values["to_stage"], "alias": values["alias"]}
    return ApprovalRequest.objects.filter(version=version, state__in=UNFINISHED, **target).first()


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def request_several(request: HttpRequest) -> HttpResponse:
    """Ask for the same move of several versions: a request for each, each with its own result."""
    if request.method != "POST":
        versions = "\n".join(request.GET.getlist("version"))
        initial = {"versions": versions, "target": request.GET.get("target", Stage.PRODUCTION.value)}
        return render(request, "approvals/request_several.html", {"form": SeveralForm(initial=initial)})
    form = SeveralForm(request.POST)
    if not form.is_valid():
        return render(request, "approvals/request_several.html", {"form": form}, status=400)
    values = form.asked()
    versions = values.pop("versions")
    asked = [Asked(version_id(name, number), **values) for name, number in versions]
    results = bulk.bulk_submit(asked, by=cast(User, request.user))
    context = {
        "results": [(f"{name}@{number}", row) for (name, number), row in zip(versions, results, strict=True)],
        "done": sum(row.ok for row in results),
    }
    return render(request, "approvals/request_several_done.html", context)
