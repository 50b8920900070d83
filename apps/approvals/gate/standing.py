"""Whether an applied decision still stands: the version is where it was put, and is what was signed."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from django.conf import settings
from django.db.models import Q, QuerySet
from django.urls import reverse
from django.utils.translation import gettext as _

from apps.approvals import evidence, staleness
from apps.approvals.evidence import Change
from apps.approvals.exceptional import recertification
from apps.approvals.gate.reasons import Code, Reason, Severity
from apps.approvals.models import (
    UNSETTLED,
    AfterReview,
    ApprovalRequest,
    Condition,
    DriftFinding,
    DriftKind,
    Ratification,
    Scope,
)
from apps.approvals.reviewing import fields_in_words
from apps.registry.freshness import sync_status
from apps.registry.models import DetailsState, ModelAlias, ModelVersion, RegisteredModel

STALE = timedelta(minutes=15)  # without a good pass over MLflow the mirror may be wrong: said, and denied later
LOADED_WITH_IT = (Scope.ARTIFACT, Scope.DEPENDENCIES)  # what runs when the version is used


@dataclass(frozen=True)
class Where:
    """Whether a version is in a target now, and where it or the alias is instead, in a sentence."""

    current: bool
    words: str


def where(version: ModelVersion, *, stage: str = "", alias: str = "") -> Where:
    """Return where a version is now, as the mirror says."""
    if not alias:
        return Where(version.stage == stage, _("It is in %(stage)s.") % {"stage": version.get_stage_display()})
    held = ModelAlias.objects.filter(model=version.model_id, alias=alias)
    number = held.values_list("version__number", flat=True).first()
    if number is None:
        return Where(False, _("@%(alias)s points nowhere.") % {"alias": alias})
    return Where(
        number == version.number,
        _("@%(alias)s points to version %(number)s.") % {"alias": alias, "number": number},
    )


def reasons(request: ApprovalRequest, place: Where, at: datetime) -> list[Reason]:
    """Return what denies the use of an applied request's version, and what else is to be known."""
    return [
        *_not_current(request, place),
        *_drifted(request),
        *_changed(request),
        *_lapsed(request, at),
        *_afterwards(request, at),
        *_conditions(request),
    ]


def until(request: ApprovalRequest, at: datetime) -> datetime | None:
    """Return until when the decision holds if nothing changes; None: there is no such time."""
    times = [recertification.lapses_at(request), *_open_conditions(request).values_list("due_at", flat=True)]
    review = after_review(request)
    if request.bypassed and review and not review.outcome:
        times.append(review.due_at)
    return min(filter(None, times), default=None)


def stale(model: RegisteredModel, at: datetime) -> list[Reason]:
    """Return what there is to say when MLflow was not read for a while: what it says now may be another.

    A connection that was never read to the end denies, and one that was last read longer ago than the operator's limit.
    """
    last = sync_status(str(model.connection_id)).last_success
    remedy, url = _("An admin looks at the syncs."), reverse("registry:sync")
    if last is None:
        return [Reason(Code.NEVER_MIRRORED, _("MLflow was never read to the end."), remedy, url)]
    age, most = at - last, timedelta(seconds=settings.GATE_MAX_MIRROR_AGE_SECONDS)
    denies = bool(most) and age > most
    if age <= STALE and not denies:
        return []
    sentence = _("MLflow was last read at %(time)s.") % {"time": _in_words(last)}
    return [Reason(Code.STALE_MIRROR, sentence, remedy, url, Severity.DENY if denies else Severity.WARNING)]


def after_review(request: ApprovalRequest) -> AfterReview | None:
    """Return the review that the request owes, or has had, after the fact."""
    return getattr(request, "after_review", None)


def _not_current(request: ApprovalRequest, place: Where) -> list[Reason]:
    if place.current:
        return []
    sentence = _("%(version)s is no longer in %(target)s.") % {"version": request.version, "target": request.target}
    url = _version_url(request.version)
    return [Reason(Code.NOT_CURRENT, f"{sentence} {place.words}", _("Ask for it again."), url)]


def _drifted(request: ApprovalRequest) -> list[Reason]:
    version = request.version
    about = Q(version=version) & ~Q(kind=DriftKind.ALIAS)
    if request.alias:
        about |= Q(kind=DriftKind.ALIAS, alias=request.alias)
    found = DriftFinding.objects.filter(about, model=version.model_id, state__in=UNSETTLED).order_by("id")
    text = _("MLflow says otherwise than the decision (%(what)s): drift %(number)s is not settled.")
    return [
        Reason(
            Code.DRIFT,
            text % {"what": finding.get_kind_display(), "number": finding.pk},
            _("A reviewer or an ML engineer reverts or accepts it."),
            reverse("approvals:drift-detail", args=[finding.pk]),
        )
        for finding in found
    ]


