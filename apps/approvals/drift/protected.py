"""Protected aliases: where one points is governed on every model, from the moment that it is protected."""

import re

from django.db import IntegrityError, transaction
from django.db.models import Q
from django.utils.translation import gettext as _

from apps.accounts import grants
from apps.accounts.models import User
from apps.accounts.permissions import Permission
from apps.approvals.aiming import NOT_SERVED
from apps.approvals.models import UNFINISHED, ApprovalRequest, ProtectedAlias
from apps.audit import services as audit
from apps.audit.actions import Action
from apps.audit.services import Target
from apps.errors import Conflict, InvalidInput, NotAllowed, NotVisible, RuleViolation
from apps.texts import text_from

ALIAS = re.compile(r"[\w-]{1,255}")  # what MLflow takes
RESERVED = re.compile(r"latest|v\d+", re.IGNORECASE)  # MLflow's own words: no alias can have such a name


def protect(alias: str, *, reason: str, by: User) -> ProtectedAlias:
    """Protect an alias on every model. Where it points now is taken as it is.

    Raises NotAllowed without `policy:manage`, InvalidInput (naming the field) and Conflict when it is protected.
    """
    with audit.attempt(Action.ALIAS_PROTECTED, by=grants.actor(by), target=_target(alias)) as trial:
        _may_manage(by)
        if not ALIAS.fullmatch(alias) or RESERVED.fullmatch(alias):
            message = _(
                "An alias has letters, digits, hyphens and underscores; “latest” and “v1” are MLflow's own words."
            )
            raise InvalidInput(message, field="alias")
        reason = text_from(reason, field="reason")
        row = ProtectedAlias(alias=alias, added_by=by.get_username(), reason=reason)
        try:
            with transaction.atomic():
                row.save(force_insert=True)
        except IntegrityError as error:
            message = _("@%(alias)s is protected already.") % {"alias": alias}
            raise Conflict(message, field="alias") from error
        trial.done(reason=reason, after={"alias": alias})
    return row


def unprotect(alias: str, *, reason: str, by: User) -> None:
    """Protect an alias no longer. Findings that are open stay, so that somebody says what becomes of them.

    Not by somebody whose own unfinished request would move the alias: nobody takes away what they are judged by. Raises
    NotAllowed without `policy:manage`, RuleViolation, NotVisible for an alias that is not protected, and InvalidInput.
    """
    with audit.attempt(Action.ALIAS_UNPROTECTED, by=grants.actor(by), target=_target(alias)) as trial:
        _may_manage(by)
        reason = text_from(reason, field="reason")
        if own := _request_for(alias, by):
            message = _("Your own request %(number)s would move @%(alias)s, so somebody else has to do this.")
            raise RuleViolation(message % {"number": own.pk, "alias": alias})
        removed, _rows = ProtectedAlias.objects.filter(alias=alias).delete()
        if not removed:
            raise NotVisible(_("No alias of this name is protected."))
        trial.done(reason=reason, before={"alias": alias})


def _request_for(alias: str, by: User) -> ApprovalRequest | None:
    own = ApprovalRequest.objects.filter(requester=by, state__in=UNFINISHED)
    moves = Q(alias=alias) | Q(policy__moves_alias=alias) & ~Q(to_stage__in=["", *NOT_SERVED])
    return own.filter(moves).order_by("pk").first()


def _may_manage(by: User) -> None:
    if not grants.allows(by, Permission.POLICY_MANAGE):
        raise NotAllowed(_("Protecting aliases needs the admin role. Ask an admin."))


def _target(alias: str) -> Target:
    return Target("alias", f"@{alias}")
