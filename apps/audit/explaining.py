"""Why a search finds nothing: which filter excludes everything."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from time import monotonic
from typing import Any

from apps.audit.filters import Chip
from apps.audit.searching import any_fits

TIME_FOR_ALL, TIME_FOR_ONE = 0.1, 0.02  # seconds since the request came, and for one question


@dataclass(frozen=True)
class Excluding:
    """A filter at fault. `alone`: nothing fits it, whatever else is asked; otherwise without it something is found."""

    chip: Chip
    alone: bool


def excluding(user: Any, values: Mapping[str, Any], chips: Sequence[Chip], *, began: float) -> list[Excluding]:
    """Return the filters that nothing fits by themselves; where there is none, those without which something is found.

    What is not known within the time since `began` (time.monotonic) is left out.
    """
    names = list(dict.fromkeys(chip.name for chip in chips))
    by_name = {chip.name: chip for chip in chips}
    alone = [name for name in names if _fits(user, _only(values, name), began) is False]
    if alone:
        return [Excluding(by_name[name], alone=True) for name in alone]
    if len(names) == 1:
        return []
    return [
        Excluding(by_name[name], alone=False) for name in names if _fits(user, _without(values, name), began) is True
    ]


def _fits(user: Any, values: Mapping[str, Any], began: float) -> bool | None:
    if monotonic() - began > TIME_FOR_ALL:
        return None
    return any_fits(user, values, seconds=TIME_FOR_ONE)


def _only(values: Mapping[str, Any], name: str) -> dict[str, Any]:
    return {key: values[key] for key in _keys(name) if key in values}


def _without(values: Mapping[str, Any], name: str) -> dict[str, Any]:
    return {key: value for key, value in values.items() if key not in _keys(name)}


def _keys(name: str) -> tuple[str, ...]:
    """A model is searched by its number."""
    return ("model", "model_id") if name == "model" else (name,)
