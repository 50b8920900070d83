"""Addresses of the registry's pages."""

from django.urls import path

from apps.registry import converters, views  # noqa: F401 - the converter registers itself

app_name = "registry"
urlpatterns = [
    path("models/", views.model_list, name="model-list"),
    path("models/<model:name>/", views.model_detail, name="model-detail"),
    path("models/<model:name>/v/<int:number>/", views.version_detail, name="version-detail"),
    path("compare/", views.compare_versions, name="compare"),
    path("sync/", views.sync, name="sync"),
    path("sync/run/", views.sync_run, name="sync-run"),
]
