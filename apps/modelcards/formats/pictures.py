"""Pictures inside a document: a card names those of its run, and keeps none itself. Pure."""

from typing import Any

from django.utils.translation import gettext_lazy

from apps.modelcards.formats.base import Loss

WHY = gettext_lazy("A card keeps no pictures. Log it as a file of the run; the card shows those.")


def without_pictures(document: Any, path: str = "", graphic: bool = False) -> tuple[Any, list[Loss]]:
    """Return a document without the pictures under `graphics`, and what was taken out."""
    losses: list[Loss] = []
    if isinstance(document, dict):
        found = {}
        for name, item in document.items():
            place = f"{path}.{name}" if path else str(name)
            if graphic and name == "image" and item:
                losses.append(Loss(place, WHY))
                continue
            found[name], more = without_pictures(item, place, graphic or name == "graphics")
            losses += more
        return found, losses
    if isinstance(document, list):
        pairs = [without_pictures(item, f"{path}.{place}", graphic) for place, item in enumerate(document)]
        return [item for item, _more in pairs], [loss for _item, more in pairs for loss in more]
    return document, losses
