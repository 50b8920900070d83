"""Controls of what was decided: whether the decision behind what is in Production stands."""

from datetime import UTC, datetime, timedelta

from django.urls import reverse
from django.utils.translation import gettext as _

from apps.approvals import evidence, staleness
from apps.approvals.exceptional.recertification import grace
from apps.approvals.models import ApprovalRequest, DriftKind, Ratification
from apps.approvals.reviewing import fields_in_words
from apps.compliance.controls.outcomes import Facts, Finding, Outcome, Placed
from apps.compliance.controls.served import each_in_production, request_address
from apps.registry.addresses import model_address, version_address
from apps.registry.models import DetailsState


def approval_is_valid(facts: Facts) -> Finding:
    """What is in Production rests on a request that was approved and applied."""
    return each_in_production(facts, _approved)


def _approved(facts: Facts, placed: Placed) -> Finding:
    number, asked = f"v{placed.version.number}", placed.request
    if asked is None:
        text = _("No applied request put %(version)s into Production. Ask for it.")
        url = version_address(facts.model.reference, placed.version.number)
        return Finding(Outcome.NOT_MET, text % {"version": number}, url)
    names = {"version": number, "number": asked.pk, "people": ", ".join(placed.approvers)}
    if asked.expedited and not _ratified(asked, facts.at):
        text = _("%(version)s rests on request %(number)s, which went past its approvals and was not ratified by then.")
        return Finding(Outcome.NOT_MET, text % names, request_address(asked))
    if asked.expedited:
        text = _("%(version)s rests on request %(number)s, which was ratified afterwards.")
    elif placed.approvers:
        text = _("%(version)s rests on request %(number)s, approved by %(people)s.")
    else:
        text = _("%(version)s rests on request %(number)s, whose policy asked for no approval.")
    return Finding(Outcome.MET, text % names, request_address(asked))


def _ratified(asked: ApprovalRequest, at: datetime) -> bool:
    review = getattr(asked, "after_review", None)
    return bool(review and review.outcome == Ratification.RATIFIED and review.reviewed_at <= at)


def evidence_is_unchanged(facts: Facts) -> Finding:
    """What is in Production is what was signed. Of the past only what was signed and an exchange of files are known."""
    return each_in_production(facts, _unchanged)


def _unchanged(facts: Facts, placed: Placed) -> Finding:
    asked, version = placed.request, placed.version
    names = {"version": f"v{version.number}"}
    url = version_address(facts.model.reference, version.number)
    if asked is None:
        return Finding(Outcome.NOT_APPLICABLE, _("Nobody signed %(version)s.") % names, url)
    drifted = any(found.kind == DriftKind.ARTIFACTS and found.version_id == version.pk for found in facts.drift)
    if placed.exchanged or drifted:
        text = _("The files of %(version)s are not those that were signed.") % names
        return Finding(Outcome.NOT_MET, text, request_address(asked))
    if facts.past:
        return _unchanged_then(asked, names)
    if version.details_state != DetailsState.LOADED:
        return Finding(Outcome.UNKNOWN, _("The files of %(version)s are not read. Sync it.") % names, url)
    # As the gate compares them; a model that was renamed is still what was signed.
    now = {**asked.evidence, **evidence.material(version), "model": asked.evidence.get("model")}
    if changes := staleness.weighty(asked.evidence, now):
        text = _("%(version)s is not what was signed: %(fields)s. Have it reviewed again.")
        return Finding(Outcome.NOT_MET, text % {**names, "fields": fields_in_words(changes)}, request_address(asked))
    return Finding(Outcome.MET, _("%(version)s is what was signed.") % names, request_address(asked))


def _unchanged_then(asked: ApprovalRequest, names: dict[str, str]) -> Finding:
    """Files as they were signed are looked at when a request is applied; their exchange is found afterwards."""
    names |= {"number": str(asked.pk), "digest": str(asked.evidence.get("artifact") or "")}
    if not names["digest"]:
        text = _("Request %(number)s keeps no digest of the files of %(version)s: nothing tells what they were then.")
        return Finding(Outcome.UNKNOWN, text % names, request_address(asked))
    text = _(
        "%(version)s was applied as it was signed with request %(number)s (files %(digest)s), and no exchange of its "
        "files was known then."
    )
    return Finding(Outcome.MET, text % names, request_address(asked))


