"""Settle drift: accept it, revert it, open a request for it. Each is one audited attempt.

The revert itself is in revert.py.
"""

from django.utils.translation import gettext as _

from apps.accounts import grants, signing
from apps.accounts.assurance import asked_by
from apps.accounts.models import User
from apps.accounts.signing import confirmed_with
from apps.approvals import policies
from apps.approvals import services as sign_off
from apps.approvals.drift.actions import RESTORABLE, DriftAction, Settlement, refusal, settlement_of
from apps.approvals.drift.one_voice import policies_of
from apps.approvals.drift.records import about, drift_target
from apps.approvals.drift.sentences import sentence
from apps.approvals.drift.settling import begin_revert, being_closed, close, locked_finding
from apps.approvals.models import ApprovalRequest, DriftFinding, DriftKind, DriftState
from apps.audit import services as audit
from apps.audit.services import Attempt, Target
from apps.errors import Conflict, NotVisible
from apps.registry.queries import visible_models
from apps.texts import text_from


def act(
    finding_id: int, action: DriftAction | str, *, reason: str = "", found: str = "", password: str = "", by: User
) -> DriftFinding:
    """Do one thing about a finding. Raises InvalidInput for an unknown action, and what that action raises.

    For accepting: `found` is what the person read that MLflow says, and `password` their own, where the policy signs
    with one.
    """
    row = settlement_of(action)
    if row.action is DriftAction.ACCEPT:
        return accept(finding_id, reason=reason, found=found, password=password, by=by)
    if row.action is DriftAction.REVERT:
        return revert(finding_id, reason=reason, by=by)
    open_request_for(finding_id, reason=reason, by=by)
    return DriftFinding.objects.get(pk=finding_id)


def accept(finding_id: int, *, reason: str, found: str, password: str = "", by: User) -> DriftFinding:
    """Accept what MLflow says: it becomes what is expected. A sign-off after the fact, so a reviewer gives it.

    `found` is what the person read that MLflow says, as the finding shows it (a stage, a version number, a digest).
    It is decided under the policy of the stage or the protected alias, see one_voice.py. Raises NotVisible, NotAllowed,
    WrongState, RuleViolation (their own version; the policy wants more than this person's word), Conflict (a freeze, or
    MLflow says something else by now) and InvalidInput (no reason, or no password where the policy wants one).
    """
    row = settlement_of(DriftAction.ACCEPT)
    confirmation = signing.confirm(by, password)  # slow on purpose: before any lock
    with audit.attempt(row.records, by=grants.actor(by), target=_unnamed(finding_id)) as trial:
        finding = _begun(row, finding_id, trial, by)
        under = policies_of(finding)
        confirmed = confirmed_with(confirmation, by, asks=asked_by(*(policy.sign_with for policy in under)))
        reason = text_from(reason, field="reason", needed=row.reason_needed)
        _check_seen(finding, found)
        close(finding, DriftState.ACCEPTED, by=by.get_username(), reason=reason)
        trial.done(
            reason=reason,
            before={"state": DriftState.OPEN.value},
            after={"state": finding.state},
            policies=[policies.terms(policy) for policy in under],
            confirmed_with=confirmed,
        )
    return finding


def revert(finding_id: int, *, reason: str = "", by: User) -> DriftFinding:
    """Let a worker put MLflow back to what is expected: a stage, or a protected alias.

    The state and the job are committed together. Raises NotVisible, NotAllowed, WrongState, Conflict and InvalidInput.
    """
    row = settlement_of(DriftAction.REVERT)
    with audit.attempt(row.records, by=grants.actor(by), target=_unnamed(finding_id)) as trial:
        finding = _begun(row, finding_id, trial, by)
        reason = text_from(reason, field="reason", needed=row.reason_needed)
        if being_closed(finding):
            raise Conflict(_("The attempt before this one is just ending. Try again in a few seconds."))
        begin_revert(finding, requested_by=by.get_username())
        trial.done(reason=reason, before={"state": DriftState.OPEN.value}, after={"state": finding.state})
    return finding


def open_request_for(finding_id: int, *, reason: str, by: User) -> ApprovalRequest:
    """Ask to make what MLflow says a decision: a request like any other, which moves nothing when it is applied.

    Raises NotVisible, NotAllowed, WrongState, Conflict (an unfinished request for this stage or alias) and what else
    `open_request` raises.
    """
    finding = DriftFinding.objects.filter(pk=finding_id, model__in=visible_models(by)).first()
    if finding is None or finding.version_id is None or finding.kind not in RESTORABLE:
        row = settlement_of(DriftAction.REQUEST)
        with audit.attempt(row.records, by=grants.actor(by), target=_unnamed(finding_id)) as trial:
            _begun(row, finding_id, trial, by)
        raise LookupError(f"{row.action} of drift {finding_id} was neither refused nor done")
    stage = finding.found if finding.kind == DriftKind.STAGE else ""
    return sign_off.open_request(finding.version_id, stage, alias=finding.alias, reason=reason, drift=finding_id, by=by)


def _check_seen(finding: DriftFinding, found: str) -> None:
    if found != finding.found:
        message = _("MLflow says something else than what you read: %(sentence)s Look at it again, then decide.")
        raise Conflict(message % {"sentence": sentence(finding)}, field="found")


def _begun(row: Settlement, finding_id: int, trial: Attempt, by: User) -> DriftFinding:
    """Return the finding, locked, with the trial told about it. Raises NotVisible, and why it is refused."""
    if not DriftFinding.objects.filter(pk=finding_id, model__in=visible_models(by)).exists():
        raise NotVisible(_("There is no drift %(number)s, or you may not see it.") % {"number": finding_id})
    finding = locked_finding(finding_id)
    trial.by = grants.actor(by, finding.model)
    trial.target = drift_target(finding)
    trial.data |= about(finding)
    if error := refusal(row, finding, by):
        raise error
    return finding


def _unnamed(finding_id: int) -> Target:
    return Target("drift", f"drift {finding_id}")
