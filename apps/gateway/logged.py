"""Logged models and traces: they belong to an experiment, and logged models stand behind versions."""

from typing import Any

from django.utils.translation import gettext as _

from apps.accounts import scopes
from apps.errors import InvalidInput, NotVisible
from apps.gateway import experiments, frozen, tracking
from apps.gateway.callers import Caller
from apps.gateway.canonical import Answer, Call
from apps.gateway.enforcement import guards
from apps.registry import holds
from apps.registry.queries import visible_model_ids


@guards("logged.create")
def create(call: Call, who: Caller) -> Answer | None:
    """A new logged model."""
    experiments.may_write_experiment(call.text("experiment_id"), who)
    if run_id := call.text("source_run_id", needed=False):
        experiments.may_read_run(run_id, who)
    return None


@guards("logged.read")
def read(call: Call, who: Caller) -> Answer | None:
    """A logged model, or its files."""
    call.about = f"logged model {call.text('model_id')}"
    may_read(call.text("model_id"), who)
    return None


@guards("logged.write")
def write(call: Call, who: Caller) -> Answer | None:
    """Add to a logged model: its state, parameters and tags."""
    call.about = f"logged model {call.text('model_id')}"
    may_write(call.text("model_id"), who)
    return None


@guards("logged.delete")
def delete(call: Call, who: Caller) -> Answer | None:
    """Delete a logged model, unless a version made of it is bound or held."""
    model_id = call.text("model_id")
    may_write(model_id, who)
    versions = frozen.of_logged_model(model_id)
    frozen.refuse(versions)
    for version in versions.select_related("model"):
        holds.refuse_if_held(version.model, version)
    return None


@guards("trace.create")
def create_trace(call: Call, who: Caller) -> Answer | None:
    """A new trace."""
    info: Any = call.params
    for name in ("trace", "trace_info", "trace_location"):
        info = info.get(name, info.get(_camel(name), {})) if isinstance(info, dict) else {}
    experiments.may_write_experiment(experiments.experiment_of(info) or "0", who)
    return None


@guards("trace.begin")
def begin_trace(call: Call, who: Caller) -> Answer | None:
    """A new trace, as clients before 3.0 begin one."""
    experiments.may_write_experiment(call.text("experiment_id"), who)
    return None


@guards("trace.export")
def export_traces(call: Call, who: Caller) -> Answer | None:
    """Spans by OpenTelemetry's protocol, of the experiment that its header names: views.py puts that into `params`."""
    experiments.may_write_experiment(call.text("experiment_id"), who)
    call.params = {}
    return None


@guards("trace.list")
def list_traces(call: Call, who: Caller) -> Answer | None:
    """Traces of experiments, as clients before 3.0 ask for them."""
    return experiments.search_in_experiments(call, who)


@guards("trace.delete")
def delete_traces(call: Call, who: Caller) -> Answer | None:
    """Delete traces of an experiment."""
    experiments.may_write_experiment(call.text("experiment_id"), who)
    return None


@guards("trace.read")
def read_trace(call: Call, who: Caller) -> Answer | None:
    """A trace."""
    _may_read_trace(_trace_of(call), who)
    return None


@guards("traces.read")
def read_traces(call: Call, who: Caller) -> Answer | None:
    """Several traces."""
    for trace_id in call.texts("trace_ids"):
        _may_read_trace(trace_id, who)
    return None


@guards("trace.write")
def write_trace(call: Call, who: Caller) -> Answer | None:
    """Add to a trace."""
    who.needs(scopes.REGISTER)
    trace_id = _trace_of(call)
    if not who.writes_all:
        experiments.may_write_experiment(tracking.trace(trace_id).experiment, who)
    return None


def may_read(model_id: str, who: Caller) -> None:
    """Raise NotVisible unless they may read a logged model: its experiment, its run, or a version made of it."""
    if who.reads_all:
        return
    versions = frozen.of_logged_model(model_id).filter(deleted_at=None, model__in=visible_model_ids(who.user))
    if who.reads_some and versions.exists():
        return
    try:
        place = tracking.logged_model(model_id)
        experiments.may_read_experiment(place.experiment, who)
    except NotVisible:
        raise NotVisible(_("Logged model with ID '%(id)s' not found.") % {"id": model_id}) from None


def may_write(model_id: str, who: Caller) -> None:
    """Raise NotVisible or NotAllowed unless they may write a logged model."""
    who.needs(scopes.REGISTER)
    if not who.writes_all:
        may_read(model_id, who)
        experiments.may_write_experiment(tracking.logged_model(model_id).experiment, who)


def _may_read_trace(trace_id: str, who: Caller) -> None:
    if not who.reads_all:
        experiments.may_read_experiment(tracking.trace(trace_id).experiment, who)


def _trace_of(call: Call) -> str:
    found = {call.text(name, needed=False) for name in ("trace_id", "request_id")} - {""}
    if len(found) != 1:
        raise InvalidInput(_("Name one trace."), field="trace_id")
    return found.pop()


def _camel(name: str) -> str:
    first, *rest = name.split("_")
    return first + "".join(word.title() for word in rest)
