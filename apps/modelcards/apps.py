from django.apps import AppConfig


class ModelcardsConfig(AppConfig):
    name = "apps.modelcards"

    def ready(self) -> None:
        """Say what lists show of cards, what machines are kept out of, who is told, and who writes to MLflow."""
        from apps.modelcards import notices, writing_back  # noqa: F401 - each registers itself; models are loaded now
        from apps.modelcards.reading import beside  # noqa: F401
        from apps.modelcards.voiceless import keep_service_accounts_out

        keep_service_accounts_out()
