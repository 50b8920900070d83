from django.apps import AppConfig


class ModelcardsConfig(AppConfig):
    name = "apps.modelcards"

    def ready(self) -> None:
        """Say what service accounts are kept out of, who is told of what, and who writes summaries to MLflow."""
        from apps.modelcards import notices, writing_back  # noqa: F401 - each registers itself
        from apps.modelcards.voiceless import keep_service_accounts_out

        keep_service_accounts_out()
