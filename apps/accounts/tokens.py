"""API tokens: made, shown once, renewed, revoked. A person's own; those of a service account by who manages people."""

import re
import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.utils import timezone
from django.utils.module_loading import import_string
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop as noop

from apps.accounts import grants, guards, scopes, sponsors
from apps.accounts.authentication import digest_of
from apps.accounts.managing import in_line, manages_people
from apps.accounts.models import ApiToken, TokenScope, User
from apps.accounts.permissions import Permission
from apps.audit.actions import Action
from apps.audit.chain import storable_text
from apps.audit.services import Entry, Target, attempt, record_all
from apps.errors import Conflict, InvalidInput, NotAllowed, NotVisible, WrongState

DEFAULT_DAYS = 90
MAX_DAYS = 365
MAX_NAME = 100
MAX_MODELS = 100
DEFAULT_OVERLAP = 24  # hours
MAX_OVERLAP = 7 * 24
NO_TOKEN = noop("There is no such token, or it is not yours. Look at the list of your tokens.")
PATTERN = r"\bassent_[0-9a-f]{12}_[A-Za-z0-9_-]{43}"  # of every token: what leak scanners look for


@dataclass(frozen=True)
class NewToken:
    """A token just made, and its text, which nobody can read again."""

    token: ApiToken
    text: str


def create_token(
    name: str,
    *,
    by: User,
    owner: User | None = None,
    scope: str = TokenScope.READ,
    models: Iterable[str] = (),
    days: int | None = None,
    reason: str = "",
) -> NewToken:
    """Make a token that acts for `owner` (None: for `by`), valid for `days` (1 to 365; None: 90, or less by a token).

    `models` are references of the only models that it sees; none: all that its owner sees. Raises InvalidInput,
    NotVisible for an owner other than `by`, unless that is a service account and `by` manages people, NotAllowed
    where `by` acts through a token that may less than the new one, and Conflict for an owner who is deactivated.
    """
    prefix, owner = secrets.token_hex(6), owner or by
    with attempt(Action.TOKEN_CREATED, by=grants.actor(by), target=Target("token", name.strip() or prefix)) as trial:
        _check_holder(by, owner, _("There is no such service account, or you may not manage it."))
        ends = _end_of_use(by)
        text, digest = _new_secret(prefix)
        token = ApiToken(
            user=owner,
            name=_checked_name(name),
            prefix=prefix,
            digest=digest,
            scope=_checked_scope(scope),
            limited_to=_checked_models(models, scope, by),
            expires_at=_end_in(days, ends),
        )
        _check_within(by, token, ends)
        token.save(force_insert=True)
        token.makers.add(*_through(by))
        sponsors.note(owner, by, token)
        trial.target = _target(token)
        trial.done(reason=reason, after=_terms(token))
    return NewToken(token, text)


def renew_token(
    prefix: str, *, by: User, days: int | None = None, overlap: int = DEFAULT_OVERLAP, reason: str = ""
) -> NewToken:
    """Give a token a new secret, valid for `days` from now; the one before works for `overlap` hours more (0 to 168).

    It never works longer than it would have, and one that was before it ends now. Without an overlap, all that were
    made through the token end too: `ended_along` says how many. The name, prefix, scope and models
    stay. Raises NotVisible (not there, somebody else's), Conflict (its owner is deactivated), WrongState (revoked or
    expired), InvalidInput, and NotAllowed where `by` acts through a token that may less.
    """
    prefix = prefix_of(prefix)
    with attempt(Action.TOKEN_RENEWED, by=grants.actor(by), target=Target("token", prefix)) as trial:
        found = _found(prefix)
        if found is None:
            raise NotVisible(_(NO_TOKEN))
        _check_holder(by, found.user, _(NO_TOKEN))
        token = _locked(found, *_through(by))
        ends = _end_of_use(by)
        trial.target = _target(token)
        if not token.usable:
            raise WrongState(_("A token that is revoked or expired cannot be renewed. Make a new one."))
        before, now = _terms(token), timezone.now()
        until = min(now + timedelta(hours=_checked_overlap(overlap)), token.expires_at)
        token.old_digest, token.old_until = (token.digest, until) if until > now else ("", None)
        token.expires_at = _end_in(days, ends)
        _check_within(by, token, ends)
        text, token.digest = _new_secret(prefix)
        token.save(update_fields=["digest", "old_digest", "old_until", "expires_at"])
        _note_makers(token, _through(by))
        sponsors.note(token.user, by, token)
        if token.old_until is None:
            token.ended_along = _end_along([token], by, reason)
        old = until.isoformat() if token.old_until else None
        trial.done(reason=reason, before=before, after={**_terms(token), "old_secret_until": old})
    return NewToken(token, text)


