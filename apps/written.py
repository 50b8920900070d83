"""What queries that are written out answer, read alike from both databases.

A query is written out where putting it together, for each request anew, took longer than answering it.
"""

import json
from collections.abc import Callable, Iterable
from contextlib import nullcontext
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Generic, TypeVar

from django.db import connection
from django.utils.dateparse import parse_datetime

Answer = TypeVar("Answer")


@dataclass(frozen=True)
class Question(Generic[Answer]):
    """A query with its values, and what makes the answer of its rows."""

    query: str
    values: list[Any]
    read: Callable[[list[tuple[Any, ...]]], Answer]


def ask(question: Question[Answer]) -> Answer:
    """Return the answer to one question."""
    return together([question])[0]


def together(questions: Iterable[Question[Any]]) -> list[Any]:
    """Return the answers in order. PostgreSQL gets all questions before the first answer is waited for."""
    questions = list(questions)
    connection.ensure_connection()
    at_once = connection.vendor == "postgresql" and len(questions) > 1
    with connection.wrap_database_errors, connection.connection.pipeline() if at_once else nullcontext():
        cursors = [connection.cursor() for _question in questions]
        for cursor, question in zip(cursors, questions, strict=True):
            cursor.execute(question.query, question.values)
        return [question.read(cursor.fetchall()) for cursor, question in zip(cursors, questions, strict=True)]


def moment(value: datetime | str | None) -> datetime | None:
    """Return a time: PostgreSQL's have a zone, SQLite's are texts or have none, in UTC."""
    at = parse_datetime(value) if isinstance(value, str) else value
    return at if at is None or at.tzinfo else at.replace(tzinfo=UTC)


def document(value: str | None) -> Any:
    """Return what a JSON column holds: both databases answer its text. Most objects are empty ones."""
    return {} if value == "{}" else None if value is None else json.loads(value)
