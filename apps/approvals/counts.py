"""How many requests and drift findings of a model are unsettled, kept on the model's row for lists.

Called in the transaction that opens or settles one, before its event is recorded: the end of the trail is locked last.
"""

from apps.approvals.models import UNFINISHED, UNSETTLED, ApprovalRequest, DriftFinding
from apps.registry import summaries


def note_requests(model_id: int) -> None:
    """Count the unfinished requests of a model anew."""
    unfinished = ApprovalRequest.objects.filter(version__model=model_id, state__in=UNFINISHED)
    summaries.set_counts(model_id, open_requests=unfinished.count())


def note_drift(model_id: int) -> None:
    """Count the unsettled drift findings of a model anew."""
    unsettled = DriftFinding.objects.filter(model=model_id, state__in=UNSETTLED)
    summaries.set_counts(model_id, open_drift=unsettled.count())
