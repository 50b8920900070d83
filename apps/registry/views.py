"""The pages of the registry: parse the address, read the mirror, render."""

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from apps.registry import directions, listing, queries
from apps.registry.comparing import compare
from apps.registry.forms import filters_from, page_number


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
