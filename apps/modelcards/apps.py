from django.apps import AppConfig


class ModelcardsConfig(AppConfig):
    name = "apps.modelcards"

    def ready(self) -> None:
        """Tell the list of models what stands in its column of cards."""
        from apps.modelcards.reading import beside  # noqa: F401 - registers itself; models are loaded now
