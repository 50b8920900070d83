"""Every address. Each app brings its pages (urls.py) and its part of the API (api.py); they are put together here."""

from django.urls import include, path
from django.views.decorators.http import require_safe
from django.views.generic import RedirectView
from drf_spectacular.views import SpectacularAPIView

from apps.accounts import api as accounts_api
from apps.approvals import api as approvals_api
from apps.audit import api as audit_api
from apps.compliance import api as compliance_api
from apps.modelcards import api as modelcards_api
from apps.notifications import api as notifications_api
from apps.registry import api as registry_api
from config import admin_pages, api_docs, health

api = [
    *accounts_api.urlpatterns,
    *registry_api.urlpatterns,
    *modelcards_api.urlpatterns,
    *approvals_api.urlpatterns,
    *compliance_api.urlpatterns,
    *notifications_api.urlpatterns,
    *audit_api.urlpatterns,
    path("schema/", SpectacularAPIView.as_view(), name="schema"),
    path("docs/", api_docs.docs, name="docs"),
]
urlpatterns = [
    path("", require_safe(RedirectView.as_view(pattern_name="registry:model-list")), name="home"),
    path("healthz", health.healthz, name="healthz"),
    path("readyz", health.readyz, name="readyz"),
    path("api/v1/", include((api, "api"))),
    path("admin/", include((admin_pages.urlpatterns, "tables"))),
    path("", include("apps.accounts.urls")),
    path("", include("apps.registry.urls")),
    path("", include("apps.modelcards.urls")),
    path("", include("apps.approvals.urls")),
    path("", include("apps.compliance.urls")),
    path("", include("apps.audit.urls")),
    path("", include("apps.notifications.urls")),
    path("", include("apps.gateway.pages.urls")),
]

handler400 = "config.error_pages.bad_request"
handler403 = "config.error_pages.permission_denied"
handler404 = "config.error_pages.page_not_found"
handler500 = "config.error_pages.server_error"
