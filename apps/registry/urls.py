"""Addresses of the registry's pages."""

from django.urls import path

from apps.registry import converters, metric_views  # noqa: F401 - the converter registers itself
from apps.registry.comparing import views as compare_views
from apps.registry.connecting import views as connecting_views
from apps.registry.health import views as health_views
from apps.registry.inventory import views as inventory_views
from apps.registry.pages import model_views, version_views
from apps.registry.webhooks import views as webhook_views

app_name = "registry"
urlpatterns = [
    path("models/", inventory_views.model_list, name="model-list"),
    path("views/", inventory_views.view_list, name="view-list"),
    path("views/<int:view>/", inventory_views.view_open, name="view-open"),
    path("models/<model:name>/", model_views.model_detail, name="model-detail"),
    path("models/<model:name>/v/<int:number>/", version_views.version_detail, name="version-detail"),
    path("models/<model:name>/v/<int:number>/signature.json", version_views.version_signature, name="signature"),
    path("models/<model:name>/v/<int:number>/check-data/", version_views.check_data, name="check-data"),
    path("models/<model:name>/v/<int:number>/pictures/<int:place>/", compare_views.picture, name="picture"),
    path("compare/", compare_views.compare_versions, name="compare"),
    path("compare/export.json", compare_views.export_json, name="compare-json"),
    path("compare/export.csv", compare_views.export_csv, name="compare-csv"),
    path("metrics/", metric_views.metric_list, name="metric-list"),
    path("sync/", health_views.sync, name="sync"),
    path("sync/run/", health_views.sync_run, name="sync-run"),
    path("sync/runs/<int:run>/cancel/", health_views.sync_cancel, name="sync-cancel"),
    path("connections/", connecting_views.connection_list, name="connection-list"),
    path("connections/new/", connecting_views.connection_new, name="connection-new"),
    path("connections/<slug:connection>/", connecting_views.connection_detail, name="connection-detail"),
    path("webhooks/mlflow/<slug:connection>/", webhook_views.receive, name="webhook-receive"),
]
