"""Moments as people write them, and where in the trail they lie.

Days and times are in UTC unless they name a zone. A day means all of it: from its beginning, or until its end.
"""

import re
from datetime import UTC, datetime, time, timedelta

from django.db import connection
from django.utils import timezone
from django.utils.dateparse import parse_date, parse_datetime
from django.utils.translation import gettext as _

from apps.audit.models import AuditEvent
from apps.errors import InvalidInput

AGO = re.compile(r"([1-9][0-9]{0,4})([mhd])")
UNITS = {"m": "minutes", "h": "hours", "d": "days"}
# The numbers of events follow the clock of the server that wrote them; so much may that clock have been set back.
CLOCK_TOLERANCE = timedelta(hours=1)
EARLIEST = datetime(1970, 1, 1, tzinfo=UTC)
# Halving the trail, in one query: `low` ends as the first number whose event is not before the moment.
_FIRST_FROM = """
    WITH RECURSIVE look(low, high) AS (
        SELECT CAST(1 AS bigint), CAST(COALESCE((SELECT MAX(id) FROM audit_auditevent), 0) + 1 AS bigint)
        UNION ALL
        SELECT CASE WHEN middle.at < {moment} THEN middle.id + 1 ELSE look.low END,
               CASE WHEN middle.at < {moment} THEN look.high ELSE middle.id END
        FROM look JOIN audit_auditevent middle ON middle.id = (look.low + look.high) / 2
        WHERE look.low < look.high
    )
    SELECT MAX(low) FROM look
"""


def read(text: str, *, end: bool = False) -> datetime:
    """Read "2026-05-03", "2026-05-03T12:00", "2026-05-03T14:00+02:00", or "90m", "24h", "7d": so long ago.

    `end`: a day alone is its last moment, otherwise its first. Raises InvalidInput for what is no moment.
    """
    text = text.strip()
    if ago := AGO.fullmatch(text):
        return timezone.now() - timedelta(**{UNITS[ago[2]]: int(ago[1])})
    try:
        day = parse_date(text)
        at = datetime.combine(day, time.max if end else time.min) if day else parse_datetime(text)
    except ValueError:  # well written, and no such day
        at = None
    if at is None:
        message = _("Write a day (2026-05-03), a moment in UTC (2026-05-03T12:00), or how long ago: 90m, 24h, 7d.")
        raise InvalidInput(message)
    try:
        return at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)
    except OverflowError as error:
        raise InvalidInput(_("This moment is before or after every time that there is.")) from error


def numbers_within(since: datetime | None, until: datetime | None) -> tuple[int, int | None]:
    """Return the first number, and the number after the last, between which all events of these times lie.

    The range is wider by what the server's clock may have been set back (one hour), so filter by time as well. The
    second is None where nothing ends it. One query for each time.
    """
    first = _first_from(since - CLOCK_TOLERANCE) if since and since > EARLIEST else 1
    after = _first_from(until + CLOCK_TOLERANCE) if until and until < timezone.now() else None
    return first, after


def _first_from(moment: datetime) -> int:
    """Return the number of the first event that is not before `moment`; one after the last where there is none."""
    value = connection.ops.adapt_datetimefield_value(moment)
    with connection.cursor() as cursor:
        cursor.execute(_FIRST_FROM.format(moment="%s"), [value, value])
        return int(cursor.fetchone()[0])


def time_of(number: int) -> datetime | None:
    """Return when an event was written; None where there is none of this number."""
    return AuditEvent.objects.filter(pk=number).values_list("at", flat=True).first()
