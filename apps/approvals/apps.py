from django.apps import AppConfig


class ApprovalsConfig(AppConfig):
    name = "apps.approvals"

    def ready(self) -> None:
        """Tell the job runner who writes to MLflow, and the mirror who hears of what MLflow changed by itself."""
        from apps.approvals import apply, notices, refreshing  # noqa: F401 - register themselves; models are loaded now
        from apps.approvals.drift import findings, revert  # noqa: F401 - registers the observer, and its handler
