"""Where sessions are kept: a table that knows whose each is, read by a query that is written out.

A session ends by itself in two ways: so long after the sign-in, however busy the person is, and after a time without a
request. The browser sends a random key; the row is found by its hash.
"""

import hashlib
from datetime import UTC, datetime, timedelta
from typing import Any

from django.conf import settings
from django.contrib.auth import SESSION_KEY
from django.contrib.sessions.backends import db
from django.db import connection
from django.utils import timezone

from apps import written

STARTED, ADDRESS, BROWSER, METHOD = "started", "address", "browser", "method"  # what a session says of its sign-in
_QUERY = """
    SELECT session_data, expire_date, seen_at FROM accounts_session
    WHERE session_key = %s AND expire_date > %s AND seen_at > %s
"""
_SEEN = "UPDATE accounts_session SET seen_at = %s WHERE session_key = %s"


def row_key(key: str) -> str:
    """Return under which key the row of a browser's key is kept. The key is random: a plain hash cannot be searched."""
    return hashlib.sha256(key.encode()).hexdigest()[:40]


def started(session: Any) -> datetime | None:
    """Return when the person of a session signed in; None while nobody is signed in."""
    at = session.get(STARTED)
    return datetime.fromtimestamp(at, UTC) if at else None


class SessionStore(db.SessionStore):
    """Django's sessions in our table; every page reads one, so it is read with as little work as can be."""

    @classmethod
    def get_model_class(cls) -> Any:
        from apps.accounts.models import Session  # Django loads the store before the models

        return Session

    def exists(self, session_key: str) -> bool:
        return super().exists(row_key(session_key))

    def delete(self, session_key: str | None = None) -> None:
        key = session_key or self.session_key
        if key:
            self.model.objects.filter(session_key=row_key(key)).delete()

    def create_model_instance(self, data: Any) -> Any:
        """Return the row of this session. The time of the sign-in stands in the data, so that it outlives each save."""
        now = timezone.now()
        if SESSION_KEY in data:
            data.setdefault(STARTED, now.timestamp())
        row: Any = super().create_model_instance(data)
        row.session_key = row_key(row.session_key)
        row.person_id = data.get(SESSION_KEY)
        row.started_at, row.seen_at = started(data) or now, now
        row.expire_date = min(row.expire_date, row.started_at + timedelta(seconds=settings.SESSION_COOKIE_AGE))
        row.address, row.browser, row.method = (data.get(name, "") for name in (ADDRESS, BROWSER, METHOD))
        return row

    def get_expiry_age(self, **given: Any) -> int:
        """Return for how many seconds the browser keeps the cookie: not longer than the session lasts."""
        age, begun = super().get_expiry_age(**given), started(self)
        if begun is None:
            return age
        return min(age, max(0, settings.SESSION_COOKIE_AGE - int((timezone.now() - begun).total_seconds())))

    def _get_session_from_db(self) -> Any:
        now, key = timezone.now(), row_key(self.session_key or "")
        idle = now - timedelta(seconds=settings.SESSION_IDLE_SECONDS)
        with connection.cursor() as cursor:
            cursor.execute(_QUERY, [key, _stored(now), _stored(idle)])
            row = cursor.fetchone()
            if row is None:
                self._session_key = None
                return None
            seen = written.moment(row[2])
            if seen is None or seen < now - timedelta(seconds=settings.SESSION_SEEN_SECONDS):
                cursor.execute(_SEEN, [_stored(now), key])
        return self.model(session_data=row[0], expire_date=row[1])


def _stored(moment: datetime) -> Any:
    """Return a time as the field would hand it over: SQLite keeps times as texts without a zone."""
    return connection.ops.adapt_datetimefield_value(moment)
