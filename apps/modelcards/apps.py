from django.apps import AppConfig


class ModelcardsConfig(AppConfig):
    name = "apps.modelcards"

    def ready(self) -> None:
        """Say what service accounts are kept out of, and who is told of what."""
        from apps.modelcards import notices  # noqa: F401 - registers itself
        from apps.modelcards.voiceless import keep_service_accounts_out

        keep_service_accounts_out()
