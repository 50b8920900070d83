"""What all changes of people share: who may make them, one at a time, and that somebody is left who may."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.apps import apps
from django.contrib.auth.models import Group
from django.db import models
from django.utils.translation import gettext as _

from apps.accounts import grants, guards
from apps.accounts.bounds import carries
from apps.accounts.models import User
from apps.accounts.permissions import Permission
from apps.audit.actions import Action
from apps.audit.chain import storable_text
from apps.audit.services import Attempt, Target, attempt
from apps.errors import InvalidInput, NotAllowed, NotVisible, RuleViolation
from apps.masking import masked


@contextmanager
def managing(action: Action, *, by: User, target: Target, person: User | int | None = None) -> Iterator[Attempt]:
    """Attempt a change of people, `person` if it is of one: one at a time, by who at this moment may manage people.

    Raises NotAllowed.
    """
    with attempt(action, by=grants.actor(by), target=target) as trial:
        in_line(by.pk, *([] if person is None else [key_of(person)]))
        if not manages_people(by):
            raise NotAllowed(_("Only an admin of the whole registry manages people. Ask one to do this."))
        yield trial


def in_line(*people: int) -> None:
    """Wait for whoever changes people at this moment, and hold others up until the commit. `people`: lock these too.

    Two admins who take the role from each other at once would leave none.
    """
    # The keys stay readable for what refers to a group or person meanwhile: a request that is opened, whose requester
    # the guards wait for.
    list(Group.objects.select_for_update(no_key=True).order_by("pk").values_list("pk"))
    # The role may be held without any group, so those who hold it stand in line too.
    admins = grants.lasting_holders(Permission.PEOPLE_MANAGE).values_list("pk", flat=True)
    guards.lock_people(*people, *admins)


def manages_people(by: User) -> bool:
    """Return whether somebody manages people as the database says it now, within the bounds of their request."""
    bounded = not carries(by, Permission.PEOPLE_MANAGE.full_name)  # by the token of this request
    return not bounded and grants.holders(Permission.PEOPLE_MANAGE).filter(pk=by.pk).exists()


def somebody_still_manages_people() -> None:
    """Refuse what would leave nobody who manages people until further notice. Raises RuleViolation."""
    if not grants.lasting_holders(Permission.PEOPLE_MANAGE).exists():
        raise RuleViolation(
            _("After this nobody could manage people, now or once a grant has ended. Make another person admin first.")
        )


def locked(kind: Any, given: Any) -> Any:
    """Return the row, locked. Raises NotVisible."""
    found = kind.objects.select_for_update(no_key=True).filter(pk=key_of(given)).first()
    if found is None:
        raise NotVisible(_("There is no such person or group any more. Load the page again."))
    return found


def needs_reason(reason: str) -> None:
    """Refuse a change without a reason. Raises InvalidInput (field "reason")."""
    if not reason.strip():
        raise InvalidInput(_("Say why: the reason is kept in the trail."), field="reason")


def kept(reason: str, most: int) -> str:
    """Return a reason as rows keep it: with credentials masked, as in the trail, and at most so many characters."""
    return storable_text(masked(reason.strip())[:most])


def visible_model(given: models.Model | int | None, by: User) -> Any:
    """Return the registered model, as `by` sees it. Accounts imports no registry: Django's table of models knows it.

    Raises NotVisible.
    """
    if given is None:
        return None
    visible = grants.visible_to(by, apps.get_model("registry", "RegisteredModel").objects.all())
    found = visible.filter(pk=key_of(given)).first()
    if found is None:
        raise NotVisible(_("There is no such model, or you may not see it."))
    return found


def target_of(kind: str, given: Any) -> Target:
    """Return how the trail names a person or group, by what is known of it so far."""
    named = given.get_username() if isinstance(given, User) else getattr(given, "name", None)
    return Target(kind, named or str(given))


def key_of(given: Any) -> Any:
    """Return the key of a row, given itself or by its key."""
    return given.pk if isinstance(given, models.Model) else given
