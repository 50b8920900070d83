"""The pages of model cards."""

from apps.modelcards.editing.urls import urlpatterns as editing
from apps.modelcards.formats.urls import urlpatterns as formats
from apps.modelcards.reading.urls import urlpatterns as reading
from apps.registry import converters  # noqa: F401  registers <model:name>

app_name = "modelcards"
urlpatterns = [*reading, *editing, *formats]
