"""The pages of one version: its evidence, its signature as a file, and the check of somebody's data against it."""

from typing import Any, cast

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.views.decorators.http import require_http_methods, require_safe

from apps.accounts.models import User
from apps.jobs.models import ACTIVE_STATES, Job
from apps.registry import directions, queries, services
from apps.registry.comparing import compare
from apps.registry.data_check import Report, UnreadableData, check, schema_of
from apps.registry.data_check.texts import TOO_LARGE, sentence
from apps.registry.details import jobs as detail_jobs
from apps.registry.models import ModelVersion
from apps.registry.pages import provenance
from apps.registry.pages.gaps import gaps
from apps.registry.pages.uploads import DataFile


@login_required
@require_safe
def version_detail(request: HttpRequest, name: str, number: int) -> HttpResponse:
    """One version with all evidence there is, and with the gaps; what is not read yet is read for whoever opens it."""
    version = queries.get_version(request.user, name, number)
    if "HX-Request" in request.headers and "HX-History-Restore-Request" not in request.headers:
        return _progress(request, version)
    job = services.enqueue_version(version, cast(User, request.user).get_username())
    production = queries.production_version(version.model)
    base = production if production and production.pk != version.pk else None
    context = {
        "model": version.model,
        "version": version,
        "aliases": list(version.aliases.order_by("alias")),
        "production": production,
        "base": base,
        "metric_rows": compare(base or version, version, directions=directions.load()).metrics,
        "reading": job is not None,
        "gaps": gaps(version),
        "datasets": provenance.datasets(version),
        "environment": provenance.environment(version),
        "ci_links": provenance.ci_links(version),
        "commit": provenance.commit_link(version),
        "example": provenance.input_example(version),
        "semantic_version": provenance.semantic_version(version),
    }
    response = render(request, "registry/version_detail.html", context)
    response["Vary"] = "HX-Request, Cookie"
    return response


def _progress(request: HttpRequest, version: ModelVersion) -> HttpResponse:
    """Answer the page's question whether the reading has ended: then the browser loads the page anew."""
    key = f"{detail_jobs.VERSION}:{version.pk}"
    if Job.objects.filter(key=key, state__in=ACTIVE_STATES).exists():
        return render(request, "registry/_version_reading.html", {"version": version, "model": version.model})
    response = HttpResponse()
    response["HX-Refresh"] = "true"
    return response


@login_required
@require_safe
def version_signature(request: HttpRequest, name: str, number: int) -> HttpResponse:
    """The signature as JSON, for those who build callers."""
    version = queries.get_version(request.user, name, number)
    body = {"model": version.model.reference, "version": version.number, "signature": version.signature}
    response = JsonResponse(body, json_dumps_params={"indent": 2, "ensure_ascii": False})
    response["Content-Disposition"] = f'attachment; filename="signature-v{version.number}.json"'
    return response


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def check_data(request: HttpRequest, name: str, number: int) -> HttpResponse:
    """Does a file fit the signature? The file is read once, in memory, and kept nowhere."""
    version = queries.get_version(request.user, name, number)
    schema = schema_of(version.mlmodel)
    form = DataFile(request.POST, request.FILES) if request.method == "POST" else DataFile()
    if getattr(request, "upload_too_large", False):
        form.errors.clear()
        form.add_error("file", TOO_LARGE)
    report: Report | None = None
    if schema and form.is_bound and form.is_valid():
        upload: Any = form.cleaned_data["file"]
        try:
            report = check(schema, upload.file, is_json=form.is_json)
        except UnreadableData as refused:
            form.add_error("file", str(refused))
    context = {
        "model": version.model,
        "version": version,
        "schema": schema,
        "form": form,
        "report": report,
        "findings": [(finding, sentence(finding)) for finding in report.findings] if report else [],
    }
    status = 400 if form.is_bound and form.errors else 200
    return render(request, "registry/check_data.html", context, status=status)
