from django.apps import AppConfig


class ApprovalsConfig(AppConfig):
    name = "apps.approvals"

    def ready(self) -> None:
        """Tell the job runner who writes to MLflow, and the mirror who hears of what MLflow changed by itself."""
        from apps.approvals import apply, notices  # noqa: F401 - its handler, and who is told; models are loaded only now
        from apps.approvals.drift import findings, revert  # noqa: F401 - registers the observer, and its handler
