"""The configured MLflow, with its errors as Assent's own."""

from collections.abc import Iterator
from contextlib import contextmanager

from django.conf import settings
from django.utils.translation import gettext as _

from apps.errors import NotVisible, UpstreamUnavailable
from apps.registry.mlflow import MlflowClient, MlflowError, MlflowNotFound
from apps.registry.transport import within


@contextmanager
def mlflow() -> Iterator[MlflowClient]:
    """Open a client for a few calls that together end within MLFLOW_TIMEOUT_SECONDS.

    MlflowNotFound inside becomes NotVisible, every other MLflow trouble UpstreamUnavailable.
    """
    try:
        with within(settings.MLFLOW_TIMEOUT_SECONDS), MlflowClient.from_settings() as client:
            yield client
    except MlflowNotFound as error:
        raise NotVisible(_("MLflow no longer has this object. The next sync will mark it as deleted here.")) from error
    except MlflowError as error:
        text = _("%(problem)s Nothing was lost.") % {"problem": error}
        raise UpstreamUnavailable(text) from error
