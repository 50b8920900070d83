"""The API of model cards: the same services as the pages."""

from apps.modelcards.api import cards, comments, files, requirements, revisions

urlpatterns = [
    *cards.urlpatterns,
    *revisions.urlpatterns,
    *comments.urlpatterns,
    *requirements.urlpatterns,
    *files.urlpatterns,
]
