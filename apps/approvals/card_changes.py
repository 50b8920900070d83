"""What the card of the version that moves says otherwise than that of the version it is compared with."""

from dataclasses import dataclass
from typing import Any

from django.utils import timezone

from apps.approvals import evidence, findings
from apps.approvals.models import ApprovalRequest, RequestState, Review
from apps.modelcards import queries as cards
from apps.modelcards.content import Content
from apps.modelcards.diffing import FieldChange, differences
from apps.modelcards.models import CardRevision

MOST = 12  # fields that are shown; the page of the comparison has all


@dataclass(frozen=True)
class CardChange:
    """The revision that a request is about, beside that of the version compared with; `base` None without one.

    `changes` are the first MOST of `count` fields that differ; `signed` is [(revision, who signed it)].
    """

    revision: int
    digest: str
    base: CardRevision | None
    base_number: int  # of the version compared with; 0 for none
    changes: list[FieldChange]
    count: int
    signed: list[tuple[int, str]]


def of(asked: ApprovalRequest, base: Any, reviews: list[Review]) -> CardChange | None:
    """Return it for the page of a request; None where the version has no card. Three queries at most.

    What was decided is shown as it was: the revision in the evidence, beside the other card of that time.
    """
    live = findings.live(asked) or asked.state == RequestState.DRAFT
    content = evidence.of(asked) if live else asked.evidence
    pinned = content.get("card")
    if not pinned:
        return None
    here = CardRevision.objects.filter(card__version=asked.version_id, number=pinned["revision"]).first()
    if here is None:
        return None
    number = base.number if base else 0
    there = _revision_of(asked, number) if number else None
    old = cards.content_of(there) if there else Content()
    changes = differences(old, cards.content_of(here), states=False) if there else []
    return CardChange(here.number, here.digest, there, number, changes[:MOST], len(changes), _signed(asked, reviews))


def _revision_of(asked: ApprovalRequest, number: int) -> CardRevision | None:
    """Return the newest revision of another version's card, or the newest at the time of the decision."""
    rows = CardRevision.objects.filter(card__version__model=asked.version.model_id, card__version__number=number)
    return rows.filter(created_at__lte=asked.closed_at or timezone.now()).order_by("-number").first()


def _signed(asked: ApprovalRequest, reviews: list[Review]) -> list[tuple[int, str]]:
    """Return which revision each standing signature is bound to. No query where all signed what stands now."""
    standing = [review for review in reviews if review.standing]
    digests = {review.evidence_digest for review in standing} - {asked.evidence_digest}
    kept = dict(asked.snapshots.filter(digest__in=digests).values_list("digest", "content")) if digests else {}
    kept[asked.evidence_digest] = asked.evidence
    found = []
    for review in standing:
        about = (kept.get(review.evidence_digest) or {}).get("card")
        if about:
            found.append((about["revision"], str(review.reviewer)))
    return found
