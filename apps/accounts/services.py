"""Changes to people, groups and what they may do. All need people:manage, and all are recorded."""

from collections.abc import Iterable
from typing import Any

from django.conf import settings
from django.contrib.auth.models import Group
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.db import models
from django.utils.translation import gettext as _

from apps.accounts import granting, grants, guards, invitations, lookalikes, sessions, sponsors
from apps.accounts.factors import queries as factors
from apps.accounts.managing import (
    locked,
    managing,
    needs_reason,
    somebody_still_manages_people,
    target_of,
    visible_model,
)
from apps.accounts.models import User
from apps.accounts.permissions import Permission
from apps.accounts.roles import ROLES, Role
from apps.accounts.tokens import create_token, end_all_of, renew_token, revoke_token
from apps.audit.actions import Action
from apps.audit.chain import storable_text
from apps.audit.services import Actor, Attempt, Target, attempt
from apps.errors import Conflict, InvalidInput, RuleViolation

__all__ = [
    "add_member",
    "change_grant",
    "create_group",
    "create_service_account",
    "create_token",
    "create_user",
    "deactivate",
    "end_sessions",
    "follow_provider",
    "invite",
    "reactivate",
    "remove_member",
    "renew_token",
    "reset_factors",
    "revoke_token",
]
MAX_NAME = 150


def change_grant(
    group: Group | int, roles: Iterable[Role | str], model: models.Model | int | None, *, by: User, reason: str
) -> Group:
    """Make `roles` exactly what the group holds on `model`, or on the whole registry when None; none removes all.

    Raises NotAllowed, NotVisible, InvalidInput (roles, reason), RuleViolation when nobody could manage people any more,
    or when a guard objects: whoever asked for a promotion does not choose who signs it.
    """
    with managing(Action.GRANT_CHANGED, by=by, target=target_of("group", group)) as trial:
        held_by, on = locked(Group, group), visible_model(model, by)
        trial.target = Target("group", held_by.name, on.pk if on else None)
        trial.data = {"model": str(on) if on else None}
        needs_reason(reason)
        before = grants.permissions_of(held_by, on)
        found = grants.set_role(held_by, _known(roles), on, by=by.get_username(), reason=reason)
        after = grants.permissions_of(held_by, on)
        guards.ask(guards.GrantChange(by, held_by, found.of(granting.as_holder(held_by))))
        somebody_still_manages_people()
        names = [{"roles": grants.roles_for(held)} for held in (before, after)]
        trial.done(reason=reason, before=names[0], after=names[1])
    return held_by


def add_member(group: Group | int, user: User | int, *, by: User, reason: str = "") -> None:
    """Put a person into a group; who is in it already stays. Raises NotAllowed, NotVisible, RuleViolation (a guard)."""
    _change_membership(group, user, True, by=by, reason=reason)


def remove_member(group: Group | int, user: User | int, *, by: User, reason: str = "") -> None:
    """Take a person out of a group. Raises NotAllowed, NotVisible, RuleViolation as `change_grant` does."""
    _change_membership(group, user, False, by=by, reason=reason)


def create_group(name: str, *, by: User, reason: str = "") -> Group:
    """Add a group, without members and roles. Raises NotAllowed, InvalidInput (name), Conflict."""
    name = name.strip()
    with managing(Action.GROUP_CREATED, by=by, target=Target("group", name)) as trial:
        if not name or len(name) > MAX_NAME or storable_text(name) != name:
            raise InvalidInput(_("Give the group a name of 1 to 150 characters."), field="name")
        if Group.objects.filter(name=name).exists():
            raise Conflict(_("There is a group of this name already. Choose another name."), field="name")
        group = Group.objects.create(name=name)
        trial.done(reason=reason, after={"name": name})
    return group


def create_user(
    username: str,
    *,
    by: User,
    password: str,
    first_name: str = "",
    last_name: str = "",
    email: str = "",
    reason: str = "",
) -> User:
    """Add a person, in no group. Raises NotAllowed, InvalidInput (the field at fault), Conflict."""
    with managing(Action.USER_CREATED, by=by, target=Target("person", username)) as trial:
        user = User(username=username, first_name=first_name, last_name=last_name, email=email)
        user.set_password(password)
        lookalikes.check_free(username)
        _validate("password", lambda: validate_password(password, user))
        _validate(None, lambda: user.clean_fields(exclude=["password"]))
        user.save()
        trial.done(reason=reason, after={"username": username, "name": user.get_full_name(), "email": email})
    return user


