"""Whether a version may be used for a target: from what is stored, without a call to MLflow, in a bounded number of
queries. What is not known for sure denies.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Case, Value, When
from django.urls import reverse
from django.utils.translation import gettext as _

from apps.approvals import blockers
from apps.approvals.gate import standing
from apps.approvals.gate.reasons import Code, Reason, Severity
from apps.approvals.models import UNFINISHED, ApprovalPolicy, ApprovalRequest, RequestState
from apps.approvals.policies import selecting
from apps.errors import InvalidInput
from apps.registry.models import ModelVersion, Stage

SIGNED_OFF = (RequestState.APPROVED, RequestState.APPLYING)


@dataclass(frozen=True)
class Target:
    """What a version is asked for: a stage, or an alias without its @."""

    stage: str = ""
    alias: str = ""

    @classmethod
    def of(cls, text: str) -> "Target":
        """Read "Production" or "@champion". Raises InvalidInput (field "target")."""
        if text.startswith("@") and 1 < len(text) <= 256 and "\0" not in text:
            return cls(alias=text[1:])
        if text in Stage.values:
            return cls(stage=text)
        message = _("A target is a stage (%(stages)s) or an alias with its @, for example @champion.")
        raise InvalidInput(message % {"stages": ", ".join(Stage.values)}, field="target")

    def __str__(self) -> str:
        return f"@{self.alias}" if self.alias else self.stage


@dataclass(frozen=True)
class Decision:
    """What the gate says. `request` and `policy` are those that it rests on; `valid_until` None: until a change."""

    allow: bool
    reasons: tuple[Reason, ...]
    request: ApprovalRequest | None
    policy: ApprovalPolicy | None
    valid_until: datetime | None

    @property
    def evidence_digest(self) -> str:
        """What was signed; empty where nothing was asked."""
        return self.request.evidence_digest if self.request else ""


def decide(version: ModelVersion, target: Target, at: datetime, *, approved_is_enough: bool = False) -> Decision:
    """Return whether `version`, which comes with its model, may be used for `target` at that time.

    It may when an applied request for just this stands. With `approved_is_enough`, a request that has every approval
    and is not applied yet will do as well. The same stored rows and the same time always give the same decision.
    """
    found = selecting.select(version.model, stage=target.stage, alias=target.alias)
    place = standing.where(version, alias=target.alias, stage=target.stage)
    request = _request(version, target, place)
    reasons = [*_gone(version), *_ungoverned(found), *_undecided(version, target, request, approved_is_enough)]
    until = None
    if request and request.state == RequestState.APPLIED:
        reasons += standing.reasons(request, place, at)
        until = standing.until(request, at)
    elif request and request.state in UNFINISHED:
        until = request.expires_at
    reasons += standing.stale(version.model, at)
    allow = not any(reason.severity == Severity.DENY for reason in reasons)
    policy = request.policy if request and request.policy else found.policy
    return Decision(allow, tuple(_denying_first(reasons)), request, policy, until if allow else None)


def _request(version: ModelVersion, target: Target, place: standing.Where) -> ApprovalRequest | None:
    """Return the request to judge by, its version taken from the caller.

    Where the version is in the target now: the one that was applied last. Else the unfinished one, if somebody asked
    (again). Failing these, whichever was closed last.
    """
    order = [[RequestState.APPLIED], UNFINISHED] if place.current else [UNFINISHED, [RequestState.APPLIED]]
    rank = Case(*(When(state__in=states, then=Value(n)) for n, states in enumerate(order)), default=Value(len(order)))
    rows = ApprovalRequest.objects.filter(version=version, to_stage=target.stage, alias=target.alias)
    rows = rows.exclude(state=RequestState.DRAFT).select_related("policy", "requester", "after_review")
    found = rows.defer("checks", "baseline").order_by(rank, "-closed_at", "-id").first()
    if found:
        found.version = version
    return found


def _gone(version: ModelVersion) -> list[Reason]:
    if not (version.deleted_at or version.model.deleted_at):
        return []
    sentence = _("%(version)s was deleted in MLflow.") % {"version": version}
    return [Reason(Code.DELETED, sentence, _("Register the model again and ask for it."), version_url(version))]


def _ungoverned(found: selecting.Selection) -> list[Reason]:
    if found.policy:
        return []
    remedy = _("An admin publishes a policy for it.")
    return [Reason(Code.NO_POLICY, found.problem, remedy, reverse("approvals:policy-list"))]


def _undecided(
    version: ModelVersion, target: Target, request: ApprovalRequest | None, approved_is_enough: bool
) -> list[Reason]:
    if request is None:
        names = {"version": version, "target": target}
        sentence = _("Nobody asked for %(version)s in %(target)s.") % names
        return [Reason(Code.NO_REQUEST, sentence, _("Ask for it on this page."), _asking_url(version))]
    if request.state == RequestState.APPLIED:
        return []
    return _unfinished(request, approved_is_enough) if request.state in UNFINISHED else [_closed_otherwise(request)]


def _unfinished(request: ApprovalRequest, approved_is_enough: bool) -> list[Reason]:
    """Return what an unfinished request waits for; once it is signed off these are warnings where that is enough."""
    signed_off = request.state in SIGNED_OFF and not request.expedited and not _unmet(request)
    severity = Severity.WARNING if approved_is_enough and signed_off else Severity.DENY
    names = {"number": request.pk, "target": request.target, "state": request.get_state_display()}
    sentence = _("Request %(number)s for %(target)s is not applied. It stands at: %(state)s.") % names
    first = Reason(Code.NOT_APPLIED, sentence, _("See what it waits for."), request_url(request), severity)
    return [first, *(_as_reason(row, severity) for row in blockers.why_blocked(request))]


def _unmet(request: ApprovalRequest) -> list[blockers.Blocker]:
    return blockers.unmet(request) if request.state == RequestState.APPROVED else []


def _as_reason(row: blockers.Blocker, severity: Severity) -> Reason:
    remedy = _("It waits for: %(who)s.") % {"who": row.who} if row.who else ""
    return Reason(str(row.code), row.sentence, remedy, row.url, severity)


def _closed_otherwise(request: ApprovalRequest) -> Reason:
    """Say how the last request ended. Its state is the code."""
    names = {"number": request.pk, "target": request.target, "state": request.get_state_display()}
    sentence = _("Request %(number)s for %(target)s ended: %(state)s.") % names
    return Reason(str(request.state), sentence, _("Ask again if it is still wanted."), _asking_url(request.version))


def _denying_first(reasons: Iterable[Reason]) -> list[Reason]:
    return sorted(reasons, key=lambda reason: reason.severity != Severity.DENY)


def request_url(request: ApprovalRequest) -> str:
    """Return the path of a request's page."""
    return reverse("approvals:request-detail", args=[request.pk])


def version_url(version: ModelVersion) -> str:
    """Return the path of a version's page."""
    return reverse("registry:version-detail", args=[version.model.reference, version.number])


def _asking_url(version: ModelVersion) -> str:
    return reverse("approvals:request-new", args=[version.model.reference, version.number])
