"""Every guard, loaded: importing a module registers its guards."""

from apps.gateway import artifacts, experiments, governed, logged, registry, runs
from apps.gateway.databricks import comments, models, permissions, requests, webhooks
from apps.gateway.pages import graphql

TRACKING = (artifacts, experiments, logged, runs)
REGISTRY = (governed, registry, comments, models, permissions, requests, webhooks)
PAGES = (graphql,)


def load() -> None:
    """Have every guard registered."""
