"""Registered models as Databricks shows them, moves of a version, and who is asking."""

from collections import defaultdict
from typing import Any

from django.utils.translation import gettext as _

from apps.accounts import grants, scopes
from apps.approvals import queries
from apps.approvals.models import UNFINISHED
from apps.errors import UpstreamUnavailable
from apps.gateway import governed, tracking
from apps.gateway.callers import Caller
from apps.gateway.canonical import Answer, Call
from apps.gateway.databricks import fields, shapes
from apps.gateway.databricks.levels import level_of
from apps.gateway.enforcement import guards
from apps.registry.models import DEFAULT_CONNECTION, Kind, ModelVersion, RegisteredModel

PAGE, LONGEST_PAGE = 100, 1000
SCIM_USER = "urn:ietf:params:scim:schemas:core:2.0:User"


@guards("databricks.model")
def get_model(call: Call, who: Caller) -> Answer | None:
    """Answer with a model as MLflow has it, its id, and what the caller may do with it."""
    model = fields.model(call, who)
    found = _part(tracking.ask("/api/2.0/mlflow/registered-models/get", {"name": model.name}), "registered_model")
    own = {"id": str(model.pk), "permission_level": _level(model, who)}
    return {"registered_model_databricks": {**found, **{name: value for name, value in own.items() if value}}}


@guards("databricks.models")
def list_models(call: Call, who: Caller) -> Answer | None:
    """Answer with the models that the caller may see, in the order in which Assent learnt of them."""
    who.needs(scopes.READ)
    size = fields.most(call, PAGE, LONGEST_PAGE)
    rows = RegisteredModel.objects.filter(connection=DEFAULT_CONNECTION, kind=Kind.MODEL, deleted_at=None)
    found = list(grants.visible_to(who.user, rows).filter(pk__gt=fields.after(call)).order_by("pk")[: size + 1])
    page = found[:size]
    latest = _latest(page)
    more = {"next_page_token": str(page[-1].pk)} if len(found) > size else {}
    return {"registered_models": [shapes.model(row, latest[row.pk]) for row in page], **more}


@guards("databricks.stage")
def move(call: Call, who: Caller) -> Answer | None:
    """Move a version to a stage as MLflow's own call does: refused with the request that it has opened.

    A version that is there already is answered with, so that a script goes on when it is run again.
    """
    found = _part(governed.move_to_stage(call, who), "model_version")
    version = fields.version(call, who)
    waiting = queries.visible_requests(who.user).filter(version=version, state__in=UNFINISHED).exclude(to_stage="")
    own = {"permission_level": _level(version.model, who), "open_requests": [shapes.activity(row) for row in waiting]}
    return {"model_version_databricks": {**found, **own}}


@guards("databricks.me")
def me(call: Call, who: Caller) -> Answer | None:
    """Answer with who the caller is."""
    who.needs(scopes.READ)
    user = who.user
    emails = [{"value": user.email, "primary": True}] if user.email else []
    return {
        "schemas": [SCIM_USER],
        "id": str(user.pk),
        "userName": user.get_username(),
        "displayName": user.get_full_name() or user.get_username(),
        "active": user.is_active,
        "emails": emails,
        "groups": [{"display": name} for name in user.groups.order_by("name").values_list("name", flat=True)],
    }


def _part(answer: Answer | None, name: str) -> dict[str, Any]:
    """Return what an answer of MLflow is about. Raises UpstreamUnavailable when it is about nothing."""
    found = (answer or {}).get(name)
    if not isinstance(found, dict):
        raise UpstreamUnavailable(_("MLflow answered something that nobody understands. Try again."))
    return found


def _level(model: RegisteredModel, who: Caller) -> str:
    return level_of(grants.held_permissions(who.user, model))


def _latest(models: list[RegisteredModel]) -> dict[int, list[ModelVersion]]:
    """Return the newest version of each stage of each of these models, in one query."""
    found: dict[int, dict[str, ModelVersion]] = defaultdict(dict)
    rows = ModelVersion.objects.filter(model__in=[model.pk for model in models], deleted_at=None)
    shown = (
        "model",
        "number",
        "stage",
        "description",
        "source",
        "run_id",
        "status",
        "tags",
        "created_at",
        "updated_at",
    )
    for row in rows.only(*shown).order_by("number"):
        found[row.model_id][row.stage] = row
    return defaultdict(list, {key: list(stages.values()) for key, stages in found.items()})
