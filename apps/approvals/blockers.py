"""Why a request does not move: one list for the page, the API and the gate, each line with who can clear it.

Everything is looked at as it is now; nothing is written.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from apps.approvals import checks, eligibility, evidence, pinning, quorum, rules, schedule, staleness
from apps.approvals.models import UNDER_REVIEW, ApprovalRequest, PolicyRule, RequestState, Review, Verdict
from apps.approvals.policies.selecting import scope_words
from apps.approvals.reviewing import fields_in_words

MOST_NAMED = 5  # people in one line
MOST_LETTERS = 300  # of what a check says


class Code(StrEnum):
    """What kind of thing is in the way, for programs."""

    DRAFT = "draft"
    DELETED = "deleted"
    STAGE_CHANGED = "stage_changed"  # or the alias: MLflow is not where the request starts
    EVIDENCE_CHANGED = "evidence_changed"
    POLICY = "policy"  # another one governs by the model's tier and tags
    OBJECTION = "objection"
    COMPLETE = "complete"  # nothing is in the way any more
    LAPSED = "lapsed"
    RULE = "rule"
    UNSOLVABLE = "unsolvable"
    CHECK = "check"
    CONDITION = "condition"
    EXPIRED = "expired"
    WAIT = "wait"
    FREEZE = "freeze"
    QUEUED = "queued"
    APPLYING = "applying"
    APPLY_FAILED = "apply_failed"


@dataclass(frozen=True)
class Blocker:
    """One thing in the way: a sentence, who can clear it in words (empty: it clears by itself), and where."""

    code: str
    sentence: str
    who: str = ""
    url: str = ""


def why_blocked(request: ApprovalRequest) -> list[Blocker]:
    """Return what the request waits for, the most pressing first; empty when it is finished."""
    if request.state in UNDER_REVIEW:
        return _lines(request) or [_line(request, Code.COMPLETE)]
    if request.state == RequestState.APPROVED:
        return unmet(request) or _held(request) or [_line(request, Code.QUEUED)]
    if request.state in (RequestState.DRAFT, RequestState.APPLYING, RequestState.APPLY_FAILED):
        return [_line(request, Code(request.state))]
    return []


def unmet(request: ApprovalRequest) -> list[Blocker]:
    """Return what keeps the request from being approved, or from staying so; empty when every demand is met."""
    return [row for row in _lines(request) if row.code != Code.LAPSED]  # others may have filled that seat


def lost(request: ApprovalRequest) -> list[Blocker]:
    """Return which demands of its policy an approved request no longer meets.

    What no review helps against (it is deleted, moved elsewhere, its time is over) is for the apply to say.
    """
    return [row for row in _demands(request) if row.code not in (Code.LAPSED, Code.EXPIRED)]


def _lines(request: ApprovalRequest) -> list[Blocker]:
    if request.version.deleted_at or request.version.model.deleted_at:
        return [_line(request, Code.DELETED)]
    if elsewhere := rules.in_the_asked_stage(request.requester, request):
        return [Blocker(Code.STAGE_CHANGED, elsewhere, _requester_or_engineer(), _version_url(request))]
    return _demands(request)


def _demands(request: ApprovalRequest) -> list[Blocker]:
    if request.expedited:
        return []
    able = eligibility.able(request)
    standing = request.reviews.filter(standing=True).select_related("counts_for").order_by("id")
    return [
        *_expired(request),
        *_changed_evidence(request),
        *_another_policy(request),
        *_objections(request, standing, able),
        *_lost_approvals(request, standing, able),
        *_missing_approvals(request, able),
        *_unmet_checks(request),
    ]


def _expired(request: ApprovalRequest) -> list[Blocker]:
    return [_line(request, Code.EXPIRED)] if schedule.expired(request, timezone.now()) else []


def _held(request: ApprovalRequest) -> list[Blocker]:
    """Return what makes an approved request wait before it is applied."""
    return [Blocker(code, sentence, who, url) for code, sentence, who, url in schedule.held(request, timezone.now())]


def _changed_evidence(request: ApprovalRequest) -> list[Blocker]:
    found = staleness.weighty(request.evidence, evidence.of(request))
    if not found:
        return []
    message = _("The evidence changed since the request was made: %(fields)s. The next review takes it up.")
    sentence = message % {"fields": fields_in_words(found)}
    return [Blocker(Code.EVIDENCE_CHANGED, sentence, reviewers_in_words(request), _url(request, "evidence"))]


def _another_policy(request: ApprovalRequest) -> list[Blocker]:
    """Say so when the request's policy is not the one that the model's tier and tags ask for now.

    Softer or stricter makes no difference: which one is right is for an admin to say, who stands outside.
    """
    found = pinning.outgrown(request)
    if found is None:
        return []
    sentence = _(
        "The risk tier or tags of %(model)s are not what they were when the policy of this request was chosen."
    ) % {"model": request.version.model}
    more = found.problem
    if found.policy:
        more = _(
            "The policy for %(scope)s governs the move now: until an admin puts the request under it, nothing moves."
        ) % {"scope": scope_words(found.policy)}
    return [Blocker(Code.POLICY, f"{sentence} {more}", _("an admin"), _url(request, "decide"))]


def _objections(request: ApprovalRequest, standing: Iterable[Review], able: frozenset[int]) -> list[Blocker]:
    objections = [review for review in standing if review.verdict == Verdict.REQUEST_CHANGES]
    return [_objection(request, review, review.counts_for_id in able) for review in objections]


def _objection(request: ApprovalRequest, review: Review, can_review: bool) -> Blocker:
    person = str(review.counts_for)
    if can_review:
        who = _("%(person)s, or an ML engineer who dismisses it with a reason") % {"person": person}
        sentence = _("%(person)s asked for changes and has to review again.")
        return Blocker(Code.OBJECTION, sentence % {"person": person}, who, _url(request, "signers"))
    sentence = _(
        "%(person)s asked for changes and can no longer review, so somebody else has to: the next review by "
        "another reviewer decides."
    )
    return Blocker(Code.OBJECTION, sentence % {"person": person}, reviewers_in_words(request), _url(request, "signers"))


def _lost_approvals(request: ApprovalRequest, standing: Iterable[Review], able: frozenset[int]) -> list[Blocker]:
    text = _("%(person)s approved and can no longer review. The approval does not count.")
    who, url = reviewers_in_words(request), _url(request, "signers")
    return [
        Blocker(Code.LAPSED, text % {"person": row.counts_for}, who, url)
        for row in standing
        if row.verdict == Verdict.APPROVE and row.counts_for_id not in able
    ]


def _missing_approvals(request: ApprovalRequest, able: frozenset[int]) -> list[Blocker]:
    demands, filled = eligibility.demands(request), eligibility.seats(request)
    if quorum.complete(demands, filled):
        return []
    named = {rule.pk: rule for rule in request.policy.rules.all()} if request.policy else {}
    used = {person for people in filled.values() for person in people}
    people = eligibility.people(request)
    lines = [
        _missing(request, named[row.rule], len(filled[row.rule]), [str(people[pk]) for pk in row.people - used])
        for row in demands
        if len(filled[row.rule]) < row.needed
    ]
    return [*lines, *_unreachable(request, demands, len(able))]


def _missing(request: ApprovalRequest, rule: PolicyRule, given: int, could: list[str]) -> Blocker:
    """Say what one rule still wants, and whose approval would count."""
    text = ngettext(
        "%(given)s of %(needed)s approval given. It needs %(who)s.",
        "%(given)s of %(needed)s approvals given. It needs %(who)s.",
        rule.needed,
    )
    sentence = text % {"given": given, "needed": rule.needed, "who": _wanted(rule)}
    if rule.name:
        sentence = f"{rule.name}: {sentence}"
    return Blocker(Code.RULE, sentence, names_in_words(sorted(could)), _url(request, "signers"))


def _unreachable(request: ApprovalRequest, demands: list[quorum.Demand], able: int) -> list[Blocker]:
    """Say so when fewer people could approve than the policy demands: no waiting helps then."""
    if quorum.solvable(demands, several=bool(request.policy and request.policy.several_rules)):
        return []
    text = ngettext(
        "Only %(able)s person could approve this, requester and trainer not counted, and the policy demands "
        "%(needed)s. Ask an admin for more reviewers or another policy.",
        "Only %(able)s people could approve this, requester and trainer not counted, and the policy demands "
        "%(needed)s. Ask an admin for more reviewers or another policy.",
        able,
    )
    sentence = text % {"able": able, "needed": sum(row.needed for row in demands)}
    return [Blocker(Code.UNSOLVABLE, sentence, _("an admin"), reverse("approvals:policy-list"))]


def _unmet_checks(request: ApprovalRequest) -> list[Blocker]:
    """Say which checks the policy requires that neither pass nor are waived."""
    reported, own = _("a pipeline that reports it, or a reviewer who waives it"), _("a reviewer who waives it")
    text = _("The check “%(check)s” is required and does not pass: %(detail)s")
    return [
        Blocker(
            Code.CHECK,
            _with_outdated(text % {"check": row.label, "detail": _cut(row.detail) or _no_reason()}, row),
            reported if row.external else own,
            _url(request, "checks"),
        )
        for row in checks.unmet(request)
    ]


def _no_reason() -> str:
    return _("the report gives no reason.")


def _with_outdated(sentence: str, row: checks.CheckResult) -> str:
    """Add that somebody answered for another report, where that is so."""
    if row.waiver is None or not row.waiver.outdated:
        return sentence
    more = _("%(person)s waived what it said before, so it has to be waived anew.") % {"person": row.waiver.by}
    return f"{sentence.rstrip('.')}. {more}"


def _cut(detail: str) -> str:
    return detail if len(detail) <= MOST_LETTERS else f"{detail[:MOST_LETTERS]}…"


def reviewers_in_words(request: ApprovalRequest) -> str:
    """Return who reviews under the request's policy: "reviewers of this model in the group Risk"."""
    every = request.policy.rules.all() if request.policy else []
    names = [rule.group.name for rule in every if rule.group]
    if names:
        return _("reviewers of this model in the group %(group)s") % {"group": ", ".join(names)}
    return _("reviewers of this model")


