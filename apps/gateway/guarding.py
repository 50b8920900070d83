"""Every guard, loaded: importing a module registers its guards."""

from apps.gateway import artifacts, experiments, governed, logged, registry, runs

GUARDS = (artifacts, experiments, governed, logged, registry, runs)


def load() -> None:
    """Have every guard registered."""
