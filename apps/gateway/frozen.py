"""Which versions are bound by a decision, or by one that is under way: their files, runs and names stay as they are."""

from django.db.models import Exists, OuterRef, Q, QuerySet
from django.utils.translation import gettext as _

from apps.approvals.models import UNFINISHED, ApprovalRequest, ProtectedAlias
from apps.errors import RuleViolation
from apps.registry.models import DEFAULT_CONNECTION, ModelAlias, ModelVersion, Stage
from apps.registry.queries import with_source

GOVERNED = (Stage.STAGING, Stage.PRODUCTION)


def refuse(versions: QuerySet[ModelVersion]) -> None:
    """Raise RuleViolation, naming the version and what binds it, when any of these is bound."""
    found = bound(versions).select_related("model").order_by("pk").first()
    if found is None:
        return
    message = _(
        "%(version)s is bound: %(why)s. What was reviewed stays as it is. Register a new version instead, or have the "
        "request withdrawn or the version archived first."
    )
    raise RuleViolation(message % {"version": found, "why": _why(found)})


def bound(versions: QuerySet[ModelVersion]) -> QuerySet[ModelVersion]:
    """Return those that are in a governed stage, under a protected alias, or asked for."""
    asked = ApprovalRequest.objects.filter(version=OuterRef("pk"), state__in=UNFINISHED)
    protected = ProtectedAlias.objects.values("alias")
    pointed = ModelAlias.objects.filter(version=OuterRef("pk"), alias__in=protected)
    return versions.filter(Q(stage__in=GOVERNED) | Exists(asked) | Exists(pointed), deleted_at=None)


def of_run(run_id: str) -> QuerySet[ModelVersion]:
    """Return the versions that came from a run."""
    return ModelVersion.objects.filter(run_id=run_id, model__connection=DEFAULT_CONNECTION)


def of_logged_model(model_id: str) -> QuerySet[ModelVersion]:
    """Return the versions whose files are those of a logged model."""
    return with_source(f"models:/{model_id}").filter(model__connection=DEFAULT_CONNECTION)


def _why(version: ModelVersion) -> str:
    asked = ApprovalRequest.objects.filter(version=version, state__in=UNFINISHED).values_list("pk", flat=True).first()
    if asked:
        return _("request %(number)s asks for it") % {"number": asked}
    if version.stage in GOVERNED:
        return _("it is in %(stage)s") % {"stage": version.stage}
    return _("a protected alias points to it")
