"""Every check of a version, run and put together. Five queries, however many checks there are; with a card six."""

import hashlib
import json
import logging
from dataclasses import replace
from datetime import datetime
from typing import Any

from django.utils import timezone
from django.utils.translation import gettext as _

from apps.approvals.at_once import once_while_looking
from apps.approvals.checks import external
from apps.approvals.checks.outcomes import EXTERNAL, MET, Check, CheckResult, Outcome, Subject, WaiverNote
from apps.approvals.checks.table import CHECKS
from apps.approvals.models import ApprovalPolicy, ApprovalRequest, Waiver
from apps.masking import masked
from apps.modelcards import queries as cards
from apps.modelcards import requirements
from apps.modelcards.models import CardState
from apps.modelcards.rules import tier_of
from apps.registry.models import ModelVersion
from apps.registry.queries import production_version

logger = logging.getLogger(__name__)
READ = ("details_state", "details_error", "description", "run_id", "run", "metrics", "datasets", "signature",
        "requirements", "mlmodel")  # fmt: skip # what checks read of a version


@once_while_looking
def results(about: ApprovalRequest | Subject) -> list[CheckResult]:
    """Return what every check says at this moment: the table, what CI reported, then what a policy requires besides.

    For a request its policy says what is required, and its waivers count. Nothing is stored: see findings.py.
    """
    if isinstance(about, ApprovalRequest):
        policy = about.policy
        about = replace(subject(about.version, about.to_stage, policy=policy), request=about)
    now = timezone.now()
    found = [*_own(about, now), *_reported(about, now)]
    found += _lacking(about, {result.name for result in found})
    waivers = _waivers(about)
    return [_with_waiver(result, waivers.get(result.name), now) for result in found]


def run(version: ModelVersion, to_stage: str) -> list[CheckResult]:
    """Return what every check says of a version on its way to a stage, without a policy or a request."""
    return results(subject(version, to_stage))


def subject(version: ModelVersion, to_stage: str, *, policy: ApprovalPolicy | None = None) -> Subject:
    """Return a version as what is checked, beside the version now in Production. `to_stage` empty: to an alias."""
    card = cards.card_of(version)
    asked = requirements.current() if card else None  # without a card nothing is compared with it
    return Subject(version, to_stage, production_version(version.model), card, asked, policy)


def unmet(request: ApprovalRequest) -> list[CheckResult]:
    """Return the checks that the request's policy requires and that neither pass nor are waived at this moment."""
    if request.policy is None or not request.policy.required_checks:
        return []
    return [result for result in results(request) if result.required and not result.met]


def _own(about: Subject, now: datetime) -> list[CheckResult]:
    inputs, required = _digest(about), about.required
    return [replace(_run_one(check, about), at=now, inputs=inputs, required=check.name in required) for check in CHECKS]


def _run_one(check: Check, about: Subject) -> CheckResult:
    try:
        outcome, detail = check.function(about)
    except Exception:  # a check that breaks on odd metadata must not take the page with it
        logger.exception("check %s broke on version %s", check.name, about.version.pk)
        outcome, detail = Outcome.ERROR, _("This check could not be carried out. It counts as not passed.")
    return CheckResult(check.name, str(check.label), outcome, masked(str(detail)))


def _reported(about: Subject, now: datetime) -> list[CheckResult]:
    required = about.required
    return [
        external.as_result(report, now=now, required=f"{EXTERNAL}{report.name}" in required)
        for report in external.current(about.version)
    ]


def _lacking(about: Subject, known: set[str]) -> list[CheckResult]:
    """Return the results of required checks that nobody reported, or that nothing can carry out: none passes."""
    names = [name for name in dict.fromkeys(about.required) if name not in known]
    detail = _("There is no check of this name, so it cannot pass. An admin can publish another policy.")
    return [
        *external.not_reported(name for name in names if name.startswith(EXTERNAL)),
        *(
            CheckResult(name, name, Outcome.ERROR, detail, required=True)
            for name in names
            if not name.startswith(EXTERNAL)
        ),
    ]


def _waivers(about: Subject) -> dict[str, Waiver]:
    if about.request is None or about.request.pk is None:
        return {}
    waivers = Waiver.objects.filter(request=about.request, revoked_at=None).select_related("waived_by")
    return {waiver.check_name: waiver for waiver in waivers}


def _with_waiver(result: CheckResult, waiver: Waiver | None, now: datetime) -> CheckResult:
    """Return the result as its waiver leaves it. A check that passes needs none; one that holds no longer says so.

    A waiver answers for the report that it was given on: another one that fails is not waived.
    """
    if waiver is None or result.outcome in MET:
        return result
    outdated = waiver.given_on != result.waived_on
    holds = waiver.expires_at > now and not outdated
    note = WaiverNote(waiver.pk, waiver.waived_by.get_username(), waiver.reason, waiver.expires_at, holds, outdated)
    return replace(result, outcome=Outcome.WAIVED if holds else result.outcome, waiver=note)


def _digest(about: Subject) -> str:
    """Return the SHA-256 of what the checks read: equal inputs, equal findings."""
    facts: dict[str, Any] = {name: getattr(about.version, name) for name in READ}
    if base := about.production:
        facts["production"] = {"number": base.number, "metrics": base.metrics, "signature": base.signature}
    facts["card"] = _judged_card(about)
    facts |= {"to_stage": str(about.to_stage), "tolerance": about.tolerance}
    return hashlib.sha256(json.dumps(facts, sort_keys=True, default=str).encode()).hexdigest()


def _judged_card(about: Subject) -> dict[str, Any] | None:
    """Return what of a card and of what is asked of it decides: the same card may lack more at another risk tier."""
    if about.card is None:
        return None
    asked = about.asked.number if about.asked else None
    said = {"digest": about.card.digest, "tier": tier_of(about.version.model.risk), "requirements": asked}
    return said | ({"archived": True} if about.card.state == CardState.ARCHIVED else {})
