"""Which versions are bound by a decision, or by one that is under way: their files, runs and names stay as they are."""

from django.db.models import Exists, OuterRef, Q, QuerySet
from django.utils.translation import gettext as _

from apps.approvals.models import UNFINISHED, ApprovalRequest, ProtectedAlias
from apps.errors import NotVisible, RuleViolation
from apps.gateway import tracking
from apps.registry.models import DEFAULT_CONNECTION, ModelAlias, ModelVersion, RegisteredModel, Stage
from apps.registry.queries import with_source, within_source

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
    """Return the versions whose files are those of a logged model, also those that were copied from such a version."""
    named = with_source(f"models:/{model_id}") | within_source(_folder(model_id))
    named = named.filter(model__connection=DEFAULT_CONNECTION)
    keys: set[int] = set()
    while new := {key: (name, number) for key, name, number in named.values_list("pk", "model__name", "number")}:
        keys |= new.keys()
        copied = [f"models:/{name}/{number}" for name, number in new.values()]
        named = with_source(*copied).filter(model__connection=DEFAULT_CONNECTION).exclude(pk__in=keys)
    return ModelVersion.objects.filter(pk__in=keys)


def copied_from(model: RegisteredModel) -> QuerySet[ModelVersion]:
    """Return the live versions of other models that name a version of this one as where their files are."""
    numbers = model.versions.values_list("number", flat=True)
    rows = with_source(*(f"models:/{model.name}/{number}" for number in numbers)).filter(deleted_at=None)
    return rows.filter(model__connection=model.connection_id).exclude(model=model).select_related("model")


def _folder(model_id: str) -> str:
    try:
        return tracking.logged_model(model_id).artifacts
    except NotVisible:
        return ""


def _why(version: ModelVersion) -> str:
    asked = ApprovalRequest.objects.filter(version=version, state__in=UNFINISHED).values_list("pk", flat=True).first()
    if asked:
        return _("request %(number)s asks for it") % {"number": asked}
    if version.stage in GOVERNED:
        return _("it is in %(stage)s") % {"stage": version.stage}
    return _("a protected alias points to it")
