"""A true finding for the demo's inbox: one version is moved in MLflow behind Assent's back, after the first sync.

Only in the demo's own MLflow, and once: the file that the training leaves names the server that it filled.
"""

from pathlib import Path

from django.conf import settings

from apps.registry import connections
from apps.registry.models import DEFAULT_CONNECTION, Stage

MODEL, NUMBER, STAGE = "iris-species", 2, Stage.STAGING


def is_own(trained: Path) -> bool:
    """Return whether the MLflow in use is the one that the demo filled."""
    return trained.exists() and trained.read_text().strip() == settings.MLFLOW_BACKEND_URL


def move_one_in_mlflow(trained: Path) -> None:
    """Move the version, unless an earlier start did, or the MLflow is somebody else's. Raises MlflowError."""
    done = trained.with_name("moved")
    if done.exists() or not is_own(trained):
        return
    with connections.client(DEFAULT_CONNECTION) as client:
        client.transition_stage(MODEL, NUMBER, STAGE, archive_existing=False)
    done.touch()
