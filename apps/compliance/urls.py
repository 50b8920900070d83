"""The pages of compliance."""

from django.urls import path

from apps.compliance.controls import views as controls
from apps.compliance.holds import views as holds
from apps.compliance.matrix import views as matrix
from apps.compliance.packages import views as packages
from apps.registry import converters  # noqa: F401  registers <model:name>

app_name = "compliance"
urlpatterns = [
    path("compliance/", matrix.matrix, name="matrix"),
    path("compliance/export.csv", matrix.export_csv, name="matrix-csv"),
    path("compliance/export.json", matrix.export_json, name="matrix-json"),
    path("compliance/controls/", controls.control_list, name="control-list"),
    path("compliance/holds/", holds.hold_list, name="hold-list"),
    path("compliance/holds/<int:hold>/lift/", holds.hold_lift, name="hold-lift"),
    path("models/<model:name>/v/<int:number>/evidence/", packages.evidence, name="evidence"),
    path("requests/<int:id>/evidence/", packages.request_evidence, name="request-evidence"),
]
