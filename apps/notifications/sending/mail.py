"""E-mail: what is due for one person goes out as one mail. The rows say what was sent, so that nothing is lost.

A digest is nothing else than several rows that are due at the same time; so is what quiet hours held back.
"""

import logging
import smtplib
from collections.abc import Sequence
from datetime import datetime, timedelta
from urllib.parse import urlsplit

from django.conf import settings
from django.core.mail import EmailMessage
from django.db import transaction
from django.db.models import Q, QuerySet
from django.template.loader import render_to_string
from django.utils import timezone, translation
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from apps.accounts.models import User
from apps.jobs.handlers import handles
from apps.jobs.models import ACTIVE_STATES, Job
from apps.jobs.services import enqueue, renew
from apps.notifications import preferences
from apps.notifications.mail_times import after_quiet
from apps.notifications.models import Kind, Notification
from apps.notifications.visibility import visible

logger = logging.getLogger(__name__)
MAIL_JOB = "notifications.mail"
LOOK = 1000  # rows that are looked at for whom something is due
MOST = 100  # notifications in one mail
FIRST_PAUSE, LONGEST_PAUSE = 60, 6 * 3600  # seconds, after a failure: doubled each time
KEEP_TRYING = timedelta(days=14)  # after that it stands on the page alone


def due(now: datetime) -> QuerySet[Notification]:
    """What is to be mailed at `now`; what somebody has read meanwhile needs no mail, with exceptions."""
    unread = Q(read_at=None) | Q(kind__in=preferences.MAILED_THOUGH_READ)
    return Notification.objects.filter(unread, mail_at__lte=now, mailed_at=None)


def start_due() -> int:
    """Have a mail written for everybody for whom something is due. Returns for how many."""
    if not settings.MAIL_ENABLED:
        return 0
    people = set(due(timezone.now()).order_by("mail_at").values_list("user", flat=True)[:LOOK])
    keys = {f"{MAIL_JOB}:{person}": person for person in people}
    busy = set(Job.objects.filter(key__in=keys, state__in=ACTIVE_STATES).values_list("key", flat=True))
    for key in sorted(keys.keys() - busy):
        enqueue(MAIL_JOB, requested_by="system:notifications", key=key, user=keys[key])
    return len(people)


@handles(MAIL_JOB)
def write_mail(job: Job) -> None:
    """Mail one person what is due."""
    user = User.objects.filter(pk=job.args["user"]).first()
    if user is None:
        return
    rows = _to_mail(user, timezone.now())
    if not rows:
        return
    error = _send(user, rows)
    with transaction.atomic():
        renew(job)  # raises LeaseLost: whoever has the job now mails it again
        for row in rows:
            _store(row, error)


def _to_mail(user: User, now: datetime) -> list[Notification]:
    """Return what goes into the mail; hold back what falls into quiet hours, and drop what may not be told any more."""
    waiting = due(now).filter(user=user)
    if not (user.is_active and user.email):
        waiting.update(mail_at=None)
        return []
    seen = set(visible(user, waiting).values_list("pk", flat=True))
    waiting.exclude(pk__in=seen).update(mail_at=None)
    later = after_quiet(now, preferences.clock(preferences.of(user)))
    if later > now:
        waiting.exclude(kind__in=preferences.ALWAYS_AT_ONCE).update(mail_at=later)
    return list(due(now).filter(user=user).order_by("event_id")[:MOST])


def _send(user: User, rows: Sequence[Notification]) -> str:
    """Send one mail. Returns what went wrong; empty when the mail server took it."""
    with translation.override(settings.LANGUAGE_CODE):
        message = EmailMessage(
            subject=_subject(rows),
            body=_body(user, rows),
            to=[user.email],
            # The same at every attempt: mail programs show a mail once that came twice.
            headers={"Message-ID": _message_id(user, rows), "Auto-Submitted": "auto-generated"},
        )
    try:
        message.send()
    except (smtplib.SMTPException, OSError, ValueError) as error:  # ValueError: an address that no mail can go to
        logger.warning("a mail to person %s was not sent: %s", user.pk, type(error).__name__)
        return f"{type(error).__name__}: {error}"[:500]
    return ""


def _subject(rows: Sequence[Notification]) -> str:
    """Say what it is about without naming a model or a person: subjects show on locked screens."""
    if len(rows) == 1:
        return _("Assent: %(about)s") % {"about": Kind(rows[0].kind).label}
    return ngettext("Assent: %(count)d notification", "Assent: %(count)d notifications", len(rows)) % {
        "count": len(rows)
    }


def _body(user: User, rows: Sequence[Notification]) -> str:
    told = [{"text": " ".join(row.sentence.split()), "at": row.created_at, "url": row.url} for row in rows]
    name = " ".join((user.get_full_name() or user.get_username()).split())
    return render_to_string("notifications/mail.txt", {"name": name, "rows": told, "base": settings.PUBLIC_URL})


def _message_id(user: User, rows: Sequence[Notification]) -> str:
    host = urlsplit(settings.PUBLIC_URL).hostname or "assent.invalid"
    return f"<notifications-{user.pk}-{rows[0].event_id}-{rows[-1].event_id}@{host}>"


def _store(row: Notification, error: str) -> None:
    now = timezone.now()
    row.mail_attempts += 1
    row.mail_error = error
    if not error:
        row.mailed_at = now
    elif now - row.created_at > KEEP_TRYING:
        row.mail_at = None
    else:
        row.mail_at = now + timedelta(seconds=min(FIRST_PAUSE * 2 ** min(row.mail_attempts - 1, 12), LONGEST_PAUSE))
    row.save(update_fields=["mail_attempts", "mail_error", "mailed_at", "mail_at"])
