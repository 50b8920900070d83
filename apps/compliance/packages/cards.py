"""The model card in an evidence package: what it says, who stood behind it, and each revision that was signed."""

from typing import Any

from apps.approvals.models import ApprovalRequest
from apps.audit.chain import canonical_json
from apps.compliance.packages.records import documents, moment, visible
from apps.modelcards import content, queries
from apps.modelcards.models import Card, CardRevision
from apps.modelcards.schema.fields import FIELDS
from apps.registry.models import ModelVersion


def card_of(version: ModelVersion) -> Card | None:
    """Return the card of a version, if it has one."""
    return queries.card_of(version)


def of_card(card: Card) -> dict[str, Any]:
    """Return a card as it is, with its comments and the list of its revisions."""
    rows = card.revisions.select_related("author").order_by("number")
    return {
        "state": card.state,
        "revision": card.number,
        "digest": card.digest,
        "approved": _approval(card),
        "document": content.document(queries.content_of(queries.revision(card))),
        "revisions": [_revision(row) for row in rows.defer("values", "states")],
        "comments": [
            {
                "section": row.section,
                "revision": row.number,
                "body": row.body,
                "author": row.author.get_username(),
                "created_at": moment(row.created_at),
                "resolved_by": row.resolved_by.get_username() if row.resolved_by else None,
                "resolved_at": moment(row.resolved_at),
            }
            for row in card.comments.select_related("author", "resolved_by").order_by("id")
        ],
    }


def revisions_in(card: Card, requests: list[ApprovalRequest]) -> dict[str, bytes]:
    """Return the newest revision and those that were signed, as they were hashed: digest → bytes.

    The SHA-256 of the bytes is the digest, unless a credential in them is masked.
    """
    signed = {(document.get("card") or {}).get("revision") for row in requests for document in documents(row).values()}
    wanted = [number for number in {*signed, card.number} if number]
    rows = card.revisions.filter(number__in=wanted).order_by("number")
    return {row.digest: canonical_json(visible({"values": row.values, "states": row.states})).encode() for row in rows}


def text_of(card: dict[str, Any]) -> str:
    """Return a card, as `of_card` gives it, in Markdown: a heading for each field that has a value."""
    document = card["document"]
    lines = [f"# {document.get('model_name', '')} {document.get('version', '')}".strip(), ""]
    lines += [f"Revision {card['revision']}, SHA-256 {card['digest']}", ""]
    for field in FIELDS:
        if field.name in document:
            lines += [f"## {field.label}", "", *lines_of(document[field.name]), ""]
    return "\n".join(lines)


def lines_of(value: Any) -> list[str]:
    """Return one value of a card as lines: text, or a bullet for each row."""
    if isinstance(value, dict):
        return [f"- {name}: {_inline(item)}" for name, item in value.items()]
    if isinstance(value, list):
        return [f"- {_inline(row)}" for row in value]
    return [str(value)]


def _inline(value: Any) -> str:
    if isinstance(value, dict):
        return "; ".join(f"{name}: {_inline(item)}" for name, item in value.items())
    return " ".join(str(value).split())


def _approval(card: Card) -> dict[str, Any] | None:
    if card.approved_by is None:
        return None
    return {
        "revision": card.approved_number,
        "by": card.approved_by.get_username(),
        "at": moment(card.approved_at),
    }


def _revision(row: CardRevision) -> dict[str, Any]:
    return {
        "number": row.number,
        "parent": row.parent,
        "cause": row.cause,
        "digest": row.digest,
        "author": row.author.get_username(),
        "note": row.note,
        "created_at": moment(row.created_at),
    }
