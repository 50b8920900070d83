"""Hostile texts in every place that people or MLflow can write to, whatever the checks of today would say to them.

Fields are found in the models: every text without a list of choices, and every JSON that mirrors MLflow, is written
over, but for what programs alone write. A new field is attacked without a line here.
"""

from collections.abc import Callable
from typing import Any

from django.apps import apps
from django.db import connection, models

from apps.approvals.policies import triggers as policy_triggers
from apps.audit import triggers
from apps.registry import summaries
from apps.registry.models import ModelVersion, RegisteredModel

OURS = ("audit", "accounts", "notifications", "registry", "approvals", "compliance")
OF_PROGRAMS = {
    "action", "alias_before", "artifact_digest", "check_name", "confirmed_with", "control", "delivery_id", "digest",
    "event", "evidence_digest", "facet", "given_on", "hash", "key", "last_hash", "message_id", "page_token", "password",
    "pending_stage", "prefix", "previous_hash", "previous_secret", "recertify_told", "request_id", "secret",
    "stage_before", "target_type", "time_zone", "type", "url", "webhook_secret", "webhook_url",
}  # fmt: skip
NAMES_IN_ADDRESSES = {"registry.Connection.name"}  # letters, digits and hyphens, by the address itself
MIRRORED = (RegisteredModel, ModelVersion)  # their JSON is what MLflow says
TYPED = {"compliance.ControlSetting.tiers"}  # JSON that people write
Change = Callable[[str], str]


def write_everywhere(change: Change) -> int:
    """Change every such text of every row, in the caller's transaction. Returns how many places were written to."""
    triggers.remove(connection)
    policy_triggers.remove(connection)
    places = 0
    for label in OURS:
        for model in apps.get_app_config(label).get_models():
            fields = [field for field in model._meta.concrete_fields if _is_free(model, field)]
            for row in model._base_manager.all() if fields else ():
                new = {field.name: _changed(row, field, change) for field in fields}
                model._base_manager.filter(pk=row.pk).update(**new)
                places += len(new)
    triggers.install(connection)
    policy_triggers.install(connection)
    summaries.refresh(RegisteredModel.objects.values_list("pk", flat=True))
    return places


def _is_free(model: type[models.Model], field: models.Field) -> bool:
    if isinstance(field, models.JSONField):
        mirrored = model in MIRRORED and field.name != "alias_numbers"
        return mirrored or f"{model._meta.label}.{field.name}" in TYPED
    text = isinstance(field, models.CharField | models.TextField) and not field.choices
    return text and field.name not in OF_PROGRAMS and f"{model._meta.label}.{field.name}" not in NAMES_IN_ADDRESSES


def _changed(row: models.Model, field: models.Field, change: Change) -> Any:
    value = getattr(row, field.name)
    if isinstance(field, models.JSONField):
        return _within(value, change)
    if not value:
        return value  # nothing was said, which often means something
    text = change(value)
    return text if field.max_length is None or len(text) <= field.max_length else value


def _within(value: Any, change: Change) -> Any:
    """Change every text in a JSON value; tags, parameters, metrics and columns get a hostile key besides theirs."""
    if isinstance(value, str):
        return change(value)
    if isinstance(value, list):
        return [_within(item, change) for item in value]
    if isinstance(value, dict):
        found = {key: _within(item, change) for key, item in value.items()}
        return found | ({change(next(iter(value))): next(iter(found.values()))} if value else {})
    return value