def create_service_account(username: str, *, by: User, name: str = "", reason: str = "") -> User:
    """Add a machine that acts through tokens alone, in no group; `name` says what it is.

    It has no password and no session, and signs off nothing, whatever its groups: see bounds.PERSONS_ALONE.
    Raises NotAllowed, InvalidInput (username, name), Conflict.
    """
    with managing(Action.USER_CREATED, by=by, target=Target("person", username)) as trial:
        account = User(username=username, first_name=name.strip(), is_service=True)
        account.set_unusable_password()
        lookalikes.check_free(username)
        _validate(None, lambda: account.clean_fields(exclude=["password"]), {"first_name": "name"})
        account.save()
        sponsors.note(account, by)
        trial.done(reason=reason, after={"username": username, "name": account.first_name, "service_account": True})
    return account


def deactivate(user: User | int, *, by: User, reason: str) -> None:
    """Shut a person out at once: no sign-in, their sessions end, their tokens are revoked. What they did stays.

    What was made through their tokens ends too; a service account's token that they made signed in, without one, stays.
    Reviews of theirs no longer count from this moment on. Raises NotAllowed, NotVisible, InvalidInput (reason),
    Conflict (is inactive already), RuleViolation for oneself, for the last one who manages people, and by a guard.
    """
    with managing(Action.USER_DEACTIVATED, by=by, target=target_of("person", user), person=user) as trial:
        person = _person(user, trial)
        needs_reason(reason)
        if person.pk == by.pk:
            raise RuleViolation(_("You cannot deactivate yourself. Ask another admin."))
        if not person.is_active:
            raise Conflict(_("%(person)s is inactive already.") % {"person": person})
        guards.ask(guards.StandingChange(by, person))
        person.is_active = False
        person.save(update_fields=["is_active"])
        somebody_still_manages_people()
        tokens, along = end_all_of(person, by=by, reason=reason)
        ended = sessions.end_all_of(person)
        invitations.revoke_open(person)
        trial.done(
            reason=reason,
            before={"active": True},
            after={"active": False},
            tokens_revoked=tokens,
            tokens_ended_along=along,
            sessions_ended=ended,
        )


def reactivate(user: User | int, *, by: User, reason: str) -> None:
    """Let a person in again, with the groups they are in. Old sessions and tokens stay dead.

    Raises NotAllowed, NotVisible, InvalidInput (reason), Conflict (is active already), RuleViolation (a guard).
    """
    with managing(Action.USER_REACTIVATED, by=by, target=target_of("person", user), person=user) as trial:
        person = _person(user, trial)
        needs_reason(reason)
        if person.is_active:
            raise Conflict(_("%(person)s is active already.") % {"person": person})
        person.is_active = True
        guards.ask(guards.StandingChange(by, person))
        person.save(update_fields=["is_active"])
        trial.done(reason=reason, before={"active": False}, after={"active": True})


def invite(
    *, by: User, username: str = "", email: str = "", first_name: str = "", last_name: str = "", reason: str = ""
) -> invitations.NewInvitation:
    """Make a link by which a person chooses their password; a person who is not there yet is added, in no group.

    Without a user name, the e-mail address is it. For somebody who is there the link opens their account with another
    password: a guard may object, sessions end when it is used, and their second factor is asked for as ever. Raises
    NotAllowed, InvalidInput (username, email), RuleViolation (a guard), Conflict for somebody inactive or a machine.
    """
    username = username.strip() or email.strip()
    with managing(Action.USER_INVITED, by=by, target=Target("person", username)) as trial:
        if not username:
            raise InvalidInput(_("Write an e-mail address or a user name."), field="username")
        if not settings.PASSWORD_SIGN_IN:
            raise RuleViolation(
                _("Nobody signs in by password here: people come by single sign-on, without invitation.")
            )
        person = User.objects.select_for_update(no_key=True).filter(username=username).first()
        if person is None:
            lookalikes.check_free(username)
            person, new = User(username=username, first_name=first_name, last_name=last_name, email=email), True
            person.set_unusable_password()
            _validate(None, lambda: person.clean_fields(exclude=["password"]))
            person.save()
        else:
            new = False
            if person.is_service:
                message = _("%(person)s has no password: a service account acts through tokens. Make one on its page.")
                raise Conflict(message % {"person": person}, field="username")
            if not person.is_active:
                raise Conflict(
                    _("%(person)s is inactive. Reactivate them first.") % {"person": person}, field="username"
                )
            guards.ask(guards.StandingChange(by, person))
        made = invitations.issue(person, by=by)
        ends = made.invitation.expires_at.isoformat()
        trial.done(reason=reason, new=new, in_use=invitations.in_use(person), email=person.email, expires_at=ends)
    return invitations.mail(made)


