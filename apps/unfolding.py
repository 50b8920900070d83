"""YAML from a stranger as JSON values, counted while its aliases are followed. Only ValueError is ever raised."""

import math
from collections.abc import Callable
from datetime import date
from typing import Any

import yaml

MAX_NODES = 20_000  # after aliases are followed: a small file can unfold to billions
MAX_TEXT = 1024 * 1024  # characters after aliases are followed: one long text can stand in thousands of places
MAX_DEPTH = 50  # of lists and mappings in each other; pages walk through what is kept, level by level
MAX_DIGITS = 4_000  # of a number; one in base sixty with a million of them takes minutes to work out
MAX_BITS = 64  # of a number; what is longer is kept as text, as long as Python writes it in decimal


class NoMergeLoader(yaml.SafeLoader):
    """Safe, and without merge keys, which unfold while they are read."""

    def flatten_mapping(self, node: yaml.MappingNode) -> None:
        return None


def _bounded(construct: Callable[[Any, Any], Any]) -> Callable[[Any, Any], Any]:
    """Return a constructor that raises ValueError for what is too long, or is no such value, as tags may say."""

    def constructed(loader: NoMergeLoader, node: Any) -> Any:
        text = loader.construct_scalar(node)
        if len(text) > MAX_DIGITS:
            raise ValueError(f"it has a number of more than {MAX_DIGITS} digits")
        try:
            return construct(loader, node)
        except (LookupError, AttributeError, OverflowError):
            raise ValueError(f"{text[:40]!r} is not what its tag says") from None

    return constructed


for _kind in ("bool", "int", "float", "timestamp"):
    _tag = f"tag:yaml.org,2002:{_kind}"
    NoMergeLoader.add_constructor(_tag, _bounded(yaml.SafeLoader.yaml_constructors[_tag]))


class Unfolder:
    """Turns YAML's values into JSON's, counting, so that aliases cannot unfold without end."""

    def __init__(self, most_nodes: int = MAX_NODES, most_text: int = MAX_TEXT) -> None:
        self.most_nodes, self.most_text = most_nodes, most_text
        self.nodes = self.text = 0

    def plain(self, value: Any, depth: int = 0) -> Any:
        """Return the value as JSON has it. Raises ValueError past a limit."""
        self.nodes += 1
        if self.nodes > self.most_nodes:
            raise ValueError(f"it has more than {self.most_nodes} values")
        if depth > MAX_DEPTH:
            raise ValueError(f"it nests deeper than {MAX_DEPTH} levels")
        if isinstance(value, dict):
            return {self._counted(str(key)): self.plain(item, depth + 1) for key, item in value.items()}
        if isinstance(value, list | tuple | set):
            return [self.plain(item, depth + 1) for item in value]
        if isinstance(value, float) and not math.isfinite(value):
            return str(value)
        if isinstance(value, date):  # datetime is a date
            return value.isoformat()
        if isinstance(value, int) and value.bit_length() > MAX_BITS:
            return str(value)
        return value if value is None or isinstance(value, bool | int | float) else self._counted(str(value))

    def _counted(self, text: str) -> str:
        self.text += len(text)
        if self.text > self.most_text:
            raise ValueError(f"its texts are longer than {self.most_text} characters")
        return text
