"""What queries that are written out answer, read alike from both databases.

A query is written out where putting it together, for each request anew, took longer than answering it.
"""

import json
from datetime import UTC, datetime
from typing import Any

from django.utils.dateparse import parse_datetime


def moment(value: datetime | str | None) -> datetime | None:
    """Return a time: PostgreSQL's have a zone, SQLite's are texts or have none, in UTC."""
    at = parse_datetime(value) if isinstance(value, str) else value
    return at if at is None or at.tzinfo else at.replace(tzinfo=UTC)


def document(value: str | None) -> Any:
    """Return what a JSON column holds: both databases answer its text. Most objects are empty ones."""
    return {} if value == "{}" else None if value is None else json.loads(value)
