"""Moves that only a decision makes: a client that asks for one has opened a request, and is told where it is."""

from functools import partial
from urllib.parse import quote

from django.conf import settings
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from apps.accounts import scopes
from apps.approvals import policies, services
from apps.approvals.models import UNFINISHED, ApprovalRequest, ProtectedAlias
from apps.errors import Conflict, InvalidInput, RuleViolation
from apps.gateway import mirroring, registry, tracking
from apps.gateway.callers import Caller
from apps.gateway.canonical import Answer, Call
from apps.gateway.enforcement import guards
from apps.registry.models import ModelVersion, Stage

STAGES = {stage.lower(): stage for stage in Stage.values}  # MLflow takes any case
ASKED_BY_A_CLIENT = gettext_lazy("Asked for by an MLflow client.")


@guards("version.stage")
def move_to_stage(call: Call, who: Caller) -> Answer | None:
    """A version to a stage. One that is there already stays: a script that is run again after the sign-off goes on."""
    version = registry.writable_version(call, who)
    stage = stage_of(call)
    if version.stage == stage:
        params = {"name": version.model.name, "version": str(version.number)}
        return tracking.ask("/api/2.0/mlflow/model-versions/get", params)
    archive = call.params.get("archive_existing_versions") in (True, "true")
    reason = call.text("comment", needed=False)
    ask_for(version, who, stage=stage, archive=archive, target=stage, reason=reason)
    return None


@guards("alias.set")
def point_alias(call: Call, who: Caller) -> Answer | None:
    """An alias to a version. A protected one moves by a decision."""
    alias = call.text("alias")
    version = registry.writable_version(call, who)
    if _is_protected(alias):
        if version.aliases.filter(alias=alias).exists():
            return {}
        ask_for(version, who, alias=alias, target=f"@{alias}")
    call.then = [partial(mirroring.model_changed, version.model.name, who)]
    return None


@guards("alias.delete")
def remove_alias(call: Call, who: Caller) -> Answer | None:
    """An alias, unless it is protected."""
    alias = call.text("alias")
    registry.writable_model(call, who)
    if _is_protected(alias):
        message = _("@%(alias)s is protected and stays. Ask to have it point to another version.")
        raise RuleViolation(message % {"alias": alias}, field="alias")
    return None


def _is_protected(alias: str) -> bool:
    """Whatever the case: some databases that MLflow keeps aliases in do not tell one from the other."""
    return ProtectedAlias.objects.filter(alias__iexact=alias).exists()


def stage_of(call: Call) -> str:
    """Return the stage that a call names, as MLflow spells it. Raises InvalidInput."""
    stage = STAGES.get(call.text("stage").lower())
    if stage is None:
        message = _("There is no such stage. Use one of: %(stages)s.") % {"stages": ", ".join(Stage.values)}
        raise InvalidInput(message, field="stage")
    return stage


def ask_for(
    version: ModelVersion, who: Caller, *, stage: str = "", alias: str = "", archive: bool | None = None, target: str,
    reason: str = "",
) -> None:  # fmt: skip
    """Open a request for a move, or find the one that is open, and refuse the move with where the request is.

    Raises RuleViolation always, unless asking itself is refused.
    """
    who.needs(scopes.WRITE)
    _refuse_by_policy(version, stage, alias, target)
    try:
        number, said = _opened(version, who, stage, alias, archive, reason), _("Request %(number)s was opened for it")
    except Conflict:
        same = ApprovalRequest.objects.filter(version=version, to_stage=stage, alias=alias, state__in=UNFINISHED)
        found = same.values_list("pk", flat=True).first()
        if found is None:
            raise
        number, said = found, _("Request %(number)s asks for it already")
    message = _("%(version)s moves to %(target)s once it is signed off. %(said)s: %(link)s")
    raise RuleViolation(
        message % {"version": version, "target": target, "said": said % {"number": number}, "link": link_to(number)}
    )


def _refuse_by_policy(version: ModelVersion, stage: str, alias: str, target: str) -> None:
    policy = policies.in_force(version.model_id, stage, alias=alias)
    if policy and policy.refuse_clients:
        message = _("%(target)s takes no requests from MLflow clients. Ask for it in Assent: %(link)s")
        link = f"{settings.PUBLIC_URL}/models/{quote(version.model.reference)}/v/{version.number}/"
        raise RuleViolation(message % {"target": target, "link": link})


def _opened(version: ModelVersion, who: Caller, stage: str, alias: str, archive: bool | None, reason: str) -> int:
    reason = reason or str(ASKED_BY_A_CLIENT)
    opened = services.open_request(version.pk, stage, alias=alias, reason=reason, archive_existing=archive, by=who.user)
    return opened.pk


def link_to(number: int) -> str:
    """Return the address of a request; without a host where nobody said which one people type."""
    return f"{settings.PUBLIC_URL}/requests/{number}/"
