"""Searches of the registry, of what one may see."""

from apps.gateway.callers import Caller
from apps.gateway.canonical import Answer, Call


def models(call: Call, who: Caller) -> Answer | None:
    """Answer a search for models."""
    return None if who.reads_all else {}


def versions(call: Call, who: Caller) -> Answer | None:
    """Answer a search for versions."""
    return None if who.reads_all else {}
