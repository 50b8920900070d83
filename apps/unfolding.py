"""YAML from a stranger as JSON values, counted while its aliases are followed. Only ValueError is ever raised."""

import math
from datetime import date
from typing import Any

import yaml

MAX_NODES = 20_000  # after aliases are followed: a small file can unfold to billions
MAX_TEXT = 1024 * 1024  # characters after aliases are followed: one long text can stand in thousands of places
MAX_DEPTH = 50  # of lists and mappings in each other; pages walk through what is kept, level by level
MAX_BITS = 64  # of a number; what is longer is kept as text, as long as Python writes it in decimal


class NoMergeLoader(yaml.SafeLoader):
    """Safe, and without merge keys, which unfold while they are read."""

    def flatten_mapping(self, node: yaml.MappingNode) -> None:
        return None


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