def names_in_words(names: list[str]) -> str:
    """Return names as one text: "Bob, Erin and 3 more"; empty for nobody."""
    shown, rest = ", ".join(names[:MOST_NAMED]), len(names) - MOST_NAMED
    return _("%(names)s and %(rest)s more") % {"names": shown, "rest": rest} if rest > 0 else shown


def _wanted(rule: PolicyRule) -> str:
    if rule.group:
        return _("reviewers of this model in the group %(group)s") % {"group": rule.group.name}
    return _("reviewers of this model")


def _line(request: ApprovalRequest, code: Code) -> Blocker:
    """Return the line of a state that has one sentence."""
    version = {"version": request.version, "error": request.apply_error}
    sentence, who = {
        Code.DRAFT: (_("This is a draft. Nobody else sees it until it is submitted."), str(request.requester)),
        Code.DELETED: (
            _("%(version)s was deleted in MLflow. The requester or an ML engineer can withdraw the request."),
            _requester_or_engineer(),
        ),
        Code.EXPIRED: (_("The time for this request is over. Ask again if it is still wanted."), _("the requester")),
        Code.COMPLETE: (_("Nothing is in its way any more. Assent looks at it again within a minute."), ""),
        Code.QUEUED: (_("Approved. A worker will apply it in a moment."), ""),
        Code.APPLYING: (_("A worker is moving the version in MLflow."), ""),
        Code.APPLY_FAILED: (_("Applying failed: %(error)s"), _requester_or_engineer()),
    }[code]
    return Blocker(code, sentence % version, who, _url(request, "decide"))


def _requester_or_engineer() -> str:
    return _("the requester or an ML engineer")


def _url(request: ApprovalRequest, place: str) -> str:
    return f"{reverse('approvals:request-detail', args=[request.pk])}#{place}"


def _version_url(request: ApprovalRequest) -> str:
    return reverse("registry:version-detail", args=[request.version.model.reference, request.version.number])
