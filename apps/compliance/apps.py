from django.apps import AppConfig


class ComplianceConfig(AppConfig):
    name = "apps.compliance"

    def ready(self) -> None:
        """Tell the registry what is held, the mirror who hears of deletions, and the job runner who builds packages."""
        from apps.compliance.holds import breaches, holding, notices  # noqa: F401 - each registers itself
        from apps.compliance.holds.voiceless import keep_service_accounts_out
        from apps.compliance.packages import jobs  # noqa: F401

        keep_service_accounts_out()
