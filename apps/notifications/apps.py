from django.apps import AppConfig
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured


class NotificationsConfig(AppConfig):
    name = "apps.notifications"

    def ready(self) -> None:
        from apps.notifications import access_notices, account_notices, notices, tasks  # noqa: F401 - who is told, and the handlers of jobs
        from apps.notifications.addresses import networks

        try:
            networks(settings.WEBHOOK_ALLOWED_NETWORKS)
        except ValueError as error:
            raise ImproperlyConfigured(f"ASSENT_WEBHOOK_ALLOWED_NETWORKS: {error}. Write 10.1.0.0/16.") from error
