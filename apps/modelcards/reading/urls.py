"""Addresses of pages, put together in apps/modelcards/urls.py."""

from django.urls import URLPattern, path

from apps.modelcards.reading import past, requirement_views, views
from apps.registry import converters  # noqa: F401  registers <model:name>

CARD = "models/<model:name>/v/<int:number>/card/"
urlpatterns: list[URLPattern] = [
    path(CARD, views.card, name="card"),
    path(f"{CARD}start/", views.start, name="start"),
    path(f"{CARD}refresh/", views.refresh, name="refresh"),
    path(f"{CARD}steps/<str:step>/", views.step, name="step"),
    path(f"{CARD}comments/", views.comment, name="comment"),
    path(f"{CARD}comments/<int:comment>/resolve/", views.resolve, name="resolve"),
    path(f"{CARD}history/", past.history, name="history"),
    path(f"{CARD}revisions/<int:revision>/", views.revision, name="revision"),
    path(f"{CARD}compare/", past.compare, name="compare"),
    path(f"{CARD}badge.svg", views.badge, name="badge"),
    path("cards/requirements/", requirement_views.requirements_page, name="requirements"),
]
