"""The pages of the trail, of what proves it, and of the access log."""

from django.urls import path

from apps.audit import views
from apps.audit.access import views as access
from apps.audit.proof import views as proving

app_name = "audit"
urlpatterns = [
    path("audit/", views.event_list, name="event-list"),
    path("audit/proof/", proving.proof, name="proof"),
    path("audit/access/", access.access_list, name="access-list"),
    path("audit/access/export.json", access.access_export, name="access-export"),
    path("audit/events/<int:number>/", views.event_detail, name="event-detail"),
    path("audit/export.jsonl", views.event_export, {"form": "jsonl"}, name="export-jsonl"),
    path("audit/export.csv", views.event_export, {"form": "csv"}, name="export-csv"),
]
