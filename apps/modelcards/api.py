"""The API of model cards."""

from django.urls import URLPattern

urlpatterns: list[URLPattern] = []
