from django.apps import AppConfig


class ComplianceConfig(AppConfig):
    name = "apps.compliance"

    def ready(self) -> None:
        """Tell the registry what is held, the mirror who hears of deletions, the job runner who builds and counts."""
        from apps.compliance.holds import breaches, holding, notices  # noqa: F401 - each registers itself
        from apps.compliance.holds.voiceless import keep_service_accounts_out
        from apps.compliance.matrix import jobs as counting  # noqa: F401
        from apps.compliance.packages import jobs  # noqa: F401

        keep_service_accounts_out()
