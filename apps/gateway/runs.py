"""Writing to runs, and to the logged models that metrics name."""

from typing import Any

from django.utils.translation import gettext as _

from apps.errors import InvalidInput
from apps.gateway import experiments, logged
from apps.gateway.callers import Caller
from apps.gateway.canonical import Answer, Call, one_spelling
from apps.gateway.enforcement import guards


@guards("run.write")
def write_run(call: Call, who: Caller) -> Answer | None:
    """Add to a run, end or restore it. A metric may be one of a logged model too."""
    experiments.may_write_run(experiments.run_of(call), who)
    if model_id := call.text("model_id", needed=False):
        logged.may_write(model_id, who)
    return None


@guards("run.links")
def link_run(call: Call, who: Caller) -> Answer | None:
    """Say which data and logged models a run reads or has made."""
    experiments.may_write_run(experiments.run_of(call), who)
    for model_id in _models_in(call, "models"):
        logged.may_read(model_id, who)
    return None


@guards("run.batch")
def write_batch(call: Call, who: Caller) -> Answer | None:
    """Add metrics, parameters and tags to a run."""
    for tag in experiments.own_tags(call.params.get("tags") or []):
        experiments.free_key(str(tag.get("key", "")))
    experiments.may_write_run(experiments.run_of(call), who)
    for model_id in _models_in(call, "metrics"):
        logged.may_write(model_id, who)
    return None


@guards("run.tag")
def tag_run(call: Call, who: Caller) -> Answer | None:
    """Set or remove a tag of a run."""
    experiments.free_key(call.text("key"))
    experiments.may_write_run(experiments.run_of(call), who)
    return None


def _models_in(call: Call, field: str) -> set[str]:
    """Return the logged models that the rows of a list name. Raises InvalidInput."""
    rows: Any = call.params.get(field) or []
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise InvalidInput(_("“%(field)s” must be a list of objects.") % {"field": field}, field=field)
    call.params[field] = rows = [one_spelling(row) for row in rows]
    return {str(row["model_id"]) for row in rows if row.get("model_id")}
