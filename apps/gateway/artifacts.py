"""Files: each belongs to the run or logged model whose folder it lies in, and obeys what that obeys."""

import re
from dataclasses import dataclass

from django.utils.translation import gettext_lazy as _lazy

from apps.errors import NotVisible
from apps.gateway import canonical, experiments, frozen, logged, tracking
from apps.gateway.callers import Caller
from apps.gateway.canonical import Answer, Call
from apps.gateway.enforcement import guards
from apps.registry import holds
from apps.registry.models import DEFAULT_CONNECTION

OF_RUN = re.compile(r"(?P<experiment>\d+)/(?P<run>[0-9a-f]{32})/artifacts(?:/(?P<path>.+))?")
OF_LOGGED = re.compile(r"(?P<experiment>\d+)/models/(?P<model>m-[0-9a-f]{32})/artifacts(?:/(?P<path>.+))?")
OF_TRACE = re.compile(r"(?P<experiment>\d+)/traces/(?P<trace>tr-[0-9a-f]{32})/artifacts(?:/(?P<path>.+))?")
SCHEME = "mlflow-artifacts:/"
NOBODYS = _lazy("No run, logged model or trace keeps files there.")


@dataclass(frozen=True)
class Folder:
    """Whose files lie at a path: of a run, a logged model or a trace; exactly one is named."""

    experiment: str
    run: str = ""
    model: str = ""
    trace: str = ""


def folder_of(path: str) -> Folder:
    """Return whose files lie at a path. Raises NotVisible for a place that is nobody's."""
    for pattern in (OF_RUN, OF_LOGGED, OF_TRACE):
        if match := pattern.fullmatch(path):
            named = {name: value for name, value in match.groupdict().items() if name != "path"}
            return Folder(**named)
    raise NotVisible(str(NOBODYS))


@guards("artifact.read")
def read(call: Call, who: Caller) -> Answer | None:
    """Read a file."""
    with tracking.in_words(NOBODYS, ""):
        _may_read(_folder(call, call.text("artifact_path")), who)
    return None


@guards("artifact.list")
def list_files(call: Call, who: Caller) -> Answer | None:
    """List a folder."""
    path = call.text("path").rstrip("/")
    canonical.check_path(path)
    with tracking.in_words(NOBODYS, ""):
        _may_read(_folder(call, path), who)
    return None


@guards("artifact.write", "artifact.write_part")
def write(call: Call, who: Caller) -> Answer | None:
    """Store a file, or a part of one, unless what it belongs to is bound."""
    if call.route.guard == "artifact.write_part":
        canonical.check_path(call.text("path").rpartition("/")[2])  # MLflow takes the last part, as the file's name
    folder = _writable(call, who)
    _refuse_if_bound(folder)
    call.before_end = lambda: _refuse_if_bound(folder)  # a request may have been opened while it was on its way
    return None


@guards("artifact.delete")
def delete(call: Call, who: Caller) -> Answer | None:
    """Delete files, unless what they belong to is bound or held."""
    folder = _writable(call, who)
    _refuse_if_bound(folder)
    if folder.run:
        holds.refuse_if_run_held(DEFAULT_CONNECTION, folder.run)
    for version in frozen.of_logged_model(folder.model).select_related("model") if folder.model else ():
        holds.refuse_if_held(version.model, version)
    return None


@guards("run.upload")
def upload(call: Call, who: Caller) -> Answer | None:
    """Store a file of a run, as MLflow's pages do."""
    run_id = experiments.run_of(call)
    canonical.check_path(call.text("path"))
    experiments.may_write_run(run_id, who)
    frozen.refuse(frozen.of_run(run_id))
    call.before_end = lambda: frozen.refuse(frozen.of_run(run_id))
    return None


def _folder(call: Call, path: str) -> Folder:
    """Return whose files lie at a path, once MLflow has said that they are kept there and nowhere else."""
    folder = folder_of(path)
    call.about = f"logged model {folder.model}" if folder.model else f"run {folder.run}" if folder.run else path
    if folder.run or folder.model:
        place = tracking.run(folder.run) if folder.run else tracking.logged_model(folder.model)
        own = place.artifacts.removeprefix(SCHEME).lstrip("/")
        if not place.artifacts.startswith(SCHEME) or not (path == own or path.startswith(f"{own}/")):
            raise NotVisible(str(NOBODYS))
    elif tracking.trace(folder.trace).experiment != folder.experiment:
        raise NotVisible(str(NOBODYS))
    return folder


def _writable(call: Call, who: Caller) -> Folder:
    experiments.needs_writer(who)
    with tracking.in_words(NOBODYS, ""):
        folder = _folder(call, call.text("artifact_path"))
        _may_write(folder, who)
    return folder


def _may_read(folder: Folder, who: Caller) -> None:
    if folder.run:
        experiments.may_read_run(folder.run, who)
    elif folder.model:
        logged.may_read(folder.model, who)
    else:
        experiments.may_read_experiment(folder.experiment, who)


def _may_write(folder: Folder, who: Caller) -> None:
    if folder.run:
        experiments.may_write_run(folder.run, who)
    elif folder.model:
        logged.may_write(folder.model, who)
    else:
        experiments.may_write_experiment(folder.experiment, who)


def _refuse_if_bound(folder: Folder) -> None:
    if folder.run:
        frozen.refuse(frozen.of_run(folder.run))
    elif folder.model:
        frozen.refuse(frozen.of_logged_model(folder.model))
