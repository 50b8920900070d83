"""Reading clauses.yaml. A file with a mistake in it stops the start of the server rather than showing half of it."""

from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from apps.compliance.controls.table import BY_NAME

FILE = Path(__file__).with_name("clauses.yaml")


@dataclass(frozen=True)
class Clause:
    """One clause: how its document numbers it, what it asks for, and which controls support evidence for it."""

    clause: str
    about: str
    controls: tuple[str, ...]
    limits: str


@dataclass(frozen=True)
class Source:
    """A document with its clauses.

    `note`: what to know about it; may be empty. `basis`: what of it was read for the mapping, and what was not.
    """

    id: str
    title: str
    publisher: str
    address: str
    note: str
    basis: str
    clauses: tuple[Clause, ...]


@cache
def sources() -> tuple[Source, ...]:
    """Return every document.

    Raises ValueError for a control that is not in the table and for what is empty, KeyError for a field missing.
    """
    return tuple(_source(row) for row in yaml.safe_load(FILE.read_text(encoding="utf-8"))["sources"])


def clauses_of(control: str) -> list[str]:
    """Return the clauses that a control supports evidence for, each with its document: "eu-ai-act Article 9(2)"."""
    return [f"{source.id} {row.clause}" for source in sources() for row in source.clauses if control in row.controls]


def _source(row: dict[str, Any]) -> Source:
    clauses = tuple(_clause(one) for one in row["clauses"])
    if not (row["title"] and row["publisher"] and row["basis"] and row["address"].startswith("https://")):
        raise ValueError(f"clauses.yaml, {row['id']}: say its title, publisher, address (https) and what was read")
    return Source(row["id"], row["title"], row["publisher"], row["address"], row["note"], row["basis"], clauses)


def _clause(row: dict[str, Any]) -> Clause:
    if unknown := set(row["controls"]) - set(BY_NAME):
        raise ValueError(f"clauses.yaml, {row['clause']}: there is no control {', '.join(sorted(unknown))}")
    if not (row["about"] and row["controls"] and row["limits"]):
        raise ValueError(f"clauses.yaml, {row['clause']}: say what it is about, its controls and what they do not show")
    return Clause(row["clause"], row["about"], tuple(row["controls"]), row["limits"])
