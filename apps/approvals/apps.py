from django.apps import AppConfig


class ApprovalsConfig(AppConfig):
    name = "apps.approvals"

    def ready(self) -> None:
        """Tell the job runner who applies approved requests."""
        from apps.approvals import apply  # noqa: F401 - registers the handler; models are loaded only now
