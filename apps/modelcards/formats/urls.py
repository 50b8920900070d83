"""Addresses of pages, put together in apps/modelcards/urls.py."""

from django.urls import path

from apps.modelcards.formats import views
from apps.registry import converters  # noqa: F401  registers <model:name>

urlpatterns = [
    path("models/<model:name>/v/<int:number>/card/export/<str:form>/", views.export, name="export"),
    path("models/<model:name>/v/<int:number>/card/import/", views.import_card, name="import"),
]
