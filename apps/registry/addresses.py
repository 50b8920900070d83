"""The addresses of many models and versions: `reverse` works each out anew, which takes longer than writing its row."""

from functools import lru_cache
from urllib.parse import quote

from django.urls import get_script_prefix, reverse

from apps.registry.converters import name_to_segment

SAFE = "!$&'()*+,;=/~:@"  # what `reverse` leaves as it is in a path
PLACE = "model"


def model_address(reference: str, installed_at: str = "") -> str:
    """Return the address of a model's page, as `reverse` does. `installed_at`: the script prefix, where it is known."""
    before, after = _around_name(installed_at or get_script_prefix())
    return f"{before}{quote(name_to_segment(reference), safe=SAFE)}{after}"


def version_address(reference: str, number: int) -> str:
    """Return the address of a version's page, as `reverse` does."""
    return f"{model_address(reference)}v/{number}/"


@lru_cache(maxsize=8)
def _around_name(_installed_at: str) -> tuple[str, str]:
    """Return what stands before and after a model's name."""
    before, _name, after = reverse("registry:model-detail", args=[PLACE]).rpartition(PLACE)
    return before, after
