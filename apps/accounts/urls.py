"""Addresses of the pages about people."""

from django.urls import path

from apps.accounts import views

app_name = "accounts"
urlpatterns = [
    path("sign-in/", views.SignIn.as_view(), name="sign-in"),
    path("sign-out/", views.SignOut.as_view(), name="sign-out"),
    path("people/", views.people, name="people"),
    path("people/service-accounts/<str:username>/", views.service_account, name="service-account"),
    path("account/", views.account, name="account"),
    path("theme/", views.theme, name="theme"),
]
