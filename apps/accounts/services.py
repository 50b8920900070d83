"""Changes to people, groups and what they may do. All need people:manage, and all are recorded."""

from collections.abc import Iterable
from typing import Any

from django.contrib.auth.models import Group
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext as _

from apps.accounts import granting, grants, guards, sessions
from apps.accounts.managing import (
    locked,
    managing,
    needs_reason,
    somebody_still_manages_people,
    target_of,
    visible_model,
)
from apps.accounts.models import User
from apps.accounts.roles import ROLES, Role
from apps.accounts.tokens import create_token, revoke_token
from apps.audit.actions import Action
from apps.audit.chain import storable_text
from apps.audit.services import Attempt, Target
from apps.errors import Conflict, InvalidInput, RuleViolation

__all__ = [
    "add_member",
    "change_grant",
    "create_group",
    "create_token",
    "create_user",
    "deactivate",
    "reactivate",
    "remove_member",
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
        if User.objects.filter(username=username).exists():
            raise Conflict(_("There is a person of this user name already. Choose another."), field="username")
        _validate("password", lambda: validate_password(password, user))
        _validate(None, lambda: user.clean_fields(exclude=["password"]))
        user.save()
        trial.done(reason=reason, after={"username": username, "name": user.get_full_name(), "email": email})
    return user


def deactivate(user: User | int, *, by: User, reason: str) -> None:
    """Shut a person out at once: no sign-in, their sessions end, their tokens are revoked. What they did stays.

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
        tokens = person.api_tokens.filter(revoked_at=None).update(revoked_at=timezone.now())
        ended = sessions.end_all_of(person)
        trial.done(
            reason=reason,
            before={"active": True},
            after={"active": False},
            tokens_revoked=tokens,
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


def _validate(field: str | None, check: Any) -> None:
    """Turn Django's validation error into ours, naming the first field at fault."""
    try:
        check()
    except ValidationError as error:
        at_fault = field or next(iter(error.message_dict))
        messages = error.messages if field else error.message_dict[at_fault]
        raise InvalidInput(" ".join(messages), field=at_fault) from error
