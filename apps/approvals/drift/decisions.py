"""What was decided: which request a stage rests on, and whether one covers a change."""

from django.db.models import Q

from apps.approvals.models import UNFINISHED, ApprovalRequest, RequestState, WriteState
from apps.audit.actions import Action, Source
from apps.audit.models import AuditEvent
from apps.registry.models import ModelVersion, Stage

BEGUN = (RequestState.APPROVED, RequestState.APPLYING, RequestState.APPLY_FAILED)
WAITING = (RequestState.APPROVED, RequestState.APPLY_FAILED)  # to be tried, or tried again


def covered(version: ModelVersion, before: str, after: str) -> bool:
    """Return whether an approved request that wrote just this move, or archives this version, is not ended yet.

    MLflow then holds a part of a decision whose record is missing; trying the request again completes it. After an
    attempt that ended, that takes a write which was seen to arrive: others could have made the same move since.
    """
    begun = ApprovalRequest.objects.filter(_wrote("stage_write"), version__model=version.model_id)
    asked = Q(version=version, to_stage=after)
    if after == Stage.ARCHIVED:
        asked |= Q(archive_existing=True, to_stage=before) & ~Q(version=version)
    return begun.filter(asked).exists()


def alias_covered(model_id: int, alias: str, after: str) -> bool:
    """Return whether an approved request that wrote so points this alias to just this version (a number)."""
    begun = ApprovalRequest.objects.filter(_wrote("alias_write"), version__model=model_id)
    moves = Q(alias=alias) | Q(alias="", policy__moves_alias=alias)
    return after.isdecimal() and begun.filter(moves, version__number=int(after)).exists()


def _wrote(part: str) -> Q:
    sent = Q(state=RequestState.APPLYING) & ~Q(**{part: ""})
    return sent | Q(state__in=WAITING, **{part: WriteState.SEEN})


def decided_at_all(version: ModelVersion) -> bool:
    """Return whether a request on this version was applied, or is unfinished."""
    states = (*UNFINISHED, RequestState.APPLIED)
    return ApprovalRequest.objects.filter(version=version, state__in=states).exists()


def decision_for(version: ModelVersion, stage: str) -> ApprovalRequest | None:
    """Return the applied request that last put the version into `stage`, or archived it; None when none did."""
    applied = ApprovalRequest.objects.filter(state=RequestState.APPLIED)
    own = applied.filter(version=version, to_stage=stage).order_by("-closed_at").first()
    return own or applied.filter(pk=_named_by_the_trail(version, stage)).first()


def _named_by_the_trail(version: ModelVersion, stage: str) -> int:
    """Return the request that the last move by Assent names, if that was into this stage; 0 for none."""
    moves = AuditEvent.objects.filter(
        target_type="version",
        target=str(version),
        model_id=version.model_id,
        action=Action.VERSION_STAGE_CHANGED,
    )
    data = moves.exclude(source=Source.MLFLOW).order_by("-id").values_list("data", flat=True).first() or {}
    number = data.get("request") if data.get("after", {}).get("stage") == stage else 0
    return number if isinstance(number, int) else 0
