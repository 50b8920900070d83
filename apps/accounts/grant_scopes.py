"""Which models a grant reaches. Pure: reads nothing but its arguments, so that every caller gets the same answer.

A pattern is a text with stars, each standing for any characters, also none: `churn-*`. There are no other signs and no
regular expressions: what it costs grows with the length of pattern and name alone. Upper and lower case are different
letters, as in MLflow's names. Without a server's name before a colon it is about the default connection (`churn-*`),
else about that server (`eu:churn-*`), as models are addressed everywhere.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext as _

from apps.accounts.models import GrantScope
from apps.audit.chain import storable_text
from apps.errors import InvalidInput

DEFAULT_CONNECTION = "default"
MAX_VALUE = 250  # characters
BY_WHAT_MODELS_ARE = (GrantScope.CONNECTION, GrantScope.RISK, GrantScope.TAG, GrantScope.PATTERN)


@dataclass(frozen=True)
class Facts:
    """What of a mirrored model decides which grants reach it. `busy`: a request about it is not finished."""

    key: int
    connection: str
    name: str
    tags: dict[str, Any]
    risk: str
    busy: bool = False


def reach(scope: str, value: str, model_id: int = 0) -> Callable[[Facts], bool]:
    """Return the question whether a model lies within a scope. Raises ValueError for a scope that is none."""
    if scope == GrantScope.REGISTRY:
        return lambda model: True
    if scope == GrantScope.MODEL:
        return lambda model: model.key == model_id
    if scope == GrantScope.CONNECTION:
        return lambda model: model.connection == value
    if scope == GrantScope.RISK:
        wanted = _plain(value)
        return lambda model: bool(model.risk) and _plain(model.risk) == wanted
    if scope == GrantScope.TAG:
        return _tagged(value)
    if scope == GrantScope.PATTERN:
        return _named(value)
    raise ValueError(f"no such scope: {scope!r}")


def checked_value(scope: str, value: str) -> str:
    """Return the value of a scope, as it is stored. Raises InvalidInput (field "value"), saying what is wrong."""
    value = value.strip()
    if scope not in BY_WHAT_MODELS_ARE:
        if value:
            raise InvalidInput(_("This scope takes no value. Leave it empty."), field="value")
        return ""
    if not value:
        raise InvalidInput(_ASK[GrantScope(scope)](), field="value")
    if len(value) > MAX_VALUE or storable_text(value) != value or not value.isprintable():
        message = _("Write at most %(most)d characters that can be printed.")
        raise InvalidInput(message % {"most": MAX_VALUE}, field="value")
    if scope == GrantScope.TAG and not value.partition("=")[0].strip():
        raise InvalidInput(_("Write the tag as key=value, or its key alone."), field="value")
    if scope == GrantScope.PATTERN and not value.rpartition(":")[2]:
        raise InvalidInput(_("Write the pattern of a name after the server's, such as eu:churn-*."), field="value")
    return value


def words(scope: str, value: str, model: str = "") -> str:
    """Say in words on what a grant counts. `model` is what one model is called."""
    if scope == GrantScope.REGISTRY:
        return _("the whole registry")
    if scope == GrantScope.MODEL:
        return model
    said = {
        GrantScope.CONNECTION: _("MLflow server %(value)s"),
        GrantScope.RISK: _("risk tier %(value)s"),
        GrantScope.TAG: _("tag %(value)s"),
        GrantScope.PATTERN: _("names like %(value)s"),
    }
    return said[GrantScope(scope)] % {"value": value}


def matches(pattern: str, name: str) -> bool:
    """Return whether a name fits a pattern of one server: "churn-*" fits "churn-eu". A star is the only sign."""
    first, *rest = pattern.split("*")
    if not rest:
        return name == first
    *middle, last = rest
    if len(name) < len(first) + len(last) or not (name.startswith(first) and name.endswith(last)):
        return False
    place, end = len(first), len(name) - len(last)
    for part in middle:
        place = name.find(part, place, end)
        if place < 0:
            return False
        place += len(part)
    return True


def _named(pattern: str) -> Callable[[Facts], bool]:
    server, colon, names = pattern.partition(":")
    if not colon:
        server, names = DEFAULT_CONNECTION, pattern
    first = names.partition("*")[0]
    return lambda model: model.connection == server and model.name.startswith(first) and matches(names, model.name)


def _tagged(tag: str) -> Callable[[Facts], bool]:
    """Return the question for a tag. Case makes no difference to its value, as for policies; to its key it does."""
    key, equals, value = tag.partition("=")
    key, wanted = key.strip(), _plain(value)
    return lambda model: key in model.tags and (not equals or _plain(model.tags[key]) == wanted)


def _plain(value: object) -> str:
    return str(value).strip().casefold()


_ASK: dict[GrantScope, Callable[[], str]] = {
    GrantScope.CONNECTION: lambda: _("Write the name of an MLflow server, such as default."),
    GrantScope.RISK: lambda: _("Write the risk tier, as the models' tags name it."),
    GrantScope.TAG: lambda: _("Write the tag as key=value, or its key alone."),
    GrantScope.PATTERN: lambda: _("Write the pattern of a name, such as churn-*."),
}
