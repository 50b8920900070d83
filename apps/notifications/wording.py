"""Sentences that are stored as data and put into words in the reader's language."""

from collections.abc import Mapping
from typing import Any

from django.utils.translation import gettext


def sentence(text: str, values: Mapping[str, Any]) -> str:
    """Return a stored sentence, translated, with its values; as it is stored when a value is missing.

    An older notification may lack a value that a newer translation asks for: it is shown all the same.
    """
    try:
        return gettext(text) % values if text else ""
    except (KeyError, TypeError, ValueError):
        return text
