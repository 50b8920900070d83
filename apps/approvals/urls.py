"""The pages of the sign-off."""

from django.urls import path

from apps.approvals import comment_views, views
from apps.approvals.asking import views as asking
from apps.approvals.checks import views as checks
from apps.approvals.conditions import views as conditions
from apps.approvals.delegating import views as delegating
from apps.approvals.drift import views as drift
from apps.approvals.exceptional.urls import urlpatterns as exceptional
from apps.approvals.history import views as history
from apps.approvals.model_report import views as model_report
from apps.approvals.policies.urls import urlpatterns as policies
from apps.approvals.queue import together_views as together
from apps.approvals.queue import views as queue
from apps.approvals.simulating import views as simulating
from apps.registry import converters  # noqa: F401  registers <model:name>

app_name = "approvals"
urlpatterns = [
    path("models/<model:name>/v/<int:number>/request/", asking.request_new, name="request-new"),
    path("requests/", views.request_list, name="request-list"),
    path("requests/new/", asking.request_several, name="request-several"),
    path("requests/<int:id>/", views.request_detail, name="request-detail"),
    path("requests/<int:id>/act/", views.request_act, name="request-act"),
    path("requests/<int:id>/edit/", asking.request_edit, name="request-edit"),
    path("requests/<int:id>/export.json", views.request_export, name="request-export"),
    path("requests/<int:id>/waive/", checks.waive, name="check-waive"),
    path("requests/<int:id>/waivers/<int:waiver>/revoke/", checks.revoke, name="waiver-revoke"),
    path("people/may/", simulating.may, name="may"),
    path("reviews/", queue.review_queue, name="review-queue"),
    path("reviews/sign/", together.sign_together, name="sign-together"),
    path("models/<model:name>/v/<int:number>/comments/", comment_views.add, name="comment-add"),
    path("version-comments/<int:id>/remove/", comment_views.remove, name="comment-remove"),
    path("conditions/<int:id>/meet/", conditions.meet, name="condition-meet"),
    path("delegations/", delegating.delegations, name="delegation-list"),
    path("delegations/<int:id>/revoke/", delegating.revoke, name="delegation-revoke"),
    *exceptional,
    *policies,
    path("as-of/", history.as_of, name="as-of"),
    path("as-of/export.csv", history.export_csv, name="as-of-csv"),
    path("as-of/export.json", history.export_json, name="as-of-json"),
    path("models/<model:name>/report/", model_report.report, name="model-report"),
    path("models/<model:name>/report.json", model_report.report_json, name="model-report-json"),
    path("models/<model:name>/report.csv", model_report.report_csv, name="model-report-csv"),
    path("drift/", drift.drift_list, name="drift-list"),
    path("drift/<int:id>/", drift.drift_detail, name="drift-detail"),
    path("drift/<int:id>/act/", drift.drift_act, name="drift-act"),
]
