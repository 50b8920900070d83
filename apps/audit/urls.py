"""The pages of the trail."""

from django.urls import path

from apps.audit import views

app_name = "audit"
urlpatterns = [
    path("audit/", views.event_list, name="event-list"),
    path("audit/events/<int:number>/", views.event_detail, name="event-detail"),
    path("audit/export.jsonl", views.event_export, {"form": "jsonl"}, name="export-jsonl"),
    path("audit/export.csv", views.event_export, {"form": "csv"}, name="export-csv"),
]
