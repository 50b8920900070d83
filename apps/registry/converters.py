"""How a model's name stands in a URL path.

A server decodes %2F before routing, and browsers resolve `.` and `..`; so these, and the escape sign itself, are
written as `~` and two hex digits. Everything else is percent-encoded as usual by `reverse`.
"""

import re

from django.urls import register_converter


def name_to_segment(name: str) -> str:
    """Return `name` as one path segment: "a/b" → "a~2Fb"."""
    escaped = name.replace("~", "~7E").replace("/", "~2F").replace("\\", "~5C")
    return escaped.replace(".", "~2E") if set(name) == {"."} else escaped


def segment_to_name(segment: str) -> str:
    """Undo name_to_segment. Raises ValueError for an escape that it never writes."""
    if re.search("~(?!7E|2F|5C|2E)", segment):
        raise ValueError(f"{segment!r} is not a model's path segment")
    return re.sub("~(..)", lambda match: chr(int(match[1], 16)), segment)


class ModelNameConverter:
    """`<model:name>` in URL patterns."""

    regex = r"[^/\x00]+"

    def to_python(self, value: str) -> str:
        return segment_to_name(value)

    def to_url(self, value: str) -> str:
        return name_to_segment(value)


register_converter(ModelNameConverter, "model")
