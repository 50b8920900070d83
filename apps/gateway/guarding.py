"""Every guard, loaded: importing a module registers its guards."""

from apps.gateway import artifacts, experiments, governed, logged, registry, runs
from apps.gateway.databricks import comments, models, permissions, requests, webhooks

GUARDS = (artifacts, experiments, governed, logged, registry, runs, comments, models, permissions, requests, webhooks)


def load() -> None:
    """Have every guard registered."""
