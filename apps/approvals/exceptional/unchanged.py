"""What changed in the evidence since somebody answered for it, as far as it matters to what they did."""

from typing import Any

from apps.approvals import evidence, staleness
from apps.approvals.evidence import Change
from apps.approvals.models import ApprovalRequest, RequestKind, Scope


def changes_since(request: ApprovalRequest, content: dict[str, Any]) -> list[Change]:
    """Return what is otherwise now than in `content`, and matters to a request that is expedited or is to be.

    A bypass goes past the checks, so those do not matter. A rollback rests on the files being the ones that were
    signed: only they matter.
    """
    found = staleness.weighty(content, evidence.of(request))
    if request.kind == RequestKind.ROLLBACK:
        return [change for change in found if evidence.scope_of(change.field) == Scope.ARTIFACT]
    return [change for change in found if evidence.scope_of(change.field) != Scope.CHECKLIST]
