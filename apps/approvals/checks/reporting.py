"""A pipeline says what its check of a version found. The last report of a name is the current one; all are kept."""

from django.utils.translation import gettext as _

from apps.accounts import grants
from apps.accounts.models import User
from apps.accounts.permissions import Permission
from apps.approvals import services
from apps.approvals.checks import terms
from apps.approvals.models import UNFINISHED, ApprovalRequest, ExternalCheck
from apps.approvals.refreshing import look_later
from apps.audit import services as audit
from apps.audit.actions import Action
from apps.audit.services import Target
from apps.errors import NotAllowed, NotVisible, WrongState
from apps.registry import queries as registry
from apps.registry import stages
from apps.registry.models import ModelVersion
from apps.texts import text_from


def report(
    version_id: int,
    name: str,
    outcome: str,
    *,
    detail: str = "",
    link: str = "",
    inputs: str = "",
    valid_days: int | None = None,
    by: User,
) -> ExternalCheck:
    """Record what an external check found on a version, and put its unfinished requests where they belong then.

    `valid_days` None: it holds until the next report of the same name. Whoever reports becomes one of those who wrote
    the evidence, which a policy may keep from signing.

    Raises NotVisible, NotAllowed without `model:write`, WrongState for a deleted version, and InvalidInput naming the
    field.
    """
    target = Target("version", f"version {version_id}")
    with audit.attempt(Action.CHECK_REPORTED, by=grants.actor(by), target=target) as trial:
        version = _visible_version(version_id, by)
        trial.by = grants.actor(by, version.model)
        trial.target = Target("version", str(version), version.model_id)
        if not grants.allows(by, Permission.MODEL_WRITE, version.model):
            raise NotAllowed(_("Reporting a check needs the data scientist's role on this model. Ask an admin for it."))
        if version.deleted_at or version.model.deleted_at:
            raise WrongState(
                _("%(version)s was deleted in MLflow, so nothing is checked on it.") % {"version": version}
            )
        row = ExternalCheck(
            version=version,
            name=terms.name_from(name),
            outcome=terms.outcome_from(outcome),
            detail=text_from(detail, field="detail", needed=False),
            link=terms.link_from(link),
            inputs=terms.inputs_from(inputs),
            valid_until=terms.valid_until(valid_days),
            reporter=by,
        )
        stages.lock_model(version.model_id)  # two reports of one name wait for each other
        earlier = ExternalCheck.objects.filter(version=version, name=row.name, current=True)
        before = earlier.values_list("outcome", flat=True).first()
        earlier.update(current=False)
        row.save()
        concerned = _unfinished(version)
        for number in concerned:
            look_later(number, requested_by=by.get_username())  # should this process end before it does so itself
        trial.done(
            before={"outcome": before} if before else None,
            after={"outcome": row.outcome},
            check=row.name,
            **{name: value for name, value in (("link", row.link), ("inputs", row.inputs)) if value},
            valid_until=row.valid_until and row.valid_until.isoformat(),
        )
    for number in concerned:
        services.reconsider(number)
    return row


def _visible_version(version_id: int, by: User) -> ModelVersion:
    version = registry.visible_versions(by).filter(pk=version_id).first()
    if version is None:
        raise NotVisible(_("There is no such version, or you may not see it."))
    return version


def _unfinished(version: ModelVersion) -> list[int]:
    """Return the keys of the version's requests that a report may move."""
    requests = ApprovalRequest.objects.filter(version=version, state__in=UNFINISHED)
    return list(requests.order_by("pk").values_list("pk", flat=True))
