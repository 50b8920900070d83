"""What MLflow's trouble with webhooks means, and which of its settings is behind it."""

from django.utils.translation import gettext as _

from apps.errors import DomainError, InvalidInput, UpstreamUnavailable
from apps.registry.mlflow import MlflowError, MlflowFailed, MlflowRefused
from apps.registry.webhooks.mlflow_webhooks import TestResult


def explained(error: MlflowError) -> DomainError:
    """Say what MLflow's refusal of a webhook means, and which of MLflow's settings is behind it."""
    said = str(error)
    if isinstance(error, MlflowRefused) and "scheme" in said:
        text = _(
            "MLflow sends webhooks to https addresses only. Use one, or set MLFLOW_WEBHOOK_ALLOWED_SCHEMES=http,https "
            "for the MLflow server and restart it."
        )
        return InvalidInput(text, field="url")
    if isinstance(error, MlflowRefused) and ("public" in said or "private" in said):
        text = _(
            "MLflow sends no webhook to a private network. Set MLFLOW_WEBHOOK_ALLOW_PRIVATE_IPS=true for the MLflow "
            "server and restart it."
        )
        return InvalidInput(text, field="url")
    if isinstance(error, MlflowRefused) and "resolve" in said:
        return InvalidInput(
            _("MLflow does not find the host of this address. Use one that it can resolve."), field="url"
        )
    if isinstance(error, MlflowFailed):
        text = _(
            "MLflow cannot read its webhooks (%(problem)s) Most likely MLFLOW_WEBHOOK_SECRET_ENCRYPTION_KEY is not set "
            "there, or is another one than before: set it, and restart MLflow."
        )
        return UpstreamUnavailable(text % {"problem": said})
    if said.endswith(("error 404.", "error 405.")):
        return UpstreamUnavailable(_("This MLflow has no webhooks: they came with MLflow 3.3."))
    return UpstreamUnavailable(_("%(problem)s Nothing was changed.") % {"problem": said})


def missed(result: TestResult, url: str) -> str:
    """Say why a test delivery did not arrive; what the other side answered is not repeated."""
    if result.status is not None:
        text = _(
            "MLflow reached %(url)s, but was answered %(status)d. Is this the address of Assent? Register it again."
        )
        return text % {"url": url, "status": result.status}
    if "public" in result.error:
        return _("MLflow sends nothing to a private network: set MLFLOW_WEBHOOK_ALLOW_PRIVATE_IPS=true there.")
    return _("MLflow could not reach %(url)s. Look whether the address is right as seen from there.") % {"url": url}
