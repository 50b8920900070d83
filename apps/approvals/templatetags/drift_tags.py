"""What pages show of drift: a finding in words, the lines on a model's and a version's page, the lock of an alias."""

from typing import Any

from django import template

from apps.approvals.drift import queries, sentences
from apps.approvals.models import ApprovalRequest, DriftFinding
from apps.registry.models import ModelVersion, RegisteredModel

register = template.Library()
register.filter("drift_thing", sentences.thing)
register.filter("drift_sentence", sentences.sentence)
register.filter("drift_expected", sentences.expected_words)
register.filter("drift_found", sentences.found_words)
register.filter("drift_why_expected", sentences.why_expected)
register.filter("drift_effect", sentences.effect)
register.filter("drift_submit", sentences.submit_words)
register.filter("drift_who", sentences.who_did_it)
register.filter("drift_seen", sentences.seen_words)
register.filter("drift_time", sentences.mlflow_time)


@register.inclusion_tag("approvals/_drift_lines.html")
def model_drift(model: RegisteredModel) -> dict[str, Any]:
    """Say where MLflow and the decisions on a model differ; nothing where they agree."""
    return {"findings": queries.unsettled_on(model) if model.open_drift else []}


@register.inclusion_tag("approvals/_drift_lines.html")
def version_drift(version: ModelVersion) -> dict[str, Any]:
    """Say where MLflow and the decisions on a version differ, aliases that left it included."""
    found = queries.unsettled_on(version.model) if version.model.open_drift else []
    return {"findings": [finding for finding in found if _concerns(finding, version)]}


@register.inclusion_tag("approvals/_request_drift.html")
def request_drift(asked: ApprovalRequest) -> dict[str, Any]:
    """Say that MLflow shows already what the request asks for, where it was opened for drift."""
    return {"asked": asked, "finding": asked.drift.order_by("-id").first()}


def _concerns(finding: DriftFinding, version: ModelVersion) -> bool:
    left = bool(finding.alias) and finding.expected == str(version.number)
    return finding.version_id == version.pk or left


@register.simple_tag
def protected_among(aliases: Any) -> set[str]:
    """Return which of these aliases (rows or names) are protected, in one query for all of them."""
    names = [getattr(alias, "alias", alias) for alias in aliases]
    return queries.protected_among(names) if names else set()
