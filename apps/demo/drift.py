"""A true finding for the demo's inbox: one version is moved in MLflow behind Assent's back, after the first sync.

Only in the demo's own MLflow, and once: the file that the training leaves names the server that it filled.
"""

from pathlib import Path

from django.conf import settings

from apps.registry import connections
from apps.registry.models import DEFAULT_CONNECTION, Stage

MODEL, NUMBER, STAGE = "iris-species", 2, Stage.STAGING


def move_one_in_mlflow(trained: Path) -> None:
    """Move the version, unless an earlier start did, or the MLflow is somebody else's. Raises MlflowError."""
    done = trained.with_name("moved")
    if done.exists() or not trained.exists() or trained.read_text().strip() != settings.MLFLOW_BACKEND_URL:
        return
    with connections.client(DEFAULT_CONNECTION) as client:
        client.transition_stage(MODEL, NUMBER, STAGE, archive_existing=False)
    done.touch()
