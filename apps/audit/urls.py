"""The page of the trail."""

from django.urls import path

from apps.audit import views

app_name = "audit"
urlpatterns = [path("audit/", views.event_list, name="event-list")]
