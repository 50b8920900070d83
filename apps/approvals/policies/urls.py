"""The addresses of the pages of policies and freezes."""

from django.urls import path

from apps.approvals.drift import views as drift
from apps.approvals.policies import freeze_views, views

urlpatterns = [
    path("policies/", views.policy_list, name="policy-list"),
    path("policies/new/", views.policy_new, name="policy-new"),
    path("policies/<int:id>/", views.policy_detail, name="policy-detail"),
    path("policies/<int:id>/edit/", views.policy_edit, name="policy-edit"),
    path("policies/<int:id>/dry-run/", views.policy_dry_run, name="policy-dry-run"),
    path("policies/<int:id>/publish/", views.policy_publish, name="policy-publish"),
    path("policies/<int:id>/discard/", views.policy_discard, name="policy-discard"),
    path("policies/aliases/protect/", drift.alias_protect, name="alias-protect"),
    path("policies/aliases/unprotect/", drift.alias_unprotect, name="alias-unprotect"),
    path("freezes/", freeze_views.freeze_list, name="freeze-list"),
    path("freezes/<int:id>/lift/", freeze_views.freeze_lift, name="freeze-lift"),
]
