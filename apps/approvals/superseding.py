"""A newer version asked to the same place: the older request is marked and goes on, until somebody closes it."""

from apps.approvals.models import ApprovalRequest, RequestKind, RequestState

BEFORE_APPLYING = (
    RequestState.OPEN,
    RequestState.CHANGES_REQUESTED,
    RequestState.APPROVED,
    RequestState.APPLY_FAILED,
)
DROPPED = (RequestState.REJECTED, RequestState.WITHDRAWN, RequestState.EXPIRED, RequestState.SUPERSEDED)


def mark(request: ApprovalRequest, rivals: list[ApprovalRequest]) -> list[int]:
    """Mark the requests for older versions with the newer one, and return their numbers. All of them are locked.

    Versions are archived one beside the other: such requests do not supersede each other.
    """
    if request.kind == RequestKind.ARCHIVE:
        return []
    older = [row.pk for row in rivals if row.version.number < request.version.number and row.state in BEFORE_APPLYING]
    ApprovalRequest.objects.filter(pk__in=older).update(superseded_by=request)
    return older


def newer(request: ApprovalRequest) -> ApprovalRequest | None:
    """Return the request that stands in the place of this one; None once that was dropped without being applied."""
    found = request.superseded_by
    return found if found and found.state not in DROPPED else None
