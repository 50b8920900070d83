"""What readers of cards share: what they return, what they raise, and the keys of a document that nobody asked for."""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from apps.modelcards.content import Content
from apps.modelcards.schema.kinds import MAX_LINE, MAX_PROSE, MAX_ROWS

NOT_KEPT = gettext_lazy("It has no place in a card, and is too long to be kept beside the fields.")
NO_ROOM = gettext_lazy("It has no place in a card, and the further sections are full.")


class Unreadable(ValueError):
    """What was given is no card of this form. The text is a sentence for people, with the line where there is one."""


@dataclass(frozen=True)
class Loss:
    """Something that a form cannot carry. `path`: where it stands, such as "model_details.owners.2"."""

    path: str
    why: str | Promise = ""


@dataclass(frozen=True)
class Taken:
    """What was read: a card, and what of the document did not go into it."""

    content: Content
    losses: tuple[Loss, ...] = ()


@dataclass
class Gathered:
    """What a reader of another form finds: values by field, the rest under names of its own, and what is lost."""

    values: dict[str, Any] = field(default_factory=dict)
    extra: dict[str, str] = field(default_factory=dict)
    losses: list[Loss] = field(default_factory=list)
    puts: int = 0  # how often something was put into a field

    def keep(self, name: str, text: str) -> None:
        """Keep a text beside the fields. One of the same name gets a number; one that has no room is a loss."""
        text, name = text.strip(), name.replace("\n", " ").strip()[:MAX_LINE] or "?"
        if not text:
            return
        if len(self.extra) >= MAX_ROWS:
            self.losses.append(Loss(name, NO_ROOM))
            if len(self.losses) > 2 * MAX_ROWS:
                message = _("This has more than %(most)s parts that no card has. Take them out.")
                raise Unreadable(message % {"most": 2 * MAX_ROWS})
            return
        found, number = name, 1
        while found in self.extra:
            number += 1
            found = f"{name[: MAX_LINE - 10]} ({number})"
        self.extra[found] = text

    def keep_rest(self, rest: Any, path: str = "") -> None:
        """Keep what is left of a document by its path: texts as they are, the rest as JSON; what is too long is lost.

        A mapping is kept key by key, a list as one.
        """
        for place, value in leaves(rest, path):
            text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
            if len(text) > MAX_PROSE:
                self.losses.append(Loss(place, NOT_KEPT))
            else:
                self.keep(place, text)

    def document(self) -> dict[str, Any]:
        """Return the values as a document of a card; what was kept stands under `extra`."""
        extra = {**(self.values.get("extra") or {})}
        for name, text in self.extra.items():
            found, number = name, 1
            while found in extra:
                number += 1
                found = f"{name[: MAX_LINE - 10]} ({number})"
            extra[found] = text
        return {**self.values, **({"extra": extra} if extra else {})}


def leaves(rest: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """Yield what is in mappings by its path; lists are not taken apart, and what is empty is nothing."""
    if isinstance(rest, dict):
        for name, value in rest.items():
            yield from leaves(value, f"{path}.{name}" if path else str(name))
    elif rest not in (None, "", []):
        yield path, rest


def taken_from(holder: Any, *path: str) -> Any:
    """Take what stands at a path out of a document, and return it; None where there is nothing."""
    for name in path[:-1]:
        holder = holder.get(name) if isinstance(holder, dict) else None
    return holder.pop(path[-1], None) if isinstance(holder, dict) else None


def object_of(value: Any) -> dict[str, Any]:
    """Return a document that is an object. Raises Unreadable."""
    if not isinstance(value, dict):
        raise Unreadable(_("A card is an object with its fields by name, not a list or a single value."))
    return value
