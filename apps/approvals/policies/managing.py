"""Who may change policies and freezes, and how each attempt is recorded."""

from collections.abc import Iterator
from contextlib import contextmanager

from django.utils.translation import gettext as _

from apps.accounts import grants
from apps.accounts.models import User
from apps.accounts.permissions import Permission
from apps.audit import services as audit
from apps.audit.actions import Action
from apps.audit.services import Actor, Attempt, Target
from apps.errors import NotAllowed, NotVisible
from apps.registry.models import RegisteredModel
from apps.registry.queries import visible_models

OPERATOR = Actor("system:operator")  # whoever has the shell of the server


@contextmanager
def managing(action: Action, target: Target, *, by: User | None) -> Iterator[Attempt]:
    """Run a change in a recorded transaction. `by` None is the operator, at the server's own shell.

    Raises NotAllowed without `policy:manage`.
    """
    actor = grants.actor(by) if by else OPERATOR
    with audit.attempt(action, by=actor, target=target) as trial:
        if by:
            must_manage(by)
        yield trial


def must_manage(by: User) -> None:
    """Raise NotAllowed for somebody who does not hold `policy:manage`."""
    if not grants.allows(by, Permission.POLICY_MANAGE):
        raise NotAllowed(_("Changing policies and freezes needs the admin role. Ask an admin."))


def name_of(by: User | None) -> str:
    """Return who acts as policies and freezes keep it."""
    return by.get_username() if by else OPERATOR.name


def must_see(model: RegisteredModel | None, by: User | None) -> None:
    """Raise NotVisible for a model that the person may not read."""
    if model and by and not visible_models(by).filter(pk=model.pk).exists():
        raise NotVisible(_("There is no such model, or you may not see it."))
