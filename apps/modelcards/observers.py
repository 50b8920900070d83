"""Cards that changed, told to whoever must know: an app above registers a function here. In the same transaction."""

from collections.abc import Callable

from apps.registry.models import ModelVersion

Observer = Callable[[ModelVersion], None]
_observers: list[Observer] = []


def observes_cards(observer: Observer) -> Observer:
    """Register a function that is called with the version whose card changed; what it raises undoes both."""
    _observers.append(observer)
    return observer


def tell(version: ModelVersion) -> None:
    """Call every observer. For the services that write cards."""
    for observer in _observers:
        observer(version)
