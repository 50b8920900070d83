"""The pages of the registry: parse the address, read the mirror, render."""

from typing import Any

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from apps.registry import directions, listing, queries
from apps.registry.comparing import Comparison, Row, compare
from apps.registry.forms import filters_from, page_number, version_reference
from apps.registry.models import ModelVersion, RegisteredModel

MOST_CHOICES = 200  # versions of one model in a picker


@login_required
@require_safe
def model_list(request: HttpRequest) -> HttpResponse:
    """The models that this person may see: searched, filtered, sorted, in pages."""
    form, filters = filters_from(request.GET)
    page = listing.page_of(listing.models_for(request.user, filters), page_number(request.GET))
    filtered = any(filters[name] for name in ("q", "stage", "alias", "tag"))
    context = {
        "form": form,
        "filters": filters,
        "filtered": filtered,
        "page": page,
        "sort": filters["sort"] or "name",
        "status": None if page.paginator.count else queries.sync_status(),
    }
    wants_rows = "HX-Request" in request.headers and "HX-History-Restore-Request" not in request.headers
    part = "#rows" if wants_rows else ""
    response = render(request, f"registry/model_list.html{part}", context)
    response["Vary"] = "HX-Request, Cookie"
    return response


@login_required
@require_safe
def model_detail(request: HttpRequest, name: str) -> HttpResponse:
    """One model: what is in Production, its versions, how to use it."""
    model = queries.get_model(request.user, name)
    page = listing.page_of(listing.versions_of(model), page_number(request.GET))
    for version in page.object_list:
        version.model = model  # so that templates ask the database nothing more
    production = queries.production_version(model)
    aliases = list(model.aliases.select_related("version").order_by("alias"))
    context = {
        "model": model,
        "page": page,
        "metrics": listing.primary_metrics(page.object_list, directions.load()),
        "production": production,
        "aliases": aliases,
        "alias": listing.alias_to_load(aliases, production),
        "newest": model.versions.filter(deleted_at=None).defer(*queries.DETAILS).order_by("-number").first(),
    }
    return render(request, "registry/model_detail.html", context)


@login_required
@require_safe
def version_detail(request: HttpRequest, name: str, number: int) -> HttpResponse:
    """One version with all evidence there is, and with the gaps."""
    version = queries.get_version(request.user, name, number)
    production = queries.production_version(version.model)
    base = production if production and production.pk != version.pk else None
    context = {
        "model": version.model,
        "version": version,
        "aliases": list(version.aliases.order_by("alias")),
        "production": production,
        "base": base,
        "metric_rows": compare(base or version, version, directions=directions.load()).metrics,
    }
    return render(request, "registry/version_detail.html", context)


@login_required
@require_safe
def compare_versions(request: HttpRequest) -> HttpResponse:
    """Two versions side by side, of one model or of two. Without a base: the candidate's Production version."""
    candidate = _chosen(request, "candidate")
    base = _chosen(request, "base")
    if candidate and base is None and "base" not in request.GET:
        base = queries.production_version(candidate.model)
    same = bool(base and candidate and base.pk == candidate.pk)
    comparison = compare(base, candidate, directions=directions.load()) if base and candidate and not same else None
    context: dict[str, Any] = {
        "base": base,
        "candidate": candidate,
        "same": same,
        "comparison": comparison,
        "choices": _choices([version.model for version in (base, candidate) if version]),
        "sections": _sections(comparison) if comparison else [],
    }
    return render(request, "registry/compare.html", context)


def _chosen(request: HttpRequest, field: str) -> ModelVersion | None:
    wanted = version_reference(request.GET, field)
    return queries.get_version(request.user, *wanted) if wanted else None


def _choices(models: list[RegisteredModel]) -> list[tuple[RegisteredModel, list[ModelVersion]]]:
    unique = {model.pk: model for model in models}
    return [
        (model, list(model.versions.defer(*queries.DETAILS).order_by("-number")[:MOST_CHOICES]))
        for model in unique.values()
    ]


def _sections(comparison: Comparison) -> list[dict[str, Any]]:
    """Return what is compared as before/after tables, differences first; each says what it means when it is empty."""
    parts = [
        ("parameters", _("Parameters"), comparison.params, _("Neither run logged a parameter.")),
        ("inputs", _("Signature: inputs"), comparison.inputs, _("Neither version has a signature of its inputs.")),
        ("outputs", _("Signature: outputs"), comparison.outputs, _("Neither version has a signature of its outputs.")),
        ("dependencies", _("Dependencies"), comparison.requirements, _("Neither version has a requirements.txt.")),
        ("datasets", _("Data sets"), comparison.datasets, _("Neither run logged a data set.")),
    ]
    if comparison.signature_params:
        parts.insert(3, ("signature-params", _("Signature: parameters"), comparison.signature_params, ""))
    return [
        {
            "id": part,
            "title": title,
            "rows": [(row, _note(part, row)) for row in sorted(rows, key=lambda row: row.change == "same")],
            "changed": sum(row.change != "same" for row in rows),
            "none": none,
        }
        for part, title, rows, none in parts
    ]


def _note(part: str, row: Row) -> str:
    """Say what a changed input means to those who call the model; nothing for the rest."""
    if part != "inputs" or row.change in ("same", "removed"):
        return ""
    if row.change == "changed":
        return _("breaking: callers send what the base wants")
    return "" if row.candidate.endswith(", optional") else _("breaking: callers do not send it yet")
