"""A request as it was understood, once: what is authorised is what is sent on, rebuilt from here. Pure.

MLflow reads a field under two spellings, takes a body on GET, and lets the last of two equal keys count. Passing bytes
on would let one spelling be looked at and another be obeyed.
"""

import json
import re
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, quote, urlencode

from django.utils.translation import gettext as _

from apps.errors import InvalidInput, TooLarge
from apps.gateway.routes import Found, Route

MAX_BODY = 16 * 1024 * 1024  # bytes of JSON: MLflow takes batches of 1 MB, traces may be larger
SEVERAL = frozenset(  # fields that may come more than once in a query
    {"order_by", "stages", "experiment_ids", "run_ids", "run_id", "trace_ids", "max_results_per_run", "events"}
)
_CAMEL = re.compile(r"(?<=.)([A-Z])")
_NO_TEXT = re.compile("[\x00\ud800-\udfff]")  # what no database takes: NUL, and halves of a sign
_ENCODED = re.compile(r"%(?:2e|2f|5c|00|25)", re.IGNORECASE)  # what would be read as a path one decoding later
Answer = dict[str, Any]


@dataclass
class Call:
    """A request to MLflow, understood. Guards may change `params`, and say what is to happen around and after it."""

    route: Route
    named: dict[str, str]  # what the path names
    params: Answer  # query or body, every field under one spelling
    around: Callable[[], AbstractContextManager[Any]] = nullcontext  # held while MLflow is asked
    before_end: Callable[[], None] = lambda: None  # asked once more before the last piece of a file is sent
    then: list[Callable[[Answer], None]] = field(default_factory=list)  # once MLflow has done it, with its answer
    about: str = ""  # what the access log says that it was about
    model_id: int | None = None

    def text(self, name: str, *, needed: bool = True) -> str:
        """Return a field that names something. Raises InvalidInput when it is missing or is no text."""
        value = self.named.get(name, self.params.get(name, ""))
        if isinstance(value, int) and not isinstance(value, bool):
            value = str(value)
        if not isinstance(value, str):
            raise InvalidInput(_("“%(field)s” must be a text.") % {"field": name}, field=name)
        if needed and not value:
            raise InvalidInput(_("“%(field)s” is missing.") % {"field": name}, field=name)
        return _storable(name, value)

    def number(self, name: str) -> int:
        """Return a field that is a number, as MLflow's versions are. Raises InvalidInput."""
        text = self.text(name)
        if not (text.isascii() and text.isdigit() and len(text) <= 10 and int(text) < 2**31):
            raise InvalidInput(_("“%(field)s” must be a number.") % {"field": name}, field=name)
        return int(text)

    def texts(self, name: str) -> list[str]:
        """Return a field that is a list of texts, or one text; empty when it is missing. Raises InvalidInput."""
        value = self.params.get(name, [])
        found = [value] if isinstance(value, str) else value
        if not isinstance(found, list) or not all(isinstance(item, str) for item in found):
            raise InvalidInput(_("“%(field)s” must be a list of texts.") % {"field": name}, field=name)
        return [_storable(name, item) for item in found]

    @property
    def target(self) -> str:
        """The path and query to ask MLflow for."""
        path = self.route.path
        for name, value in self.named.items():
            is_path = f"<path:{name}>" in path
            path = path.replace(f"<path:{name}>" if is_path else f"<{name}>", quote(value, safe="/" if is_path else ""))
        in_query = self.params and (self.route.method == "GET" or self.route.carries_file)
        return f"{path}?{urlencode(_in_query(self.params), doseq=True)}" if in_query else path

    @property
    def body(self) -> bytes | None:
        """The JSON to send, None for a call that has its fields in the query."""
        if self.route.method == "GET" or self.route.carries_file:
            return None
        return json.dumps(self.params, separators=(",", ":")).encode()


