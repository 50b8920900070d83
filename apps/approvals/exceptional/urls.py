"""The pages of what is beside the ordinary."""

from django.urls import path

from apps.approvals.exceptional import rollback_views, views
from apps.registry import converters  # noqa: F401  registers <model:name>

urlpatterns = [
    path("exceptions/", views.exception_list, name="exception-list"),
    path("models/<model:name>/rollback/", rollback_views.model_rollback, name="model-rollback"),
    path("requests/<int:id>/bypass/", views.request_bypass, name="request-bypass"),
    path("requests/<int:id>/bypass/drop/", views.request_bypass_drop, name="request-bypass-drop"),
    path("requests/<int:id>/after-review/", views.request_after_review, name="request-after-review"),
    path("requests/<int:id>/recertify/", views.request_recertify, name="request-recertify"),
]
