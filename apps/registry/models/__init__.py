"""The registry's tables: the mirror itself, where it comes from, and how it is kept in step."""

from apps.registry.models.connection import DEFAULT_CONNECTION, Connection, ConnectionAuth
from apps.registry.models.digests import ArtifactDigest
from apps.registry.models.mirror import (
    SOURCE_START,
    DetailsState,
    Kind,
    ModelAlias,
    ModelFacet,
    ModelVersion,
    RegisteredModel,
    RegisteredModelGroupPermission,
    RegisteredModelUserPermission,
    Stage,
)
from apps.registry.models.placement import PlacedBy, Placement
from apps.registry.models.preferences import MetricDirection, SavedView
from apps.registry.models.syncing import (
    DeliveryRefusal,
    SyncKind,
    SyncRun,
    SyncShard,
    SyncState,
    TouchedModel,
    WebhookDelivery,
)

__all__ = [
    "DEFAULT_CONNECTION",
    "SOURCE_START",
    "ArtifactDigest",
    "Connection",
    "ConnectionAuth",
    "DeliveryRefusal",
    "DetailsState",
    "Kind",
    "MetricDirection",
    "ModelAlias",
    "ModelFacet",
    "ModelVersion",
    "PlacedBy",
    "Placement",
    "RegisteredModel",
    "RegisteredModelGroupPermission",
    "RegisteredModelUserPermission",
    "SavedView",
    "Stage",
    "SyncKind",
    "SyncRun",
    "SyncShard",
    "SyncState",
    "TouchedModel",
    "WebhookDelivery",
]
