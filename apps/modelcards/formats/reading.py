"""Bytes from a stranger as text, JSON or YAML: bounded, nothing said twice, each refusal with its line. Pure.

Numbers stay as whoever wrote them wrote them: "1.10" is no 1.1.
"""

import json
from typing import Any, NoReturn

import yaml
from django.utils.translation import gettext as _

from apps.modelcards.formats.base import Unreadable
from apps.unfolding import MAX_DEPTH, Unfolder

MAX_BYTES = 2 * 1024 * 1024
MAX_NODES = 200_000  # values: a card holds less by far
NOT_SAID = ("", "~", "null", "Null", "NULL")
_Base: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # in C where there is a library: a tenth of the time


class _Loader(_Base):
    """Safe; every plain value is text but nothing at all; no merge keys; a key that stands twice is refused."""

    yaml_implicit_resolvers = {
        sign: [("tag:yaml.org,2002:null", yaml.resolver.Resolver.yaml_implicit_resolvers["~"][0][1])]
        for sign in ["~", "n", "N", ""]
    }

    def flatten_mapping(self, node: yaml.MappingNode) -> None:
        return None

    def construct_mapping(self, node: Any, deep: bool = False) -> dict[Any, Any]:
        seen: set[str] = set()
        for key, _value in node.value if isinstance(node, yaml.MappingNode) else []:
            if isinstance(key, yaml.ScalarNode) and key.value in seen:
                raise Unreadable(_twice(key.value, key.start_mark.line + 1))
            seen.add(str(key.value) if isinstance(key, yaml.ScalarNode) else "")
        return dict(super().construct_mapping(node, deep))


# What somebody tags as a number or a moment is text all the same: building those may raise anything, and a number in
# base sixty with a million digits takes minutes.
for _kind in ("bool", "int", "float", "binary", "timestamp"):
    _Loader.add_constructor(f"tag:yaml.org,2002:{_kind}", _Loader.construct_yaml_str)


def text_of(body: bytes) -> str:
    """Return UTF-8 as text, without a byte order mark, lines ending in \\n. Raises Unreadable."""
    if len(body) > MAX_BYTES:
        raise Unreadable(_("This is larger than 2 MB, and a card is much smaller. Take out pictures and data."))
    try:
        text = body.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = body.count(b"\n", 0, error.start) + 1
        message = _("This is not UTF-8: in line %(line)s there is a byte that cannot be read. Save it as UTF-8.")
        raise Unreadable(message % {"line": line}) from None
    if "\0" in text:
        line = text.count("\n", 0, text.index("\0")) + 1
        raise Unreadable(_("Line %(line)s holds a null character, which no card has. Remove it.") % {"line": line})
    return text.replace("\r\n", "\n").replace("\r", "\n")


def json_of(text: str) -> Any:
    """Return JSON as values, numbers as the text that they are written as. Raises Unreadable."""
    try:
        value = json.loads(text, object_pairs_hook=_object, parse_float=str, parse_int=str, parse_constant=_constant)
    except json.JSONDecodeError as error:
        problem = error.msg[:1].lower() + error.msg[1:]
        raise Unreadable(_refused("JSON", error.lineno, problem)) from None
    except RecursionError:
        _too_deep()
    _bounded(value)
    return value


def yaml_of(text: str, *, first: int = 1) -> Any:
    """Return YAML as JSON values, all of them text. `first`: the line that it begins on. Raises Unreadable."""
    try:
        _bounded_yaml(text)
        return Unfolder(MAX_NODES, MAX_BYTES).plain(yaml.load(text, Loader=_Loader))  # noqa: S506 - a SafeLoader
    except yaml.MarkedYAMLError as error:
        line = (error.problem_mark.line if error.problem_mark else 0) + first
        raise Unreadable(_refused("YAML", line, error.problem or "")) from None
    except yaml.reader.ReaderError as error:
        line = text.count("\n", 0, error.position) + first
        raise Unreadable(_refused("YAML", line, error.reason)) from None
    except RecursionError:
        _too_deep()
    except Unreadable:
        raise
    except (yaml.YAMLError, ValueError) as error:
        raise Unreadable(_("The YAML cannot be read: %(problem)s.") % {"problem": str(error)[:200]}) from None


def _bounded_yaml(text: str) -> None:
    """Raise Unreadable for what nests too deeply, before anything walks it: the C library would not survive it."""
    depth = 0
    for number, event in enumerate(yaml.parse(text, Loader=_Loader)):
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1
        if depth > MAX_DEPTH:
            _too_deep()
        if number > 2 * MAX_NODES:
            raise Unreadable(_("The YAML holds more than %(most)s values, and no card does.") % {"most": MAX_NODES})


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, value in pairs:
        if name in found:
            raise Unreadable(_("The name %(name)s stands twice in one object. Remove one.") % {"name": name[:80]})
        found[name] = value
    return found


def _bounded(value: Any) -> None:
    """Raise Unreadable for what nests too deeply, or holds half a sign; walks without recursion."""
    level, depth = [value], 0
    while level:
        depth += 1
        if depth > MAX_DEPTH:
            _too_deep()
        holders = [item for item in level if isinstance(item, list | dict)]
        level = [item for holder in holders for item in (holder.values() if isinstance(holder, dict) else holder)]


def _constant(name: str) -> NoReturn:
    raise Unreadable(_("%(name)s is no value of JSON. Write it as text, or leave it out.") % {"name": name})


def _too_deep() -> NoReturn:
    raise Unreadable(_("This nests deeper than %(most)s levels, and no card does.") % {"most": MAX_DEPTH})


def _twice(name: str, line: int) -> str:
    message = _("The name %(name)s stands twice in one object, the second time in line %(line)s. Remove one.")
    return message % {"name": name[:80], "line": line}


def _refused(form: str, line: int, problem: str) -> str:
    text = _("Line %(line)s cannot be read as %(form)s: %(problem)s.")
    return text % {"line": line, "form": form, "problem": problem[:200]}
