"""Addresses of the pages about people."""

from django.urls import path

from apps.accounts import grant_views, group_views, password_views, person_views, security_views, sign_in_views, views
from apps.accounts.access_reviews import own_views
from apps.accounts.access_reviews import views as access_reviews

app_name = "accounts"
urlpatterns = [
    path("sign-in/", views.SignIn.as_view(), name="sign-in"),
    path("sign-in/second-factor/", sign_in_views.second_factor, name="second-factor"),
    path("sign-in/single-sign-on/", sign_in_views.single_sign_on, name="single-sign-on"),
    path("sign-in/single-sign-on/return/", sign_in_views.single_sign_on_return, name="single-sign-on-return"),
    path("sign-out/", views.SignOut.as_view(), name="sign-out"),
    path("invitations/<str:text>/", sign_in_views.invitation, name="invitation"),
    path("people/", views.people, name="people"),
    path("people/<int:person>/", person_views.person, name="person"),
    path("people/groups/<int:group>/", group_views.group, name="group"),
    path("people/service-accounts/<int:account>/", views.service_account, name="service-account"),
    path("people/access-reviews/", access_reviews.access_review_list, name="access-review-list"),
    path("people/access-reviews/new/", access_reviews.access_review_new, name="access-review-new"),
    path("people/access-reviews/<int:review>/", access_reviews.access_review, name="access-review"),
    path(
        "people/access-reviews/<int:review>/reassign/",
        access_reviews.access_review_reassign,
        name="access-review-reassign",
    ),
    path("people/access-reviews/<int:review>/end/", access_reviews.access_review_end, name="access-review-end"),
    path(
        "people/access-reviews/<int:review>/cancel/", access_reviews.access_review_cancel, name="access-review-cancel"
    ),
    path(
        "people/access-reviews/<int:review>/export.csv",
        access_reviews.access_review_export,
        {"form": "csv"},
        name="access-review-csv",
    ),
    path(
        "people/access-reviews/<int:review>/export.json",
        access_reviews.access_review_export,
        {"form": "json"},
        name="access-review-json",
    ),
    path("people/conflicts/", grant_views.conflict_list, name="conflict-list"),
    path("people/grants/", grant_views.grant_list, name="grant-list"),
    path("people/grants/<int:grant>/end/", grant_views.grant_end, name="grant-end"),
    path("people/roles/", grant_views.role_table, name="role-table"),
    path("access-to-review/", own_views.access_to_review, name="access-to-review"),
    path("account/", views.account, name="account"),
    path("account/security/", security_views.security, name="security"),
    path("account/security/app/", security_views.app_add, name="app-add"),
    path("account/security/passkey/", security_views.passkey_add, name="passkey-add"),
    path("account/security/password/", password_views.password, name="password"),
    path("account/security/connect/", sign_in_views.connect, name="connect"),
    path("account/prove/passkey/", security_views.prove_by_passkey, name="prove-by-passkey"),
    path("account/prove/single-sign-on/", sign_in_views.prove, name="prove"),
    path("theme/", views.theme, name="theme"),
]
