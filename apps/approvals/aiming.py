"""Where a request is to move something: a stage of a version, or a protected alias of its model."""

from django.utils.translation import gettext as _

from apps.approvals.models import ApprovalRequest, ProtectedAlias, RequestKind
from apps.approvals.texts import stage_from
from apps.errors import InvalidInput, RuleViolation, UpstreamUnavailable, WrongState
from apps.registry.models import DetailsState, ModelAlias, ModelVersion, Stage

NOT_SERVED = (Stage.NONE, Stage.ARCHIVED)  # nothing is archived on the way there: MLflow does that for the others


def aim(request: ApprovalRequest, *, to_stage: str, alias: str, found_from: str | None = None) -> None:
    """Set what a request asks for, and from where it starts as the mirror says now. The caller saves.

    `found_from` is from where MLflow has moved it already by itself, for a request to make that a decision: a stage,
    or a version number as text (empty: the alias pointed nowhere).

    Raises InvalidInput unless there is exactly one target, and RuleViolation for an alias that nobody protects, and
    for a version that is there already.
    """
    if bool(to_stage) == bool(alias):
        message = _("Name one target: a stage, or a protected alias.")
        raise InvalidInput(message, field="alias" if alias else "to_stage")
    request.to_stage, request.alias = (stage_from(to_stage), "") if to_stage else ("", _governed(alias))
    request.kind = RequestKind.ARCHIVE if to_stage in NOT_SERVED else RequestKind.PROMOTION
    if found_from is None:
        start(request)
    elif request.alias:
        request.from_stage, request.from_number = "", int(found_from) if found_from else None
    else:
        request.from_stage, request.from_number = found_from, None


def start(request: ApprovalRequest) -> None:
    """Set from where the move starts, as the mirror says now. Raises RuleViolation when there is nothing to move."""
    version = request.version
    if request.alias:
        request.from_stage, request.from_number = "", pointed_to(version, request.alias)
        there = request.from_number == version.number
    else:
        request.from_stage, request.from_number = version.stage, None
        there = version.stage == request.to_stage
    if there:
        message = (
            _("%(version)s is already in %(stage)s.") if request.to_stage else _("@%(alias)s is %(version)s already.")
        )
        names = {"version": version, "stage": request.to_stage, "alias": request.alias}
        raise RuleViolation(message % names, field="to_stage" if request.to_stage else "alias")


def alias_of(request: ApprovalRequest) -> str:
    """Return the alias that a request moves: its own, or the one that its policy moves together with the stage."""
    if request.alias:
        return str(request.alias)
    together = request.policy.moves_alias if request.policy else ""
    return "" if request.to_stage in NOT_SERVED else str(together)


def pin_alias(request: ApprovalRequest) -> None:
    """Set from where the policy moves an alias together with the stage, as the mirror says now. The caller saves."""
    if not request.alias:
        alias = alias_of(request)
        request.from_number = pointed_to(request.version, alias) if alias else None


def check_version(version: ModelVersion) -> None:
    """Raise WrongState for a deleted version, UpstreamUnavailable for one whose details could not be read."""
    if version.deleted_at or version.model.deleted_at:
        raise WrongState(_("%(version)s was deleted in MLflow. Choose another version.") % {"version": version})
    if version.details_state != DetailsState.LOADED:
        message = _(
            "The run and the MLmodel file of %(version)s could not be read from MLflow, and nobody can sign what was "
            "not read. Try again when MLflow answers."
        )
        raise UpstreamUnavailable(message % {"version": version})


def archives(request: ApprovalRequest, wished: bool | None, *, proposed: bool) -> bool:
    """Return whether the versions now in the stage are archived: as wished, else as the policy proposes."""
    if request.alias or request.to_stage in NOT_SERVED:
        return False
    return proposed if wished is None else wished


def pointed_to(version: ModelVersion, alias: str) -> int | None:
    """Return the number of the version that an alias of the same model points to in the mirror; None for none."""
    held = ModelAlias.objects.filter(model=version.model_id, alias=alias)
    return held.values_list("version__number", flat=True).first()


def number_in_words(number: int | None) -> str:
    """Return what an alias points to: "v3", or "no version"."""
    return _("no version") if number is None else f"v{number}"


def _governed(alias: str) -> str:
    if not ProtectedAlias.objects.filter(alias=alias).exists():
        message = _(
            "@%(alias)s is not a protected alias: it needs no request and is moved in MLflow. An admin can protect it."
        )
        raise RuleViolation(message % {"alias": alias}, field="alias")
    return alias
