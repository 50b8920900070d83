"""Every guard, loaded: importing a module registers its guards."""

from apps.gateway import artifacts, experiments, governed, logged, registry
from apps.gateway.pages import graphql

GUARDS = (artifacts, experiments, governed, graphql, logged, registry)


def load() -> None:
    """Have every guard registered."""