def understood(found: Found, query: str, content_type: str, body: bytes) -> Call:
    """Return a request as a call. Raises InvalidInput (naming the field) and TooLarge."""
    route = found.route
    for value in found.named.values():
        check_path(value)
    if route.carries_file:
        return Call(route, found.named, _query(query))
    if route.method == "GET" and query and body:
        raise InvalidInput(_("Send the fields in the query or in the body, not in both."), field="body")
    if query and route.method in ("POST", "PUT", "PATCH"):
        raise InvalidInput(_("MLflow reads the fields of this call from its body. Leave the query out."), field="query")
    params = one_spelling(_query(query) if query else _json(content_type, body))
    _as_in_path(found.named, params)
    return Call(route, found.named, params)


def _as_in_path(named: dict[str, str], params: Answer) -> None:
    """Raise InvalidInput for a field that says otherwise than the path: MLflow obeys now the one, now the other."""
    for name, value in named.items():
        if name in params and params[name] != value:
            message = _("“%(field)s” is not the one that the address names.") % {"field": name}
            raise InvalidInput(message, field=name)


def check_path(path: str) -> None:
    """Raise InvalidInput for a path that leads elsewhere than it says, whatever decodes it once more."""
    segments = path.split("/")
    strange = any(ord(sign) < 32 or sign in "\\\x7f" for sign in path)
    if strange or _ENCODED.search(path) or any(segment in ("", ".", "..") for segment in segments):
        message = _("A path of artifacts has no empty parts, no “.” or “..”, no backslash and no encoded signs.")
        raise InvalidInput(message, field="path")


def _storable(name: str, value: str) -> str:
    if _NO_TEXT.search(value):
        raise InvalidInput(_("“%(field)s” has signs that nothing can be named with.") % {"field": name}, field=name)
    return value


def _query(query: str) -> Answer:
    found: Answer = {}
    try:
        pairs = parse_qsl(query, keep_blank_values=True, errors="strict", max_num_fields=2000)
    except ValueError:
        raise InvalidInput(_("The query cannot be read."), field="query") from None
    for name, value in pairs:
        if name not in found:
            found[name] = [value] if name in SEVERAL and name != "run_id" else value
        elif name in SEVERAL:
            found[name] = [*([found[name]] if isinstance(found[name], str) else found[name]), value]
        else:
            raise InvalidInput(_("“%(field)s” stands twice in the query.") % {"field": name[:100]}, field=name[:100])
    return found


def _json(content_type: str, body: bytes) -> Answer:
    if not body:
        return {}
    if len(body) > MAX_BODY:
        raise TooLarge(_("The body is larger than 16 MB. Send less at once."))
    if content_type.partition(";")[0].strip().lower() != "application/json":
        raise InvalidInput(_("Send the fields as JSON, with the content type application/json."), field="body")
    try:
        found = json.loads(body.decode(), object_pairs_hook=_once)
        if b"\\u" in body:
            json.dumps(found, ensure_ascii=False).encode()  # half a sign cannot be sent on, nor stored
    except (ValueError, RecursionError):
        raise InvalidInput(_("The body is no JSON."), field="body") from None
    if not isinstance(found, dict):
        raise InvalidInput(_("The body must be a JSON object."), field="body")
    return found


def _once(pairs: list[tuple[str, Any]]) -> Answer:
    found = dict(pairs)
    if len(found) != len(pairs):
        twice = next(key for key, _value in pairs if sum(key == other for other, _v in pairs) > 1)
        raise InvalidInput(_("“%(field)s” stands twice in one object.") % {"field": twice[:100]}, field=twice[:100])
    return found


def one_spelling(params: Answer) -> Answer:
    """Return the fields as MLflow's documentation spells them. Raises InvalidInput when one comes in two spellings."""
    found: Answer = {}
    for name, value in params.items():
        plain = _CAMEL.sub(lambda match: f"_{match[1].lower()}", name)
        if plain in found:
            raise InvalidInput(_("“%(field)s” comes in two spellings.") % {"field": plain[:100]}, field=plain[:100])
        found[plain] = value
    return found


def _in_query(params: Answer) -> Answer:
    """Return the fields as a query has them: truth values as MLflow reads them."""
    return {name: str(value).lower() if isinstance(value, bool) else value for name, value in params.items()}