def revoke_token(prefix: str, *, by: User, reason: str = "") -> ApiToken:
    """End a token at once: one's own, or anybody's with people:manage. Revoking it again changes nothing.

    All that were made through it end too, whoever they act for: `ended_along` says how many.

    Raises NotVisible for a token that is not there, or is somebody else's.
    """
    prefix = prefix_of(prefix)
    with attempt(Action.TOKEN_REVOKED, by=grants.actor(by), target=Target("token", prefix)) as trial:
        found = _found(prefix)
        if found is None or not _manages(by, found.user) or not _still_manages(by, found.user):
            raise NotVisible(_(NO_TOKEN))
        token = _locked(found)
        before = token.revoked_at
        token.revoked_at = before or timezone.now()
        token.save(update_fields=["revoked_at"])
        token.ended_along = _end_along([token], by, reason)
        trial.target = _target(token)
        trial.done(reason=reason, before={"revoked": before is not None}, after={"revoked": True})
    return token


def end_all_of(person: User, *, by: User, reason: str) -> tuple[int, int]:
    """End the tokens of somebody who is shut out, whom the caller has locked, and all that were made through them.

    Return how many of their own, and how many others: those are recorded one by one.
    """
    living = person.api_tokens.select_for_update().filter(revoked_at=None).order_by("pk")  # in one order, as elsewhere
    own = list(living)
    ApiToken.objects.filter(pk__in=[token.pk for token in own]).update(revoked_at=timezone.now())
    return len(own), _end_along(own, by, reason)


def _end_along(ended: list[ApiToken], by: User, reason: str) -> int:
    """End all that were made through tokens that end, and through those, each recorded; return how many.

    None is added meanwhile: whoever makes one through these locks their owner first, whom the caller has locked.
    """
    through = {token.pk: token.prefix for token in ended}
    edge = set(through)
    while edge:
        links = ApiToken.makers.through.objects.filter(to_apitoken__in=edge)
        pairs = links.values_list("from_apitoken", "to_apitoken")
        fresh = {made: through[maker] for made, maker in pairs if made not in through}
        through, edge = through | fresh, set(fresh)
    rows = ApiToken.objects.select_for_update(of=("self",)).select_related("user").order_by("pk")
    along = list(rows.filter(pk__in=through.keys() - {token.pk for token in ended}, revoked_at=None))
    ApiToken.objects.filter(pk__in=[row.pk for row in along]).update(revoked_at=timezone.now())
    actor, said = grants.actor(by), {"before": {"revoked": False}, "after": {"revoked": True}}
    record_all(
        Entry(Action.TOKEN_REVOKED, actor, _target(row), reason, data={**said, "made_through": through[row.pk]})
        for row in along
    )
    return len(along)


def _note_makers(token: ApiToken, through: list[ApiToken]) -> None:
    """Note through which token, if any, a token was renewed.

    Those before are forgotten where nothing is left that they made: the secret before ends now, with all made through
    it, and the new one was not made with it.
    """
    if through == [token]:
        return
    if token.old_until is None:
        token.makers.clear()
    token.makers.add(*through)


def _new_secret(prefix: str) -> tuple[str, str]:
    """Return a token's text and the digest that is stored of it."""
    text = f"assent_{prefix}_{secrets.token_urlsafe(32)}"
    return text, digest_of(text)


def _manages(by: User, owner: User) -> bool:
    """Return whether tokens of `owner` are theirs to end, as this request knows: nothing is locked for others."""
    return by.pk == owner.pk or grants.allows(by, Permission.PEOPLE_MANAGE)


def _still_manages(by: User, owner: User) -> bool:
    """Lock both until the commit, before any token, and return the same as the database says it now.

    For the tokens of somebody else in line with who changes people: whoever takes the role away comes before or after.
    """
    if by.pk == owner.pk:
        guards.lock_people(by.pk)
        return True
    in_line(owner.pk, by.pk)
    return manages_people(by)


def _check_holder(by: User, owner: User, refusal: str) -> None:
    """Refuse whoever may not learn the secret of a token of `owner`: it is their own, or a service account's.

    Both are locked, and refused where one is deactivated as the database says it now. Who deactivates somebody locks
    them too, and revokes what is there: a token is made before that, or not at all.
    """
    if not _manages(by, owner) or (by.pk != owner.pk and not owner.is_service):
        raise NotVisible(refusal)
    manages = _still_manages(by, owner)
    active = set(User.objects.filter(pk__in=(owner.pk, by.pk), is_active=True).values_list("pk", flat=True))
    if by.pk not in active:
        raise NotAllowed(_("This account is inactive. Ask an admin to reactivate it."))
    if owner.pk not in active:
        raise Conflict(_("%(person)s is deactivated. Reactivate them first.") % {"person": owner})
    if not manages:
        raise NotVisible(refusal)


