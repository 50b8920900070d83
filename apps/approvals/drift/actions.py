"""What people can do about a finding: action → kinds, permissions, rules. What is not in this table is refused."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from apps.accounts import grants
from apps.accounts.models import User
from apps.accounts.permissions import Permission
from apps.approvals import eligibility
from apps.approvals.drift.one_voice import can_confirm, no_freeze_holds, one_voice_is_enough, version_of
from apps.approvals.models import DriftFinding, DriftKind, DriftState
from apps.audit.actions import Action
from apps.errors import Conflict, DomainError, InvalidInput, NotAllowed, RuleViolation, WrongState

Rule = Callable[[User, DriftFinding], str | None]
RESTORABLE = (DriftKind.STAGE, DriftKind.ALIAS)


class DriftAction(StrEnum):
    """What a person does about a finding that waits."""

    REVERT = "revert"
    REQUEST = "request"
    ACCEPT = "accept"


@dataclass(frozen=True)
class Settlement:
    """One action: about which kinds, with any of which permissions on the model, under which rules."""

    action: DriftAction
    label: Promise
    kinds: tuple[DriftKind, ...]
    refusal_of_kind: Promise
    permissions: tuple[Permission, ...]
    refusal_without_permission: Promise
    records: Action
    rules: tuple[Rule, ...] = ()  # broken: 403
    obstacles: tuple[Rule, ...] = ()  # in the way at this moment: 409
    reason_needed: bool = True


def not_the_trainer(user: User, finding: DriftFinding) -> str | None:
    """Nobody signs off what they made, before the fact or after it."""
    version = version_of(finding)
    if version and user.get_username() in eligibility.trainers(version):
        return _("You trained this version, so somebody else has to accept it.")
    return None


def still_in_mlflow(user: User, finding: DriftFinding) -> str | None:
    """What is gone from MLflow cannot be moved there."""
    version = finding.version
    if finding.model.deleted_at or (finding.kind == DriftKind.STAGE and version and version.deleted_at):
        return _("It was deleted in MLflow meanwhile, so nothing can be moved there any more.")
    return None


def points_somewhere(user: User, finding: DriftFinding) -> str | None:
    """A request moves an alias to a version."""
    if finding.kind == DriftKind.ALIAS and not finding.found:
        return _("The alias points nowhere in MLflow, and a request points it to a version. Revert it, or accept it.")
    return None


def has_where_to_go(user: User, finding: DriftFinding) -> str | None:
    """An alias cannot go back to a version that is gone."""
    if finding.kind != DriftKind.ALIAS or not finding.expected:
        return None
    if finding.model.versions.filter(number=int(finding.expected), deleted_at=None).exists():
        return None
    text = _("v%(number)s, where the alias pointed, was deleted in MLflow. Accept where it points now.")
    return text % {"number": finding.expected}


SETTLEMENTS = {
    row.action: row
    for row in (
        Settlement(
            DriftAction.REVERT,
            gettext_lazy("Revert in MLflow"),
            RESTORABLE,
            gettext_lazy(
                "Assent cannot bring back files or deleted versions, so there is nothing that it could revert."
            ),
            (Permission.MODEL_DEPLOY, Permission.MODEL_REVIEW),
            gettext_lazy("Reverting needs the ML engineer's role or the reviewer's duty on this model."),
            Action.DRIFT_REVERT_STARTED,
            obstacles=(still_in_mlflow, has_where_to_go),
            reason_needed=False,
        ),
        Settlement(
            DriftAction.REQUEST,
            gettext_lazy("Open a request for it"),
            RESTORABLE,
            gettext_lazy("Only a stage or a protected alias can be asked for."),
            (Permission.MODEL_WRITE,),
            gettext_lazy("Asking for it needs the data scientist's role on this model."),
            Action.DRIFT_REQUESTED,
            obstacles=(still_in_mlflow, points_somewhere),
        ),
        Settlement(
            DriftAction.ACCEPT,
            gettext_lazy("Accept"),
            tuple(DriftKind),
            gettext_lazy("This cannot be accepted."),
            (Permission.MODEL_REVIEW,),
            gettext_lazy("Accepting is a sign-off after the fact: it needs the reviewer's duty on this model."),
            Action.DRIFT_ACCEPTED,
            rules=(not_the_trainer, one_voice_is_enough, can_confirm),
            obstacles=(no_freeze_holds,),
        ),
    )
}


def settlement_of(action: str) -> Settlement:
    """Return the row of an action. Raises InvalidInput for anything that is not in the table."""
    try:
        return SETTLEMENTS[DriftAction(action)]
    except (ValueError, KeyError) as error:
        message = _("There is no such action. Use one of: %(actions)s.") % {"actions": ", ".join(DriftAction)}
        raise InvalidInput(message, field="action") from error


def refusal(row: Settlement, finding: DriftFinding, user: User) -> DomainError | None:
    """Return why `user` may not do this about the finding now, or None. The finding is visible to them."""
    if user.is_service and row.action == DriftAction.ACCEPT:
        return RuleViolation(_("A service account accepts no drift. A person has to do this."))
    if not any(grants.allows(user, permission, finding.model) for permission in row.permissions):
        return NotAllowed(str(row.refusal_without_permission))
    if finding.state != DriftState.OPEN:
        text = _("Drift %(number)s is in the state “%(state)s”, where “%(action)s” is not possible. Reload the page.")
        names = {"number": finding.pk, "state": finding.get_state_display(), "action": row.label}
        return WrongState(text % names)
    if finding.kind not in row.kinds:
        return WrongState(str(row.refusal_of_kind))
    for rule in row.rules:
        if sentence := rule(user, finding):
            return RuleViolation(sentence)
    for obstacle in row.obstacles:
        if sentence := obstacle(user, finding):
            return Conflict(sentence)
    return None
