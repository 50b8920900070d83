from django.apps import AppConfig


class ModelcardsConfig(AppConfig):
    name = "apps.modelcards"

    def ready(self) -> None:
        """Say what service accounts are kept out of."""
        from apps.modelcards.voiceless import keep_service_accounts_out

        keep_service_accounts_out()
