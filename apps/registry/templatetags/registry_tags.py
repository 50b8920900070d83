"""Template library `registry_tags`: addresses of versions, and evidence as pages show it."""

from typing import Any
from urllib.parse import quote, urlencode

from django import template
from django.urls import reverse
from django.utils.dateparse import parse_datetime
from django.utils.translation import gettext_lazy as _

from apps.audit.actions import Action
from apps.masking import masked
from apps.registry import connections
from apps.registry.details import requirements
from apps.registry.models import ModelVersion, RegisteredModel
from apps.registry.pages import provenance

register = template.Library()
register.filter("masked", masked)
SOURCE_TAGS = ("mlflow.source.name", "mlflow.source.type", "mlflow.source.git.commit", "mlflow.source.git.branch",
               "mlflow.source.git.repoURL", "mlflow.user", "mlflow.runName")  # fmt: skip
CHANGED_NAMES = {"aliases": _("aliases"), "description": _("description"), "name": _("name"), "source": _("source"),
                 "run_id": _("run"), "status": _("status"), "tags": _("tags")}  # fmt: skip
EVENT_ICONS = {"model": "box", "version": "tag", "request": "inbox", "alias": "alias", "drift": "alert", "grant": "key"}


@register.filter
def reference(version: ModelVersion) -> str:
    """Name a version as addresses and the API do: "churn@3"."""
    return f"{version.model.reference}@{version.number}"


@register.simple_tag
def compare_url(base: ModelVersion | None, candidate: ModelVersion) -> str:
    """Return the address of a comparison; without a base the page takes the version in Production."""
    chosen = {"base": reference(base)} if base else {}
    return f"{reverse('registry:compare')}?{urlencode({**chosen, 'candidate': reference(candidate)})}"


@register.simple_tag
def mlflow_url(model: RegisteredModel, version: ModelVersion | None = None) -> str:
    """Return the address of the model, or of one version, in MLflow's own pages; empty where nobody can open them."""
    public = connections.public_address_of(model)
    if not public:
        return ""
    address = f"{public}/#/models/{quote(model.name, safe='')}"
    return f"{address}/versions/{version.number}" if version else address


@register.simple_tag
def mlflow_run_url(version: ModelVersion) -> str:
    """Return the address of the version's run in MLflow's own pages; empty where there is none to open."""
    public, experiment = connections.public_address_of(version.model), str(version.run.get("experiment_id", ""))
    if not (public and version.run_id and experiment):  # which experiment it is in, the next sync may tell
        return ""
    experiment = quote(experiment, safe="")
    return f"{public}/#/experiments/{experiment}/runs/{quote(version.run_id, safe='')}"


@register.filter
def at_key(mapping: dict[str, Any] | None, key: Any) -> Any:
    """Return what stands under `key`, or None."""
    return (mapping or {}).get(key)


@register.filter
def parsed_requirements(version: ModelVersion) -> list[requirements.Requirement]:
    """Return the requirement lines, each with what is known of it."""
    return [requirements.parse(line) for line in version.requirements or []]


@register.filter
def unpinned_count(version: ModelVersion) -> int:
    """Return how many requirement lines allow more than one version."""
    return len(requirements.unpinned(version.requirements or []))


@register.filter
def moment(text: str | None) -> Any:
    """Return the datetime that an ISO text from the mirror's JSON stands for, or None."""
    return parse_datetime(text) if text else None


@register.filter
def source_tag(version: ModelVersion, name: str) -> str:
    """Return the run tag `mlflow.source.<name>`, or an empty text."""
    return str((version.run.get("tags") or {}).get(f"mlflow.source.{name}", ""))


@register.filter
def own_tags(tags: dict[str, str] | None) -> dict[str, str]:
    """Leave out the tags that MLflow itself sets."""
    return {key: value for key, value in (tags or {}).items() if not key.startswith("mlflow.")}


@register.filter
def author(version: ModelVersion) -> str:
    """Return who ran the training, as the run says; an empty text when it does not."""
    return str(version.run.get("user") or (version.run.get("tags") or {}).get("mlflow.user") or "")


@register.simple_tag
def load_snippet(model: RegisteredModel, which: int | str) -> str:
    """Return the Python lines that load a model: `which` is a version number or "@alias"."""
    uri = f"models:/{model.name}{'' if str(which).startswith('@') else '/'}{which}"
    return f"import mlflow\n\nmodel = mlflow.pyfunc.load_model(\n    {_python_text(uri)}\n)"


@register.simple_tag
def tracking_snippet(model: RegisteredModel) -> str:
    """Return the Python line that points MLflow's client at the model's server; empty where people cannot reach it."""
    address = connections.tracking_address_of(model)
    return f"mlflow.set_tracking_uri({_python_text(address)})" if address else ""


@register.filter
def semantic_version(version: ModelVersion) -> str:
    """Return the version's own number ("2.1.0") from its tags; empty without a valid one."""
    return provenance.semantic_version(version)


@register.filter
def action_label(event: Any) -> str:
    """Name what an event of the trail records. The model's own way to do so hashes all labels, each time."""
    return str(Action(event.action).label)


@register.filter
def event_icon(event: Any) -> str:
    """Return the icon for an event of the trail about a model."""
    noun, _dot, verb = str(event.action).partition(".")
    if verb in ("deleted", "rejected", "apply_failed", "revert_failed"):
        return "x"
    return EVENT_ICONS.get(noun, "circle")


@register.filter
def stage_move(event: Any) -> str:
    """Say from which stage to which an event moved a version: "None → Staging"; empty for other events."""
    before, after = event.data.get("before"), event.data.get("after")
    if not (isinstance(before, dict) and isinstance(after, dict) and before.get("stage") and after.get("stage")):
        return ""
    return f"{before['stage']} → {after['stage']}" if before["stage"] != after["stage"] else ""


@register.filter
def changed_names(event: Any) -> str:
    """Name what an event says was changed in MLflow: "aliases, tags"; empty for events of another kind."""
    if event.action not in (Action.MODEL_CHANGED, Action.VERSION_CHANGED):
        return ""
    before, after = event.data.get("before") or {}, event.data.get("after") or {}
    return ", ".join(str(CHANGED_NAMES.get(name, name)) for name in sorted({*before, *after}))


def _python_text(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n") + '"'
