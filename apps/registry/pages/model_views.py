"""The page of one model."""

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from apps.errors import InvalidInput
from apps.registry import directions, queries
from apps.registry.freshness import last_good
from apps.registry.pages import versions

TABLE_METRICS = 3
MAX_METRIC = 250  # characters


@login_required
@require_safe
def model_detail(request: HttpRequest, name: str) -> HttpResponse:
    """One model: what is in Production, its versions, a metric over them, what happened, how to use it."""
    model = queries.get_model(request.user, name)
    page = versions.page_of(model, request.GET.get("cursor", ""))
    metrics = versions.primary_metrics(page.rows, directions.load())
    metric = _metric(request.GET) or next(iter(metrics), "")
    summed_up = versions.summed_up(model, page.rows)
    production = summed_up.get(model.production_number)
    aliases = versions.aliases_of(model)
    context = {
        "model": model,
        "page": page,
        "metrics": metrics[:TABLE_METRICS],
        "metric": metric,
        "metric_choices": sorted({*metrics, metric} - {""}),
        "chart": versions.metric_history(model, metric) if metric else None,
        "production": production,
        "previous": versions.previous_production(model, production) if production else None,
        "newest": summed_up.get(model.newest_number),
        "candidate": summed_up.get(model.candidate_number),
        "aliases": aliases,
        "alias": versions.alias_to_load(aliases, production),
        "events": versions.events_of(model),
        "synced_at": last_good(str(model.connection_id)),
    }
    return render(request, "registry/model_detail.html", context)


def _metric(query: QueryDict) -> str:
    """Return the metric asked for, empty for none. Raises InvalidInput."""
    metric = query.get("metric", "")
    if "\0" in metric or len(metric) > MAX_METRIC:
        raise InvalidInput(_("This is not the name of a metric. Choose one from the list."), field="metric")
    return metric
