"""Rows of Assent as Databricks' objects: its names, times in milliseconds, and versions and ids as texts."""

from datetime import datetime
from typing import Any

from apps.accounts.models import User
from apps.approvals import blockers, commenting, queries
from apps.approvals.models import CLOSED, ApprovalRequest, RequestState, VersionComment
from apps.approvals.transitions import RequestAction
from apps.gateway.governed import link_to
from apps.registry.models import ModelVersion, RegisteredModel

Shape = dict[str, Any]
ACTIONS = {
    RequestAction.APPROVE: "APPROVE_TRANSITION_REQUEST",
    RequestAction.REJECT: "REJECT_TRANSITION_REQUEST",
    RequestAction.WITHDRAW: "CANCEL_TRANSITION_REQUEST",
}


def model(row: RegisteredModel, latest: list[ModelVersion]) -> Shape:
    """Return a registered model; `latest` is the newest version of each stage."""
    return {
        "name": row.name,
        "description": row.description,
        "creation_timestamp": stamp(row.created_at),
        "last_updated_timestamp": stamp(row.updated_at),
        "latest_versions": [version(row, one) for one in latest],
        "tags": pairs(row.tags),
    }


def version(of: RegisteredModel, row: ModelVersion) -> Shape:
    """Return a version of a model."""
    return {
        "name": of.name,
        "version": str(row.number),
        "creation_timestamp": stamp(row.created_at),
        "last_updated_timestamp": stamp(row.updated_at),
        "current_stage": row.stage,
        "description": row.description,
        "source": row.source,
        "run_id": row.run_id,
        "status": row.status,
        "tags": pairs(row.tags),
    }


def transition_request(row: ApprovalRequest, user: User) -> Shape:
    """Return a request, with what `user` may do to it now."""
    offers = queries.allowed_actions(row, user)
    return {
        "to_stage": row.to_stage,
        "user_id": row.requester.get_username(),
        "comment": row.reason,
        "creation_timestamp": stamp(row.created_at),
        "available_actions": [ACTIONS[one.action] for one in offers if one.action in ACTIONS and one.refusal is None],
    }


def activity(row: ApprovalRequest, kind: str = "REQUESTED_TRANSITION", *, by: User | None = None, comment: str = "",
             ) -> Shape:  # fmt: skip
    """Return what was done to a request, and where the sign-off is now; without `by`: that it was asked for."""
    return {
        "id": str(row.pk),
        "activity_type": kind,
        "user_id": (by or row.requester).get_username(),
        "comment": comment if by else row.reason,
        "system_comment": standing(row)
        if by
        else f"{standing(row)}; evidence {row.evidence_digest}; {link_to(row.pk)}",
        "from_stage": row.from_stage,
        "to_stage": row.to_stage,
        "creation_timestamp": stamp(row.updated_at if by else row.created_at),
        "last_updated_timestamp": stamp(row.updated_at),
    }


def standing(row: ApprovalRequest) -> str:
    """Return how far a request is: "1 of 2 approvals; not applied". In English: programs look at it."""
    given, needed = row.tally.get("given", 0), row.tally.get("needed", 0)
    votes = f"{given} of {needed} approvals"
    if row.state == RequestState.APPLIED:
        return f"{votes}; applied"
    if row.state in CLOSED:
        return str(row.state)
    if row.state in (RequestState.APPROVED, RequestState.APPLYING):
        return f"{votes}; to be applied"
    waits = blockers.why_blocked(row) if given >= needed else []
    return f"{votes}; not applied" + (f": {waits[0].sentence}" if waits else "")


def comment(row: VersionComment, user: User) -> Shape:
    """Return a comment, with what `user` may do to it."""
    return {
        "id": str(row.pk),
        "comment": row.body,
        "user_id": row.author.get_username(),
        "creation_timestamp": stamp(row.created_at),
        "last_updated_timestamp": stamp(row.updated_at),
        "available_actions": ["EDIT_COMMENT", "DELETE_COMMENT"] if commenting.is_author(row, user) else [],
    }


def pairs(tags: dict[str, str]) -> list[dict[str, str]]:
    """Return tags as a list of keys and values."""
    return [{"key": key, "value": value} for key, value in sorted(tags.items())]


def stamp(at: datetime) -> int:
    """Return a time in milliseconds since 1970."""
    return int(at.timestamp() * 1000)
