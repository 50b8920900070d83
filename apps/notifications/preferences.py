"""A person's choices: which kinds come by e-mail, when the digest comes, and when nothing does."""

from collections.abc import Mapping
from datetime import datetime
from zoneinfo import available_timezones

from django.utils import timezone
from django.utils.translation import gettext as _

from apps.accounts import grants
from apps.accounts.models import User
from apps.audit.actions import Action
from apps.audit.services import Target, attempt
from apps.errors import InvalidInput
from apps.notifications import mail_times
from apps.notifications.mail_times import Clock
from apps.notifications.models import Kind, MailChoice, Notification, Preferences

DEFAULTS = dict.fromkeys(Kind, MailChoice.NOW) | {
    Kind.DRIFT: MailChoice.DIGEST,
    Kind.POLICY: MailChoice.DIGEST,
    Kind.OTHER: MailChoice.DIGEST,
}
# Cannot be chosen: a bypass counts on being seen, at any hour; and whoever took an account over would choose silence.
ALWAYS_AT_ONCE = frozenset({Kind.ACCOUNT, Kind.BYPASS})
MAILED_THOUGH_READ = frozenset({Kind.ACCOUNT})  # whoever is in as somebody could read it for them
CHOSEN = tuple(kind for kind in Kind if kind not in ALWAYS_AT_ONCE)


def of(user: User) -> Preferences:
    """Return the person's choices, or what counts until they make some (not saved)."""
    return Preferences.objects.filter(user=user).first() or Preferences(user=user)


def choice(preferences: Preferences, kind: str) -> str:
    """Return whether and when this kind comes by e-mail."""
    if kind in ALWAYS_AT_ONCE:
        return MailChoice.NOW
    return preferences.mail.get(kind) or DEFAULTS.get(Kind(kind), MailChoice.DIGEST)


def clock(preferences: Preferences) -> Clock:
    """Return the person's hours."""
    return Clock(preferences.time_zone, preferences.digest_hour, preferences.quiet_from, preferences.quiet_to)


def mail_at(preferences: Preferences, kind: str, now: datetime) -> datetime | None:
    """Return when something of this kind goes to this person by mail; None when it does not."""
    hours = Clock() if kind in ALWAYS_AT_ONCE else clock(preferences)
    return mail_times.due(choice(preferences, kind), now, hours)


def set_preferences(
    *,
    by: User,
    mail: Mapping[str, str],
    digest_hour: int,
    quiet_from: int | None,
    quiet_to: int | None,
    time_zone: str,
) -> Preferences:
    """Keep a person's own choices; what waits to be mailed follows them. Kinds left out keep what they have.

    Hours are 0 to 23 on the wall clock of `time_zone`. Raises InvalidInput naming the field at fault.
    """
    target = Target("person", by.get_username())
    with attempt(Action.NOTIFICATIONS_CHANGED, by=grants.actor(by), target=target) as trial:
        _check(mail, digest_hour, quiet_from, quiet_to, time_zone)
        found, _made = Preferences.objects.select_for_update().get_or_create(user=by)
        before = described(found)
        found.mail = {**found.mail, **{str(kind): str(value) for kind, value in mail.items()}}
        found.digest_hour, found.time_zone = digest_hour, time_zone
        found.quiet_from, found.quiet_to = quiet_from, quiet_to
        found.save()
        _follow(found)
        trial.done(before=before, after=described(found))
    return found


def described(preferences: Preferences) -> dict:
    """Return the choices as the trail and the API tell them, defaults filled in."""
    return {
        "mail": {kind.value: str(choice(preferences, kind)) for kind in CHOSEN},
        "digest_hour": preferences.digest_hour,
        "quiet_from": preferences.quiet_from,
        "quiet_to": preferences.quiet_to,
        "time_zone": preferences.time_zone,
    }


def _check(
    mail: Mapping[str, str], digest_hour: int, quiet_from: int | None, quiet_to: int | None, time_zone: str
) -> None:
    for kind, value in mail.items():
        if kind not in CHOSEN:
            raise InvalidInput(_("There is no such kind to choose for."), field="mail")
        if value not in MailChoice.values:
            raise InvalidInput(_("Choose off, now or digest."), field="mail")
    for field, hour in (("digest_hour", digest_hour), ("quiet_from", quiet_from), ("quiet_to", quiet_to)):
        if hour is not None and not 0 <= hour <= 23:
            raise InvalidInput(_("Choose an hour from 0 to 23."), field=field)
    if (quiet_from is None) != (quiet_to is None):
        text = _("Quiet hours have a beginning and an end. Choose both, or none.")
        raise InvalidInput(text, field="quiet_to" if quiet_to is None else "quiet_from")
    if quiet_from is not None and quiet_from == quiet_to:
        raise InvalidInput(_("Quiet hours end at another hour than they begin."), field="quiet_to")
    if time_zone not in available_timezones():
        raise InvalidInput(_("Choose a time zone such as Europe/Berlin."), field="time_zone")


def _follow(preferences: Preferences) -> None:
    """Let what waits to be mailed go out as it is chosen now."""
    now = timezone.now()
    waiting = Notification.objects.filter(user=preferences.user, mail_at__isnull=False, mailed_at=None, read_at=None)
    for kind in CHOSEN:
        waiting.filter(kind=kind).update(mail_at=mail_at(preferences, kind, now))
