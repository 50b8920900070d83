from django.apps import AppConfig


class NotificationsConfig(AppConfig):
    name = "apps.notifications"

    def ready(self) -> None:
        from apps.notifications import notices, tasks  # noqa: F401 - who is told, and the handlers of jobs
