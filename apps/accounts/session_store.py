"""Where sessions are kept: Django's own table, read by a query that is written out."""

from typing import Any

from django.contrib.sessions.backends import db
from django.contrib.sessions.models import Session
from django.db import connection
from django.utils import timezone

_QUERY = "SELECT session_data, expire_date FROM django_session WHERE session_key = %s AND expire_date > %s"


class SessionStore(db.SessionStore):
    """Django's sessions in the database; every page reads one, so it is read with as little work as can be."""

    def _get_session_from_db(self) -> Any:
        with connection.cursor() as cursor:
            # As the field would hand it over: SQLite keeps times as texts without a zone.
            now = connection.ops.adapt_datetimefield_value(timezone.now())
            cursor.execute(_QUERY, [self.session_key, now])
            row = cursor.fetchone()
        if row is None:
            self._session_key = None
            return None
        return Session(session_data=row[0], expire_date=row[1])
