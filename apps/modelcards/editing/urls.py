"""Addresses of pages, put together in apps/modelcards/urls.py."""

from django.urls import URLPattern, path

from apps.modelcards.editing import views

CARD = "models/<model:name>/v/<int:number>/card/edit/<slug:section>/"
urlpatterns: list[URLPattern] = [
    path(CARD, views.edit, name="edit"),
    path(f"{CARD}draft/", views.draft, name="draft"),
]