def _end_of_use(by: User) -> datetime | None:
    """Return when the secret ends that `by` acts through, as the database says it now; None: they use no token.

    The token is locked until the commit: whatever ends it meanwhile ends it before or after, and never beside. Raises
    NotAllowed where it, or the secret, ended since the request began.
    """
    if not (through := _through(by)):
        return None
    if by.is_service:
        raise NotAllowed(_("The tokens of a service account are made and renewed by an admin."))
    held = _locked(*through)
    ends = held.end_of(by.bounds.secret)
    if not held.usable or ends is None:
        raise NotAllowed(_("The token of this request was revoked or renewed meanwhile, or has expired."))
    return ends


def _check_within(by: User, token: ApiToken, ends: datetime | None) -> None:
    """Refuse a token that may more, on more models or for longer than the one that `by` acts through, if they do."""
    through: ApiToken | None = by.bounds.through
    if through is None or ends is None:
        return
    if not scopes.covers(through.scope, token.scope):
        message = _("A token with the scope “%(scope)s” makes none that may more. Choose a scope that it covers.")
        raise NotAllowed(message % {"scope": through.scope}, field="scope")
    own, wanted = through.limited_to, token.limited_to
    if own is not None and (wanted is None or not set(wanted) <= set(own)):
        message = _("A token that is limited to models makes none for others. Name models of its own.")
        raise NotAllowed(message, field="models")
    if token.expires_at > ends:
        message = _("A token makes none that outlives it: this one ends on %(day)s. Ask for fewer days.")
        raise NotAllowed(message % {"day": f"{ends:%Y-%m-%d}"}, field="days")


def prefix_of(named: str) -> str:
    """Return the prefix of a token that somebody named by its whole text; what is none is returned as it is."""
    return named.strip().split("_")[1] if re.fullmatch(PATTERN, named.strip()) else named


def _found(prefix: str) -> ApiToken | None:
    if "\0" in prefix:  # no database keeps such a text, and PostgreSQL takes offence at it
        return None
    return ApiToken.objects.select_related("user").filter(prefix=prefix).first()


def _through(by: User) -> list[ApiToken]:
    """Return the token that `by` acts through, if they do."""
    return [by.bounds.through] if by.bounds.through else []


def _locked(found: ApiToken, *others: ApiToken) -> ApiToken:
    """Lock these tokens until the commit, in one order, after their people; return the first as it is now."""
    rows = ApiToken.objects.select_for_update(of=("self",)).select_related("user")
    named = {row.pk: row for row in rows.filter(pk__in={token.pk for token in (found, *others)}).order_by("pk")}
    return named[found.pk]


def _terms(token: ApiToken) -> dict[str, object]:
    limited = {} if token.limited_to is None else {"limited_to": token.limited_to}
    return {"scope": token.scope, "expires_at": token.expires_at.isoformat(), **limited}


def _target(token: ApiToken) -> Target:
    return Target("token", f"{token.user.get_username()}: {token.name} ({token.prefix})")


def _checked_name(name: str) -> str:
    name = name.strip()
    if not name or len(name) > MAX_NAME or storable_text(name) != name:
        raise InvalidInput(_("Give the token a name of 1 to 100 characters, such as where it is used."), field="name")
    return name


def _checked_scope(scope: str) -> str:
    if scope not in TokenScope.values:
        message = _("A token's scope is one of: %(scopes)s.") % {"scopes": ", ".join(TokenScope.values)}
        raise InvalidInput(message, field="scope")
    return scope


def _checked_models(references: Iterable[str], scope: str, by: User) -> list[int] | None:
    """Return the keys of the models, as `by` sees them; None for no limit."""
    wanted = list(dict.fromkeys(references))
    if not wanted:
        return None
    if scope == TokenScope.ADMIN:
        message = _("What an admin token manages belongs to no model. Leave the models empty, or choose another scope.")
        raise InvalidInput(message, field="models")
    if len(wanted) > MAX_MODELS:
        message = _("A token is limited to %(most)s models at most. Make several.") % {"most": MAX_MODELS}
        raise InvalidInput(message, field="models")
    get_model = import_string(settings.MODEL_BY_REFERENCE)
    try:
        return [get_model(by, reference).pk for reference in wanted]
    except NotVisible as error:
        raise InvalidInput(error.message, field="models") from error


def _end_in(days: int | None, ends: datetime | None) -> datetime:
    """Return the end of a token that is valid for `days`; None: for as long as is usual, or until `ends`, if sooner."""
    if days is None:
        usual = timezone.now() + timedelta(days=DEFAULT_DAYS)
        return min(usual, ends) if ends else usual
    if not 1 <= days <= MAX_DAYS:
        raise InvalidInput(_("A token is valid for 1 to 365 days."), field="days")
    return timezone.now() + timedelta(days=days)


def _checked_overlap(hours: int) -> int:
    if not 0 <= hours <= MAX_OVERLAP:
        raise InvalidInput(_("The old secret works for 0 to 168 hours more."), field="overlap")
    return hours
