"""Where the files of a new version may lie: inside the run or logged model that it names, or another version."""

import re

from django.utils.translation import gettext as _

from apps.errors import InvalidInput
from apps.gateway import experiments, logged, tracking
from apps.gateway.callers import Caller

LOGGED = re.compile(r"models:/(m-[0-9a-f]{32})")  # more behind it, and MLflow takes it for a model's name
OF_VERSION = re.compile(r"models:/([^/:]+)/(\d{1,9})")
OF_RUN = re.compile(r"runs:/([0-9a-f]{32})/(.+)")


def check(source: str, run_id: str, model_id: str, who: Caller) -> None:
    """Raise InvalidInput or NotVisible for files that lie elsewhere, or that this caller may not read.

    MLflow reads files with its own credentials: an address that nobody checked would open any store to anybody.
    """
    if PATH_UP.search(source):
        raise InvalidInput(_("The source leads up out of its folder."), field="source")
    if source == "dummy-source":  # of a prompt, which has no files
        return
    if model_id:
        logged.may_read(model_id, who)  # MLflow writes the version's name to it, whatever the source
    if match := LOGGED.fullmatch(source):
        logged.may_read(match[1], who)
    elif match := OF_VERSION.fullmatch(source):
        from apps.gateway import registry

        registry.visible_version(registry.visible_model(match[1], who), int(match[2]), who)
    elif match := OF_RUN.fullmatch(source):
        experiments.may_read_run(match[1], who)
    elif not _inside(source, run_id, model_id, who):
        message = _(
            "The source must lie inside the artifacts of the run (run_id) or the logged model (model_id) that it comes "
            "from. Log the files to a run, and register them from there."
        )
        raise InvalidInput(message, field="source")


PATH_UP = re.compile(r"(?:^|/)\.\.(?:/|$)|%2e|%2f|\\|[?#]", re.IGNORECASE)


def _inside(source: str, run_id: str, model_id: str, who: Caller) -> bool:
    if model_id:
        folder = tracking.logged_model(model_id).artifacts
    elif run_id:
        folder = tracking.run(run_id).artifacts
    else:
        return False
    return bool(folder) and (source == folder or source.startswith(f"{folder.rstrip('/')}/"))
