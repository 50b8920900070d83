"""The page of a comparison, its exports, and the pictures that it shows."""

import json
from typing import cast

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.cache import get_conditional_response
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from apps.accounts import grants
from apps.accounts.models import User
from apps.accounts.permissions import Permission
from apps.errors import InvalidInput
from apps.registry import directions, queries, services
from apps.registry.comparing import Comparison, compare, comparisons, pictures
from apps.registry.comparing.exports import csv_text, file_name
from apps.registry.comparing.pages import comparison_context, picker_context
from apps.registry.comparing.serializers import ComparisonOut
from apps.registry.forms import version_reference, version_references
from apps.registry.models import ModelVersion


@login_required
@require_safe
def compare_versions(request: HttpRequest) -> HttpResponse:
    """Two to five versions side by side, of one model or of several. The first is the base."""
    base, candidates = _chosen(request)
    columns = [version for version in (base, *candidates) if version]
    different = list({version.pk: version for version in columns}.values())
    comparison = _compared(different) if base and len(different) > 1 else None
    by = cast(User, request.user).get_username()  # environment and pictures are read when somebody wants to see them
    jobs = [services.enqueue_version(version, by) for version in different] if comparison else []
    context = {
        **picker_context(request.user, base, candidates),
        "same": len(columns) > 1 and len(different) == 1,
        "repeated": len(columns) > len(different) > 1,
        "reading": any(jobs),
        "may_set": grants.allows(request.user, Permission.POLICY_MANAGE),
        **(comparison_context(comparison) if comparison else {"comparison": None}),
    }
    return render(request, "registry/compare.html", context)


@login_required
@require_safe
def export_json(request: HttpRequest) -> HttpResponse:
    """The comparison of the page as JSON, in the API's shape."""
    comparison = _to_export(request)
    text = json.dumps(ComparisonOut(comparison).data, ensure_ascii=False, indent=1, default=str)
    return _file(text, "application/json", file_name(comparison, "json"))


@login_required
@require_safe
def export_csv(request: HttpRequest) -> HttpResponse:
    """The comparison of the page as a table: one line for each thing compared."""
    comparison = _to_export(request)
    return _file(csv_text(comparison), "text/csv; charset=utf-8", file_name(comparison, "csv"))


@login_required
@require_safe
def picture(request: HttpRequest, name: str, number: int, place: int) -> HttpResponse:
    """An image that the version's run logged, fetched from MLflow."""
    version = queries.get_version(request.user, name, number)
    found = pictures.fetch(version, place)
    response = HttpResponse(found.body, content_type=found.content_type)
    response["Cache-Control"] = f"private, max-age={pictures.FRESH_SECONDS}"
    response["ETag"] = found.etag
    response["Content-Disposition"] = f'inline; filename="picture-{place}.{found.extension}"'
    response["Content-Security-Policy"] = "default-src 'none'; sandbox"
    return cast(HttpResponse, get_conditional_response(request, etag=found.etag, response=response))


def _chosen(request: HttpRequest) -> tuple[ModelVersion | None, list[ModelVersion]]:
    """Return base and candidates. Without a base: the version in Production of the first candidate's model."""
    base, candidates = version_reference(request.GET, "base"), version_references(request.GET, "candidate")
    if len(candidates) >= comparisons.MOST:
        message = _("At most %(most)d versions stand side by side. Remove one.") % {"most": comparisons.MOST}
        raise InvalidInput(message, field="candidate")
    rows = comparisons.versions_of(request.user, [*([base] if base else []), *candidates])
    if base:
        return rows[0], rows[1:]
    wants_default = rows and "base" not in request.GET
    return queries.production_version(rows[0].model) if wants_default else None, rows


def _compared(versions: list[ModelVersion]) -> Comparison:
    return compare(*versions, directions=directions.load())


def _to_export(request: HttpRequest) -> Comparison:
    base, candidates = _chosen(request)
    if not base or not candidates:
        message = _("Choose at least two versions to compare; then there is something to export.")
        raise InvalidInput(message, field="candidate" if base else "base")
    return _compared([base, *candidates])


def _file(text: str, content_type: str, name: str) -> HttpResponse:
    response = HttpResponse(text, content_type=content_type)
    response["Content-Disposition"] = f'attachment; filename="{name}"'  # of letters, digits and .-_
    return response
