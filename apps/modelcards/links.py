"""Where a card stands: paths on this server."""

from django.urls import NoReverseMatch, reverse

from apps.registry.models import ModelVersion


def card_path(version: ModelVersion) -> str:
    """Return the path of the page of a version's card."""
    named = {"name": version.model.reference, "number": version.number}
    try:
        return reverse("modelcards:card", kwargs=named)
    except NoReverseMatch:  # no page of cards is put together here: that of the version shows it
        return reverse("registry:version-detail", kwargs=named)
