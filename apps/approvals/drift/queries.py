"""Reading drift: lists, one finding, what a person may do about it. Constant query counts."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from django.db.models import Q, QuerySet
from django.utils.translation import gettext as _

from apps.accounts import grants
from apps.accounts.assurance import SignWith
from apps.accounts.permissions import Permission
from apps.approvals.drift.actions import SETTLEMENTS, DriftAction, refusal
from apps.approvals.drift.one_voice import asks
from apps.approvals.models import UNSETTLED, DriftFinding, DriftState, ProtectedAlias
from apps.errors import NotVisible
from apps.registry.models import RegisteredModel
from apps.registry.queries import DETAILS, visible_models

BIG = (*(f"version__{name}" for name in DETAILS), "decision__evidence", "decision__checks", "decision__baseline",
       "request__evidence", "request__checks", "request__baseline")  # fmt: skip


@dataclass(frozen=True)
class SettlementOffer:
    """Something that can be done about a finding; `refusal` says why not by this person now, None if they may."""

    action: DriftAction
    label: str
    refusal: str | None
    reason_needed: bool
    asks: SignWith = SignWith.NONE  # with what it is signed

    @property
    def password_needed(self) -> bool:
        """Whether anything is typed, or shown, beside the reason."""
        return self.asks is not SignWith.NONE


def visible_findings(user: Any) -> QuerySet[DriftFinding]:
    """The findings on models that `user` may read, newest first, with model, version, decision and request."""
    findings = DriftFinding.objects.filter(model__in=visible_models(user)).order_by("-id")
    return findings.select_related("model", "version__model", "decision", "request").defer(*BIG)


def get_finding(user: Any, number: int) -> DriftFinding:
    """One finding. Raises NotVisible."""
    findings = DriftFinding.objects.filter(model__in=visible_models(user))
    findings = findings.select_related("model", "version__model", "decision", "request")
    found = findings.filter(pk=number).first() if number < 2**63 else None
    if found is None:
        raise NotVisible(_("There is no drift %(number)s, or you may not see it.") % {"number": number})
    return found


def waiting_for(user: Any) -> QuerySet[DriftFinding]:
    """The findings that wait for a person, and that `user` may revert or accept."""
    waiting = DriftFinding.objects.filter(state=DriftState.OPEN)
    concerned = visible_models(user).filter(pk__in=waiting.values("model"))  # a few: not every model is looked at
    may_settle = Q(model__in=grants.visible_to(user, concerned, Permission.MODEL_REVIEW))
    may_settle |= Q(model__in=grants.visible_to(user, concerned, Permission.MODEL_DEPLOY))
    return waiting.filter(may_settle)


def unsettled_on(model: RegisteredModel) -> list[DriftFinding]:
    """The unsettled findings of a model, oldest first. The caller has checked that it is visible."""
    findings = DriftFinding.objects.filter(model=model, state__in=UNSETTLED).order_by("id")
    return list(findings.select_related("model", "version__model", "decision", "request").defer(*BIG))


def allowed_actions(finding: DriftFinding, user: Any) -> list[SettlementOffer]:
    """What can be done about a finding that waits, each with why `user` may not do it, or None; else nothing."""
    if finding.state != DriftState.OPEN:
        return []
    offers, signs = [], asks(finding)
    for row in SETTLEMENTS.values():
        error = refusal(row, finding, user)
        refused = error.message if error else None
        signed_with = signs if row.action is DriftAction.ACCEPT else SignWith.NONE
        offers.append(SettlementOffer(row.action, str(row.label), refused, row.reason_needed, signed_with))
    return offers


def protected_aliases() -> QuerySet[ProtectedAlias]:
    """Every protected alias, by name."""
    return ProtectedAlias.objects.order_by("alias")


def protected_among(aliases: Iterable[str]) -> set[str]:
    """Return which of these aliases are protected."""
    return set(ProtectedAlias.objects.filter(alias__in=list(aliases)).values_list("alias", flat=True))
