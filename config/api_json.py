"""JSON as the API reads it (UTF-8, of bounded size and depth, nothing said twice), and as it writes it."""

import json
from typing import IO, Any

import orjson
from django.conf import settings
from rest_framework import exceptions
from rest_framework.parsers import BaseParser
from rest_framework.renderers import JSONRenderer
from rest_framework.utils.encoders import JSONEncoder

MAX_DEPTH = 50  # the deepest input that the API knows is one object


class TooLarge(exceptions.APIException):
    """The body is larger than any request needs (413)."""

    status_code = 413
    default_detail = "The body is larger than 2 MB. Send less."
    default_code = "too_large"


class JsonParser(BaseParser):
    """Parses `application/json`. What is not JSON, or has two meanings, is refused with a sentence."""

    media_type = "application/json"

    def parse(self, stream: IO[bytes], media_type: Any = None, parser_context: Any = None) -> Any:
        """Return the value. Raises ParseError (400) or TooLarge (413)."""
        body = stream.read(settings.DATA_UPLOAD_MAX_MEMORY_SIZE + 1)
        if len(body) > settings.DATA_UPLOAD_MAX_MEMORY_SIZE:
            raise TooLarge
        try:
            value = json.loads(body.decode(), object_pairs_hook=_object, parse_constant=_refuse_constant)
        except UnicodeDecodeError as error:
            raise exceptions.ParseError(f"The body is not UTF-8: byte {error.start + 1} cannot be read.") from error
        except RecursionError as error:
            raise exceptions.ParseError(_too_deep()) from error
        except ValueError as error:
            raise exceptions.ParseError(f"The body is not JSON: {error}.") from error
        _refuse_depth(value)
        return value


class JsonRenderer(JSONRenderer):
    """Writes as REST framework does, in C: times in UTC with a Z, lazy texts translated."""

    def render(self, data: Any, accepted_media_type: str | None = None, renderer_context: Any = None) -> bytes:
        """Return the body. What C cannot write, such as a number past 64 bits, REST framework writes itself."""
        if data is None or self.get_indent(accepted_media_type or "", renderer_context or {}):
            return super().render(data, accepted_media_type, renderer_context)
        try:
            return orjson.dumps(data, default=_ENCODER.default, option=orjson.OPT_UTC_Z)
        except TypeError:
            return super().render(data, accepted_media_type, renderer_context)


_ENCODER = JSONEncoder()


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Return the object. Raises ValidationError for a name that it holds twice: parsers differ in which one counts."""
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [name for name, _ in pairs]
        twice = sorted({name for name in names if names.count(name) > 1}) if len(names) < 1000 else ["body"]
        raise exceptions.ValidationError({name: ["This name stands twice in one object."] for name in twice})
    return found


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is not a JSON value")


def _refuse_depth(value: Any) -> None:
    """Raise ParseError when lists and objects are nested deeper than MAX_DEPTH. Walks without recursion."""
    level = [value]
    for _ in range(MAX_DEPTH):
        level = [item for holder in level if isinstance(holder, (list, dict)) for item in _items(holder)]
        if not level:
            return
    raise exceptions.ParseError(_too_deep())


def _items(holder: list | dict) -> Any:
    return holder.values() if isinstance(holder, dict) else holder


def _too_deep() -> str:
    return f"The body nests deeper than {MAX_DEPTH} levels."
