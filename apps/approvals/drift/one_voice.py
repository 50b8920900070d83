"""Whether one person may accept drift: only where the policy of the place would be met by that one voice.

Accepting is a decision under the policy of what is governed, taken after the fact; where it takes more than one
person's word, a request gathers it.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from django.utils import timezone
from django.utils.translation import gettext as _

from apps.accounts.assurance import SignWith, asked_by
from apps.accounts.factors.rules import why_cannot_sign
from apps.accounts.models import User
from apps.approvals import checks, eligibility, quorum
from apps.approvals.findings import SERVED
from apps.approvals.models import ApprovalPolicy, DriftFinding, DriftKind, ProtectedAlias
from apps.approvals.policies import freezes
from apps.approvals.policies.selecting import Selection, select
from apps.approvals.policies.sentences import rule_sentence
from apps.registry.models import DetailsState, ModelVersion

NOBODY = 0  # nobody asked; keys of people start at 1


@dataclass(frozen=True)
class Place:
    """A stage or a protected alias of the finding's model."""

    stage: str = ""
    alias: str = ""

    def __str__(self) -> str:
        return f"@{self.alias}" if self.alias else self.stage


def places(finding: DriftFinding) -> list[Place]:
    """Return the governed places on which accepting the finding decides.

    The stage that MLflow shows; a protected alias; for other files, every place that serves their version. A version
    that was deleted serves nowhere, and nothing could bring it back: whoever reviews takes note of that.
    """
    if finding.kind == DriftKind.STAGE:
        return [Place(stage=finding.found)]
    if finding.kind == DriftKind.ALIAS:
        return [Place(alias=name) for name in _protected([finding.alias])]
    if finding.kind == DriftKind.ARTIFACTS and finding.version:
        version = finding.version
        stages = [Place(stage=str(version.stage))] if version.stage in SERVED else []
        return [*stages, *(Place(alias=name) for name in _protected(version.aliases.values_list("alias", flat=True)))]
    return []


def version_of(finding: DriftFinding) -> ModelVersion | None:
    """Return whose makers do not accept: the version found; of an alias that points nowhere, the one that it left."""
    if finding.version or not (finding.kind == DriftKind.ALIAS and finding.expected):
        return finding.version
    return finding.model.versions.select_related("model").filter(number=int(finding.expected)).first()


def policies_of(finding: DriftFinding) -> list[ApprovalPolicy]:
    """Return the policies under which accepting the finding is decided, where there are any."""
    found = [_selected(finding, place).policy for place in places(finding)]
    return [policy for policy in found if policy]


def asks(finding: DriftFinding) -> SignWith:
    """Return what accepting takes beside being signed in: the most that one of those policies asks for."""
    return asked_by(*(policy.sign_with for policy in policies_of(finding)))


def can_confirm(user: User, finding: DriftFinding) -> str | None:
    """Where a second factor is asked for, somebody without one is told before they begin."""
    return why_cannot_sign(user, asks(finding))


def one_voice_is_enough(user: User, finding: DriftFinding) -> str | None:
    """Say why the policy of a place is not met by this person's word alone, and what can be done instead.

    A place without a policy is closed to a change from MLflow, as it is to a request.
    """
    for place in places(finding):
        if sentence := _unmet(user, finding, place):
            return f"{sentence} {instead(finding)}"
    return None


def no_freeze_holds(user: User, finding: DriftFinding) -> str | None:
    """What a freeze keeps from being applied is not let in by way of MLflow meanwhile."""
    now = timezone.now()
    for place in places(finding):
        if window := freezes.holding_target(finding.model_id, place.stage, now, alias=place.alias):
            text = _("The freeze “%(name)s” holds %(place)s until %(time)s, so it cannot be accepted before then.")
            return text % {"name": window.name, "place": place, "time": f"{window.ends_at:%Y-%m-%d %H:%M} UTC"}
    return None


def instead(finding: DriftFinding) -> str:
    """Say what can be done where one person's word is not enough."""
    if finding.kind == DriftKind.ARTIFACTS:
        return _("Ask to archive this version, or have the files registered as a new version and ask for that one.")
    if finding.found:
        return _("Open a request for it, or revert it.")
    return _("Revert it: an alias that points nowhere cannot be asked for.")


def _unmet(user: User, finding: DriftFinding, place: Place) -> str:
    found, version = _selected(finding, place), version_of(finding)
    if found.policy is None:
        return found.problem
    if version is None:
        return _("Assent does not know the version that it concerns, so nobody can sign it off.")
    return _unmet_voice(user, found.policy, version, place) or _unmet_checks(finding, found.policy, version, place)


def _unmet_voice(user: User, policy: ApprovalPolicy, version: ModelVersion, place: Place) -> str:
    demands = eligibility.demands_under(policy, version, requester_id=NOBODY)
    seats = quorum.seats(demands, [user.pk], several=policy.several_rules)
    if quorum.complete(demands, seats):
        return ""
    rules, names = list(policy.rules.all()), {"place": place}
    if policy.exclude_last_editor and user.get_username() in eligibility.last_editors(version):
        return _("You were the last to report a check of this version, so somebody else has to accept it.")
    if (needed := sum(rule.needed for rule in rules)) > 1:
        text = _("The policy of %(place)s demands %(needed)s approvals, so one person cannot accept it: %(rules)s.")
        return text % {**names, "needed": needed, "rules": "; ".join(rule_sentence(rule) for rule in rules)}
    if rules[0].group:
        text = _("The policy of %(place)s wants the word of the group %(group)s, and yours does not count for it.")
        return text % {**names, "group": rules[0].group.name}
    return _("The policy of %(place)s wants the word of a reviewer, and yours does not count for it.") % names


def _unmet_checks(finding: DriftFinding, policy: ApprovalPolicy, version: ModelVersion, place: Place) -> str:
    """Say what the version that is there now lacks. An alias that points nowhere lets nothing in."""
    if finding.kind == DriftKind.ALIAS and not finding.found:
        return ""
    if version.details_state != DetailsState.LOADED:
        return _("The run and the MLmodel file of the version could not be read, and nobody signs what was not read.")
    if not policy.required_checks:
        return ""
    results = checks.results(checks.subject(version, place.stage, policy=policy))
    failing = ", ".join(row.label for row in results if row.required and not row.met)
    text = _("The policy of %(place)s requires checks that do not pass: %(checks)s.")
    return text % {"place": place, "checks": failing} if failing else ""


def _selected(finding: DriftFinding, place: Place) -> Selection:
    return select(finding.model, stage=place.stage, alias=place.alias)


def _protected(names: Iterable[str]) -> list[str]:
    return list(ProtectedAlias.objects.filter(alias__in=names).order_by("alias").values_list("alias", flat=True))
