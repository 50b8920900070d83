"""Every guard, loaded: importing a module registers its guards."""

from apps.gateway import artifacts, experiments, governed, logged, registry

GUARDS = (artifacts, experiments, governed, logged, registry)


def load() -> None:
    """Have every guard registered."""
