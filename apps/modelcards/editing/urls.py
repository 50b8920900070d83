"""Addresses of pages, put together in apps/modelcards/urls.py."""

from django.urls import URLPattern

urlpatterns: list[URLPattern] = []