def recertified_in_time(facts: Facts) -> Finding:
    """The approval behind what is in Production had not run out."""
    return each_in_production(facts, _recertified)


def _recertified(facts: Facts, placed: Placed) -> Finding:
    asked = placed.request
    if asked is None:
        text = _("There is no approval that could run out.")
        return Finding(Outcome.NOT_APPLICABLE, text, version_address(facts.model.reference, placed.version.number))
    known, end = held_until(placed, facts.at)
    url, names = request_address(asked), {"number": asked.pk, "time": _in_words(end)}
    if not known:
        text = _("Until when request %(number)s held then is not kept.")
        return Finding(Outcome.UNKNOWN, text % names, url)
    if end is None:
        text = _("Request %(number)s holds for good: its policy asks for no recertification.")
        return Finding(Outcome.NOT_APPLICABLE, text % names, url)
    if end + grace() <= facts.at:
        return Finding(Outcome.NOT_MET, _("Request %(number)s ran out on %(time)s and has lapsed.") % names, url)
    if end <= facts.at:
        text = _("Request %(number)s ran out on %(time)s. A reviewer recertifies it.")
        return Finding(Outcome.NOT_MET, text % names, url)
    return Finding(Outcome.MET, _("Request %(number)s holds until %(time)s.") % names, url)


def held_until(placed: Placed, at: datetime) -> tuple[bool, datetime | None]:
    """Return whether it is known until when the approval held at a moment, and the time; None: for good.

    A recertification replaces the end, so the first end of an approval that was certified anew is worked out from its
    policy; that of a rollback, which inherits another's, is not kept.
    """
    asked = placed.request
    if asked is None:
        return False, None
    by_then = [row for row in placed.recertified if row.created_at <= at]
    if by_then:
        return True, by_then[-1].until
    if not placed.recertified:
        return True, asked.recertify_by
    days = asked.policy.recertify_days if asked.policy and not asked.expedited else None
    return (True, asked.closed_at + timedelta(days=days)) if days and asked.closed_at else (False, None)


def no_drift_is_open(facts: Facts) -> Finding:
    """MLflow says what was decided."""
    if not facts.drift:
        return Finding(Outcome.MET, _("MLflow says what was decided."), model_address(facts.model.reference))
    first = facts.drift[0]
    text = _("Drift %(number)s (%(kind)s) is not settled. Somebody reverts it, accepts it or asks for it.")
    names = {"number": first.pk, "kind": first.get_kind_display()}
    return Finding(Outcome.NOT_MET, text % names, reverse("approvals:drift-detail", args=[first.pk]))


def after_reviews_are_done(facts: Facts) -> Finding:
    """Every bypass and every rollback had its review afterwards."""
    url = model_address(facts.model.reference)
    if not facts.owed:
        return Finding(Outcome.NOT_APPLICABLE, _("Nothing went past its approvals."), url)
    for asked, review in facts.owed:
        if review is None or review.reviewed_at is None or review.reviewed_at > facts.at:
            due = _in_words(review.due_at) if review else _("once it was applied")
            text = _("Request %(number)s went past its approvals; its review afterwards was due %(time)s.")
            return Finding(Outcome.NOT_MET, text % {"number": asked.pk, "time": due}, request_address(asked))
    return Finding(Outcome.MET, _("Each bypass and each rollback was reviewed afterwards."), url)


def what_is_held_is_there(facts: Facts) -> Finding:
    """Nothing under a legal hold was deleted or exchanged in MLflow."""
    url = reverse("compliance:hold-list")
    if not facts.holds:
        return Finding(Outcome.NOT_APPLICABLE, _("Nothing of it is on hold."), url)
    if facts.breaches:
        first = facts.breaches[0]
        text = _("Hold %(number)s was broken in MLflow: %(what)s.")
        names = {"number": first.hold_id, "what": first.get_what_display()}
        return Finding(Outcome.NOT_MET, text % names, url)
    return Finding(Outcome.MET, _("What is on hold is as it was."), url)


def _in_words(at: datetime | None) -> str:
    return f"{at.astimezone(UTC):%Y-%m-%d %H:%M} UTC" if at else ""