def follow_provider(group: Group, user: User, member: bool, *, by: Actor) -> None:
    """Put a person into a group, or take them out, because a provider of identities says so; no guard can object.

    Raises RuleViolation when nobody could manage people any more.
    """
    target = Target("group", group.name)
    with attempt(Action.MEMBERSHIP_CHANGED, by=by, target=target, person=user.get_username()) as trial:
        list(Group.objects.select_for_update(no_key=True).order_by("pk").values_list("pk"))  # in line, as `managing`
        guards.lock_people(user.pk)
        before = user.groups.filter(pk=group.pk).exists()
        managed = grants.lasting_holders(Permission.PEOPLE_MANAGE).exists()
        guards.tell(guards.MembershipChange(User(username=by.name), group, user))
        (user.groups.add if member else user.groups.remove)(group)
        if managed:
            somebody_still_manages_people()
        trial.done(before={"member": before}, after={"member": member})


def reset_factors(user: User | int, *, by: User, reason: str) -> None:
    """Remove every second factor of somebody who lost theirs; their sessions end. Another admin does one's own.

    Raises NotAllowed, NotVisible, InvalidInput (reason), RuleViolation (oneself, a guard), Conflict (has none).
    """
    with managing(Action.FACTOR_REMOVED, by=by, target=target_of("person", user), person=user) as trial:
        person = _person(user, trial)
        needs_reason(reason)
        if person.pk == by.pk:
            raise RuleViolation(
                _("Your own second factors are reset by another admin, or removed on your account page.")
            )
        guards.ask(guards.StandingChange(by, person))
        removed = factors.remove_all(person)
        if not removed:
            raise Conflict(_("%(person)s has no second factor.") % {"person": person})
        trial.done(reason=reason, factors=removed, sessions_ended=sessions.end_all_of(person))


def end_sessions(user: User | int, *, by: User, reason: str) -> int:
    """Sign somebody out everywhere; return how many sessions ended. Raises NotAllowed, NotVisible, InvalidInput."""
    with managing(Action.SESSION_ENDED, by=by, target=target_of("person", user), person=user) as trial:
        person = _person(user, trial)
        needs_reason(reason)
        ended = sessions.end_all_of(person)
        trial.done(reason=reason, sessions=ended)
    return ended


def _person(user: User | int, trial: Attempt) -> User:
    person = locked(User, user)
    trial.target = Target("person", person.get_username())
    return person


def _change_membership(group: Group | int, user: User | int, member: bool, *, by: User, reason: str) -> None:
    with managing(Action.MEMBERSHIP_CHANGED, by=by, target=target_of("group", group), person=user) as trial:
        changed, person = locked(Group, group), locked(User, user)
        trial.target, trial.data = Target("group", changed.name), {"person": person.get_username()}
        before = person.groups.filter(pk=changed.pk).exists()
        if before != member:
            guards.ask(guards.MembershipChange(by, changed, person))
        change = person.groups.add if member else person.groups.remove
        change(changed)
        somebody_still_manages_people()
        trial.done(reason=reason, before={"member": before}, after={"member": member})


def _known(roles: Iterable[Role | str]) -> list[Role]:
    names = [role.name if isinstance(role, Role) else role for role in roles]
    unknown = [name for name in names if name not in ROLES]
    if unknown:
        message = _("There is no role “%(name)s”. Choose from: %(roles)s.")
        raise InvalidInput(message % {"name": unknown[0], "roles": ", ".join(ROLES)}, field="roles")
    return [ROLES[name] for name in names]


def _validate(field: str | None, check: Any, called: dict[str, str] | None = None) -> None:
    """Turn Django's validation error into ours, naming the first field at fault, as it is `called`."""
    try:
        check()
    except ValidationError as error:
        at_fault = field or next(iter(error.message_dict))
        messages = error.messages if field else error.message_dict[at_fault]
        raise InvalidInput(" ".join(messages), field=(called or {}).get(at_fault, at_fault)) from error
