from django.apps import AppConfig


class RegistryConfig(AppConfig):
    name = "apps.registry"

    def ready(self) -> None:
        from apps.registry import tasks  # noqa: F401 - registers the handlers of jobs
