"""Every address. Each app brings its pages (urls.py) and its part of the API (api.py); they are put together here."""

from importlib import import_module
from importlib.util import find_spec

from django.urls import include, path
from django.views.generic import RedirectView
from drf_spectacular.views import SpectacularAPIView, SpectacularSwaggerSplitView

APPS = ("accounts", "registry", "approvals", "audit")
pages = [path("", include(f"apps.{app}.urls")) for app in APPS if find_spec(f"apps.{app}.urls")]
api = [path("", include(f"apps.{app}.api")) for app in APPS if find_spec(f"apps.{app}.api")]
urlpatterns = [
    path("", RedirectView.as_view(pattern_name="registry:model-list"), name="home"),
    path("api/v1/schema/", SpectacularAPIView.as_view(), name="api-schema"),
    path("api/v1/docs/", SpectacularSwaggerSplitView.as_view(url_name="api-schema"), name="api-docs"),
    path("api/v1/", include((api, "api"))),
    *pages,
]
if find_spec("config.health"):
    health = import_module("config.health")
    urlpatterns += [path("healthz", health.healthz, name="healthz"), path("readyz", health.readyz, name="readyz")]

handler400 = "config.error_pages.bad_request"
handler403 = "config.error_pages.permission_denied"
handler404 = "config.error_pages.page_not_found"
handler500 = "config.error_pages.server_error"
