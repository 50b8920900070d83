from django.apps import AppConfig


class ApprovalsConfig(AppConfig):
    name = "apps.approvals"

    def ready(self) -> None:
        """Tell the job runner who writes to MLflow, the mirror who hears of it, and accounts who guards the signers."""
        # Each registers itself; models are loaded now.
        from apps.approvals import apply, card_requirements, notices, refreshing, signers, voiceless  # noqa: F401
        from apps.approvals.drift import findings, revert  # noqa: F401 - registers the observer, and its handler

        voiceless.keep_service_accounts_out()
