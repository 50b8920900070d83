"""Logged models and traces: they belong to an experiment, and logged models stand behind versions."""

from typing import Any

from django.utils.translation import gettext as _

from apps.accounts import scopes
from apps.errors import InvalidInput, NotVisible, RuleViolation
from apps.gateway import canonical, experiments, frozen, tracking
from apps.gateway.callers import Caller
from apps.gateway.canonical import Answer, Call
from apps.gateway.enforcement import guards
from apps.gateway.errors import NotServed
from apps.registry import holds
from apps.registry.queries import visible_model_ids

# Tags by which MLflow finds the files of a trace: with another value it would read whatever lies there.
PLACES = ("mlflow.artifactLocation", "mlflow.trace.archiveLocation")


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
    """Add to a logged model: parameters and tags."""
    model_id = call.text("model_id")
    call.about = f"logged model {model_id}"
    may_write(model_id, who)
    return None


@guards("logged.finalize")
def finalize(call: Call, who: Caller) -> Answer | None:
    """Say that a logged model is ready, or that it failed, unless a version made of it is bound."""
    write(call, who)
    frozen.refuse(frozen.of_logged_model(call.text("model_id")))
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
    """A new trace. One that is there already would move to the experiment that is named here: it must be theirs too."""
    info = _inside(_inside(call.params, "trace"), "trace_info")
    experiments.may_write_experiment(experiments.experiment_of(_inside(info, "trace_location")) or "0", who)
    _refuse_places(info.get("tags"))
    trace_id = str(info.get("trace_id") or "")
    if trace_id and not who.writes_all and _is_there(trace_id):
        _may_write_trace(trace_id, who)
    return None


def _inside(value: Answer, name: str) -> Answer:
    """Return what an object has under a name, every field under one spelling. Raises InvalidInput."""
    found = canonical.one_spelling(value).get(name)
    return canonical.one_spelling(found) if isinstance(found, dict) else {}


def _is_there(trace_id: str) -> bool:
    try:
        return bool(tracking.trace(trace_id))
    except NotVisible:
        return False


def _refuse_places(tags: Any) -> None:
    """Raise RuleViolation for tags, as a list of keys and values or as an object, that say where files are."""
    rows = tags if isinstance(tags, list) else [{"key": key} for key in tags] if isinstance(tags, dict) else []
    for key in (str(row.get("key", "")) for row in rows if isinstance(row, dict)):
        if key in PLACES:
            raise RuleViolation(_("The tag %(key)s is set by MLflow alone.") % {"key": key}, field="key")


@guards("trace.begin")
def begin_trace(call: Call, who: Caller) -> Answer | None:
    """A new trace, as clients before 3.0 begin one."""
    _refuse_places(call.params.get("tags"))
    experiments.may_write_experiment(call.text("experiment_id"), who)
    return None


@guards("trace.export")
def export_traces(call: Call, who: Caller) -> Answer | None:
    """Spans by OpenTelemetry's protocol, for who writes every trace: they may name any, and nobody reads them here.

    Others are told that it is not there: their clients then send each trace whole, and that is looked at.
    """
    who.needs(scopes.REGISTER)
    if not who.writes_all:
        # The first words are what clients look for to take the other way.
        raise NotServed(
            "REST OTLP span logging is not supported. "
            + _("It needs the data scientist's role on the whole registry; whole traces are taken instead.")
        )
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
    experiments.needs_writer(who)
    trace_id = _trace_of(call)
    _refuse_places([*_rows(call.params.get("tags")), {"key": call.params.get("key", "")}])
    if not who.writes_all:
        _may_write_trace(trace_id, who)
    return None


def may_read(model_id: str, who: Caller) -> None:
    """Raise NotVisible unless they may read a logged model: its experiment, its run, or a version made of it."""
    if who.reads_all:
        return
    versions = frozen.of_logged_model(model_id).filter(deleted_at=None, model__in=visible_model_ids(who.user))
    if who.reads_some and versions.exists():
        return
    with tracking.in_words(tracking.NO_LOGGED, model_id):
        experiments.may_read_experiment(tracking.logged_model(model_id).experiment, who)


def may_write(model_id: str, who: Caller) -> None:
    """Raise NotVisible or NotAllowed unless they may write a logged model."""
    experiments.needs_writer(who)
    if not who.writes_all:
        may_read(model_id, who)
        experiments.needs_ownership(tracking.logged_model(model_id).experiment, who)


def _may_read_trace(trace_id: str, who: Caller) -> None:
    if not who.reads_all:
        with tracking.in_words(tracking.NO_TRACE, trace_id):
            experiments.may_read_experiment(tracking.trace(trace_id).experiment, who)


def _may_write_trace(trace_id: str, who: Caller) -> None:
    with tracking.in_words(tracking.NO_TRACE, trace_id):
        experiments.may_write_experiment(tracking.trace(trace_id).experiment, who)


def _trace_of(call: Call) -> str:
    found = {call.text(name, needed=False) for name in ("trace_id", "request_id")} - {""}
    if len(found) != 1:
        raise InvalidInput(_("Name one trace."), field="trace_id")
    return found.pop()


def _rows(tags: Any) -> list[Any]:
    return tags if isinstance(tags, list) else []
