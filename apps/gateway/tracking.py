"""What MLflow says about experiments, runs, logged models and traces: where they belong, and whose they are.

That does not change, so it is kept for a while: a training loop that logs a thousand metrics asks once.
"""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, cast
from urllib.parse import quote, urlencode

from django.core.cache import caches
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as _lazy

from apps.errors import NotVisible, UpstreamUnavailable
from apps.gateway import upstream

OWNER = "assent.owner"  # the tag of an experiment that says who made it; set by Assent, refused from clients
KEPT_SECONDS = 300
NAMEABLE = re.compile(r"[\w:.-]{1,120}", re.ASCII)  # what MLflow numbers and names such things with

NO_EXPERIMENT, NO_NAMED = (
    _lazy("No Experiment with id=%(id)s exists"),
    _lazy("Could not find experiment with name '%(id)s'"),
)
NO_RUN, NO_LOGGED = _lazy("Run with id=%(id)s not found"), _lazy("Logged model with ID '%(id)s' not found.")
NO_TRACE = _lazy("Trace with ID '%(id)s' not found.")


@dataclass(frozen=True)
class Place:
    """Where something lies: its experiment, the run that it came from, and its folder of artifacts."""

    experiment: str
    run: str = ""
    artifacts: str = ""  # an address such as mlflow-artifacts:/1/<run>/artifacts


def owner_of(experiment: str) -> str:
    """Return who made an experiment through Assent; empty for any other. Raises NotVisible, UpstreamUnavailable."""
    with in_words(NO_EXPERIMENT, experiment):
        return str(_kept(f"experiment:{experiment}", lambda: _owner(experiment)))


def run(run_id: str) -> Place:
    """Return where a run lies. Raises NotVisible, UpstreamUnavailable."""
    with in_words(NO_RUN, run_id):
        return cast(Place, _kept(f"run:{run_id}", lambda: _run(run_id)))


def logged_model(model_id: str) -> Place:
    """Return where a logged model lies. Raises NotVisible, UpstreamUnavailable."""
    with in_words(NO_LOGGED, model_id):
        return cast(Place, _kept(f"logged:{model_id}", lambda: _logged(model_id)))


def trace(trace_id: str) -> Place:
    """Return where a trace lies. Raises NotVisible, UpstreamUnavailable."""
    with in_words(NO_TRACE, trace_id):
        return cast(Place, _kept(f"trace:{trace_id}", lambda: _trace(trace_id)))


@contextmanager
def in_words(message: Any, name: str) -> Iterator[None]:
    """Have what is hidden and what is not there be said in the same words, which are MLflow's for the latter."""
    try:
        yield
    except NotVisible:
        raise NotVisible(message % {"id": name}) from None


def ask(path: str, params: dict[str, Any] | None = None) -> dict[str, Any]:
    """Return MLflow's answer to a question. Raises NotVisible when there is no such thing, UpstreamUnavailable."""
    target = f"{path}?{urlencode(params, doseq=True)}" if params else path
    with upstream.asked("GET", target) as answer:
        body = upstream.whole(answer)
        if answer.status in (400, 404):
            raise NotVisible(_("MLflow knows no such thing, or you may not see it."))
        if answer.status != 200:
            raise UpstreamUnavailable(_("MLflow answered %(status)s. Try again.") % {"status": answer.status})
    return upstream.object_in(body)


def _kept(key: str, read: Any) -> Any:
    if not NAMEABLE.fullmatch(key):
        raise NotVisible(_("MLflow knows no such thing, or you may not see it."))
    kept = caches["gateway"]
    found = kept.get(key)
    if found is None:
        try:
            found = read()
        except (KeyError, TypeError, AttributeError, ValueError) as error:
            raise UpstreamUnavailable(_("MLflow answered something that nobody understands. Try again.")) from error
        kept.set(key, found, KEPT_SECONDS)
    return found


def _owner(experiment: str) -> str:
    found = ask("/api/2.0/mlflow/experiments/get", {"experiment_id": experiment}).get("experiment", {})
    return next((tag.get("value", "") for tag in found.get("tags", []) if tag.get("key") == OWNER), "")


def _run(run_id: str) -> Place:
    info = ask("/api/2.0/mlflow/runs/get", {"run_id": run_id})["run"]["info"]
    return Place(info["experiment_id"], run_id, info.get("artifact_uri", ""))


def _logged(model_id: str) -> Place:
    info = ask(f"/api/2.0/mlflow/logged-models/{quote(model_id, safe='')}")["model"]["info"]
    return Place(str(info["experiment_id"]), info.get("source_run_id", ""), info.get("artifact_uri", ""))


def _trace(trace_id: str) -> Place:
    found = ask(f"/api/3.0/mlflow/traces/{quote(trace_id, safe='')}")["trace"]["trace_info"]
    return Place(found["trace_location"]["mlflow_experiment"]["experiment_id"])
