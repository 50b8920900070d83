"""What other pages show of approvals: who promoted a model, a version's requests, the way to ask for a promotion."""

from collections.abc import Iterable
from typing import Any
from urllib.parse import urlencode

from django import template
from django.db.models import Prefetch
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from apps.accounts import grants
from apps.accounts.permissions import Permission
from apps.approvals import commenting
from apps.approvals.models import UNFINISHED, ApprovalPolicy, ApprovalRequest, PolicyRule, RequestState, Review, Verdict
from apps.registry.models import ModelVersion, RegisteredModel, Stage

register = template.Library()
MOST_NAMED = 5  # versions in Production that the sentence about a model names


@register.inclusion_tag("approvals/_production_sentence.html")
def model_production_sentence(model: RegisteredModel) -> dict[str, Any]:
    """Say which version is in Production, since when, and which request with whose approvals put it there."""
    rows = ModelVersion.objects.filter(model=model, stage=Stage.PRODUCTION, deleted_at=None).order_by("-number")
    rows = rows.only("number")  # not what a version's run and files say
    found = list(rows[:MOST_NAMED])
    version = found[0] if found else None
    promotion = version and promotion_of(version)
    return {"model": model, "version": version, "others": found[1:], "promotion": promotion}


def promotion_of(version: ModelVersion) -> ApprovalRequest | None:
    """Return the newest applied request that moved `version` to Production, with its standing approvals."""
    approvals = Review.objects.filter(verdict=Verdict.APPROVE, standing=True).select_related("reviewer").order_by("id")
    return (
        ApprovalRequest.objects.filter(version=version, to_stage=Stage.PRODUCTION, state=RequestState.APPLIED)
        .prefetch_related(Prefetch("reviews", queryset=approvals, to_attr="approvals"))
        .order_by("-id")
        .first()
    )


@register.inclusion_tag("approvals/_version_requests.html")
def version_requests(version: ModelVersion) -> dict[str, Any]:
    """List the requests of one version, newest first."""
    requests = ApprovalRequest.objects.filter(version=version).exclude(state=RequestState.DRAFT)
    requests = requests.select_related("requester").order_by("-id")
    return {"version": version, "requests": list(requests[:20])}


@register.inclusion_tag("approvals/_version_comments.html", takes_context=True)
def version_comments(context: template.Context, version: ModelVersion) -> dict[str, Any]:
    """List the newest comments on a version, with a form for whoever may say more."""
    found, total = commenting.newest(version)
    person = context.get("user")
    may = commenting.may_comment(version, person)
    return {
        "version": version, "comments": [(row, may and commenting.is_author(row, person)) for row in found],
        "total": total, "earlier": total - len(found), "may_comment": may, "csrf_token": context.get("csrf_token"),
    }  # fmt: skip


@register.inclusion_tag("approvals/_request_button.html", takes_context=True)
def request_button(context: template.Context, version: ModelVersion, *, named: bool = False) -> dict[str, Any]:
    """Offer the way to ask for a promotion: the unfinished requests, a button, or why there is none.

    `named`: the button says which version, for pages that are not about that one alone.
    """
    may_ask = grants.allows(context.get("user"), Permission.MODEL_WRITE, version.model)
    unfinished = ApprovalRequest.objects.filter(version=version, state__in=UNFINISHED).order_by("-id")
    gone = version.deleted_at is not None or version.model.deleted_at is not None
    offer = {"may_ask": may_ask and not gone, "gone": gone, "named": named}
    return {"version": version, "unfinished": list(unfinished), **offer}


@register.filter
def at(mapping: dict[Any, Any] | None, key: Any) -> Any:
    """Return what stands under `key`, or an empty text: `{{ counts|at:model.pk }}`."""
    return (mapping or {}).get(key, "")


@register.filter
def policy_sentence(policy: ApprovalPolicy) -> str:
    """Say what a policy demands, in one sentence."""
    return "; ".join(rule_sentence(rule) for rule in policy.rules.all())


def rule_sentence(rule: PolicyRule) -> str:
    """Say what one rule of a policy demands."""
    number = rule.needed
    if rule.group_id:
        text = ngettext(
            "%(number)d approval by a reviewer in the group “%(group)s”",
            "%(number)d approvals by reviewers in the group “%(group)s”",
            number,
        )
        return text % {"number": number, "group": rule.group.name if rule.group else ""}
    text = ngettext(
        "%(number)d approval by a reviewer of the model", "%(number)d approvals by reviewers of the model", number
    )
    return text % {"number": number}


@register.filter
def reviewers(reviews: Iterable[Review]) -> list[Any]:
    """Return who gave `reviews`, each person once, in order."""
    return list(dict.fromkeys(review.reviewer for review in reviews))


@register.filter
def people(users: Iterable[Any]) -> str:
    """Join people's names as a sentence does: “Bob”, “Bob and Erin”, “Ann, Bob and Erin”."""
    names: list[str | Promise] = [str(user) for user in users]
    if len(names) < 2:
        return "".join(str(name) for name in names)
    return _("%(most)s and %(last)s") % {"most": ", ".join(str(name) for name in names[:-1]), "last": names[-1]}


@register.filter
def archive_sentence(policy: ApprovalPolicy) -> str:
    """Say what a policy proposes for the versions that are in the stage."""
    if policy.stage not in (Stage.STAGING, Stage.PRODUCTION):
        return ""
    if policy.archive_existing:
        return _("Proposes to archive the version that is there.")
    return _("Proposes to leave the version that is there.")


@register.filter
def version_names(versions: Iterable[ModelVersion]) -> str:
    """Join versions of one model: “v2”, “v2 and v3”."""
    return people([f"v{version.number}" for version in versions])


@register.simple_tag
def compare_query(base: ModelVersion, candidate: ModelVersion) -> str:
    """Return the query of the compare page for two versions: `?base=NAME@N&candidate=NAME@N`."""
    names = {
        "base": f"{base.model.reference}@{base.number}",
        "candidate": f"{candidate.model.reference}@{candidate.number}",
    }
    return f"?{urlencode(names)}"
