"""Addresses of the pages about people."""

from django.urls import path

from apps.accounts import grant_views, views

app_name = "accounts"
urlpatterns = [
    path("sign-in/", views.SignIn.as_view(), name="sign-in"),
    path("sign-out/", views.SignOut.as_view(), name="sign-out"),
    path("people/", views.people, name="people"),
    path("people/conflicts/", grant_views.conflict_list, name="conflict-list"),
    path("people/grants/", grant_views.grant_list, name="grant-list"),
    path("people/grants/<int:grant>/end/", grant_views.grant_end, name="grant-end"),
    path("people/roles/", grant_views.role_table, name="role-table"),
    path("account/", views.account, name="account"),
    path("theme/", views.theme, name="theme"),
]
