"""The page of a version's evidence, and its package as a download."""

from typing import cast

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from apps.accounts.models import User
from apps.approvals import queries as approvals
from apps.compliance.packages import contents, services
from apps.compliance.packages.zipping import Package
from apps.errors import InvalidInput
from apps.registry import queries as registry

MOST_SHOWN = 50


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def evidence(request: HttpRequest, name: str, number: int) -> HttpResponse:
    """What the package of a version holds; POST hands it out, or lets a worker build it."""
    user = cast(User, request.user)
    version = registry.get_version(user, name, number)
    if request.method == "POST":
        found = services.export_version(name, number, by=user, form=_form(request))
        return as_file(found) if found else _later(request, name, number)
    requests = contents.requests_of(version)
    large = services.large(version)
    context = {
        "version": version,
        "model": version.model,
        "requests": requests.defer("evidence", "checks", "baseline")[:MOST_SHOWN],
        "number_of_requests": requests.count(),
        "number_of_events": contents.events_of(version).count(),
        "verifier": contents.VERIFIER.is_file(),
        "large": large,
        "ready": large and services.built(version, None) is not None,
        "being_built": large and services.being_built(version),
    }
    return render(request, "compliance/evidence.html", context)


@login_required
@require_POST
def request_evidence(request: HttpRequest, id: int) -> HttpResponse:
    """Hand out the package of one request, or let a worker build it."""
    user = cast(User, request.user)
    found = services.export_request(id, by=user, form=_form(request))
    if found:
        return as_file(found)
    version = approvals.get_request(user, id).version
    return _later(request, version.model.reference, version.number)


def as_file(found: Package) -> HttpResponse:
    """Return a package as a download; its digest stands in a header, as the trail has it."""
    response = HttpResponse(
        found.content, content_type="application/pdf" if found.name.endswith(".pdf") else "application/zip"
    )
    response["Content-Disposition"] = f'attachment; filename="{found.name}"'
    response["X-Content-SHA256"] = found.digest
    return response


def _form(request: HttpRequest) -> services.Form:
    """Return as what it is asked for: a ZIP unless the form says otherwise. Raises InvalidInput."""
    form = request.POST.get("format", services.Form.ZIP)
    if form not in list(services.Form):
        raise InvalidInput(_("A package is handed out as zip or pdf."), field="format")
    return services.Form(form)


def _later(request: HttpRequest, name: str, number: int) -> HttpResponse:
    messages.info(request, _("There is much to put together: a worker does it. Ask again in a minute."))
    return redirect("compliance:evidence", name, number)