def _changed(request: ApprovalRequest) -> list[Reason]:
    """Compare what was signed with what the mirror knows of the version now. The model's name is no part of it."""
    version = request.version
    if version.details_state != DetailsState.LOADED:
        sentence = _("The run and the files of %(version)s are not read, so they may differ from what was signed.")
        return [
            Reason(Code.DETAILS_UNREAD, sentence % {"version": version}, _("Wait, or sync it."), _version_url(version))
        ]
    signed = request.evidence
    now = {**signed, **evidence.material(version), "model": signed.get("model")}
    found = staleness.weighty(signed, now)
    denying = [change for change in found if evidence.scope_of(change.field) in LOADED_WITH_IT]
    others = [change for change in found if change not in denying]
    return [
        *_change_reasons(request, denying, Code.ARTIFACT_CHANGED, Severity.DENY),
        *_change_reasons(request, others, Code.DETAILS_CHANGED, Severity.WARNING),
    ]


def _change_reasons(request: ApprovalRequest, found: list[Change], code: Code, severity: Severity) -> list[Reason]:
    if not found:
        return []
    sentence = _("%(version)s is not what was signed: %(fields)s.")
    names = {"version": request.version, "fields": fields_in_words(found)}
    return [Reason(code, sentence % names, _("Have it reviewed again."), _version_url(request.version), severity)]


def _lapsed(request: ApprovalRequest, at: datetime) -> list[Reason]:
    found, names = recertification.standing(request, at), {"number": request.pk}
    remedy, url = _("A reviewer recertifies it."), _request_url(request)
    if found == recertification.LAPSED:
        return [Reason(Code.LAPSED, _("The approval of request %(number)s has lapsed.") % names, remedy, url)]
    if found != recertification.OVERDUE:
        return []
    sentence = _("The approval of request %(number)s has ended. It lapses at %(time)s unless it is certified anew.")
    sentence %= {**names, "time": _in_words(recertification.lapses_at(request))}
    return [Reason(Code.RECERTIFY_OVERDUE, sentence, remedy, url, Severity.WARNING)]


def _afterwards(request: ApprovalRequest, at: datetime) -> list[Reason]:
    """Judge by the review after the fact. A bypass or a rollback without one counts as not ratified."""
    review, number = after_review(request), {"number": request.pk}
    if (review and review.outcome == Ratification.NOT_RATIFIED) or (request.expedited and review is None):
        sentence = _("Request %(number)s was applied without its approvals, and the review afterwards did not agree.")
        remedy = _("Ask for it in the ordinary way, or move it back.")
        return [Reason(Code.BYPASS_NOT_RATIFIED, sentence % number, remedy, _request_url(request))]
    if review is None or review.outcome:
        return []
    remedy = _("A reviewer reviews it afterwards.")
    if review.due_at > at:
        sentence = _("Request %(number)s was applied ahead of its review, which is still owed.") % number
        return [Reason(Code.AFTER_REVIEW_DUE, sentence, remedy, _request_url(request), Severity.WARNING)]
    sentence = _("Request %(number)s was applied ahead of its review, which is overdue.") % number
    severity = Severity.DENY if request.bypassed else Severity.WARNING
    return [Reason(Code.AFTER_REVIEW_OVERDUE, sentence, remedy, _request_url(request), severity)]


def _conditions(request: ApprovalRequest) -> list[Reason]:
    text = _("An approval holds on a condition that is still to be met: %(condition)s")
    remedy = _("Its owner meets it in time: %(owner)s.")
    return [
        Reason(
            Code.CONDITION_OPEN,
            text % {"condition": row.text},
            remedy % {"owner": row.owner},
            _request_url(request),
            Severity.WARNING,
        )
        for row in _open_conditions(request).select_related("owner")
    ]


def _open_conditions(request: ApprovalRequest) -> QuerySet[Condition]:
    rows = Condition.objects.filter(review__request=request, review__standing=True, met_at=None, revoked_at=None)
    return rows.order_by("id")


def _in_words(at: datetime | None) -> str:
    return f"{at.astimezone(UTC):%Y-%m-%d %H:%M} UTC" if at else ""


def _request_url(request: ApprovalRequest) -> str:
    return reverse("approvals:request-detail", args=[request.pk])


def _version_url(version: ModelVersion) -> str:
    return reverse("registry:version-detail", args=[version.model.reference, version.number])
