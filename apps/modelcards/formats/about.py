"""What a card is about, for exports that say so. Pure."""

from collections.abc import Iterator
from dataclasses import dataclass


@dataclass(frozen=True)
class About:
    """A revision of a card. `made_at`: when it was saved, RFC 3339; `requirements`: lines of its version."""

    model: str = ""
    version: int | None = None
    revision: int | None = None
    state: str = ""
    author: str = ""
    made_at: str = ""
    requirements: tuple[str, ...] = ()

    def named(self) -> Iterator[tuple[str, str]]:
        """Yield what is known as names and texts."""
        known = {"model": self.model, "version": self.version, "revision": self.revision, "state": self.state}
        yield from ((name, str(value)) for name, value in known.items() if value not in (None, ""))
