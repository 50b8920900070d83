"""Views: a search with its filters and order, under a name. Opening one shows each person their own models in it."""

from dataclasses import dataclass
from typing import Any

from django.db import connection
from django.db.models import Q, QuerySet
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from apps.accounts import grants
from apps.accounts.models import User
from apps.accounts.permissions import Permission
from apps.audit.actions import Action
from apps.audit.services import Target, attempt
from apps.errors import Conflict, InvalidInput, NotAllowed, NotVisible
from apps.registry import queries
from apps.registry.inventory.address import canonical
from apps.registry.models import SavedView

MOST_VIEWS = 100  # of one person
MAX_NAME = 80
LISTED = """
    SELECT owner_id, name, query FROM registry_savedview WHERE owner_id = %s OR shared ORDER BY name, id LIMIT %s
"""


@dataclass(frozen=True)
class BuiltIn:
    """A view that everybody has."""

    name: str | Promise
    query: str


BUILT_IN = (
    BuiltIn(gettext_lazy("All"), ""),
    BuiltIn(gettext_lazy("In production"), "stage=Production"),
    BuiltIn(gettext_lazy("Waiting for review"), "requests=open"),
    BuiltIn(gettext_lazy("High risk, card incomplete"), "risk=high&complete=no"),
    BuiltIn(gettext_lazy("Drifted"), "drift=open"),
    BuiltIn(gettext_lazy("No owner"), "no=owner"),
    BuiltIn(gettext_lazy("Deleted in MLflow"), "deleted=only"),
)


def visible_views(user: Any) -> QuerySet[SavedView]:
    """One's own views and those that others share, by name.

    None through a token that is limited to models: what people type into a view may name any other.
    """
    if user.is_limited:
        return SavedView.objects.none()
    return SavedView.objects.filter(Q(owner=user) | Q(shared=True)).select_related("owner").order_by("name", "pk")


def listed(user: Any, most: int) -> list[tuple[int, str, str]]:
    """Owner, name and query of the first `most` rows of visible_views.

    Written out: each page of models asks for them, and putting the query together took longer than answering it.
    """
    with connection.cursor() as cursor:
        cursor.execute(LISTED, [user.pk, most])
        return cursor.fetchall()


def get_view(user: Any, view_id: int) -> SavedView:
    """One view. Raises NotVisible."""
    found = visible_views(user).filter(pk=view_id).first() if view_id < 2**63 else None
    if found is None:
        raise NotVisible(_("There is no such view, or it is not shared with you."))
    return found


def may_remove(user: Any, view: SavedView) -> bool:
    """Whether `user` may remove a view: their own; whoever manages people also shared ones."""
    return view.owner_id == user.pk or grants.allows(user, Permission.PEOPLE_MANAGE)


def save_view(name: str, query: str, *, shared: bool, by: User) -> SavedView:
    """Keep a search under a name of one's own; to share it, one must see a model.

    Raises InvalidInput (name, query), NotAllowed, also through a token that is limited to models, and Conflict.
    """
    with attempt(Action.VIEW_SAVED, by=grants.actor(by), target=Target("view", name[:MAX_NAME])) as trial:
        if by.is_limited:  # it would not see it again, and would learn which names are taken
            raise NotAllowed(_("A token that is limited to models keeps no views. Save it in the browser instead."))
        name, query = _checked(name), canonical(query)
        _check_sharing(shared, by)
        if SavedView.objects.filter(owner=by).count() >= MOST_VIEWS:
            message = _("You have %(most)d views already. Remove one that you no longer need.") % {"most": MOST_VIEWS}
            raise Conflict(message, field="name")
        _check_free(name, by)
        view = SavedView.objects.create(owner=by, name=name, query=query, shared=shared)
        trial.done(after=_described(view))
    return view


def change_view(view_id: int, *, by: User, name: str | None = None, shared: bool | None = None) -> SavedView:
    """Rename one's own view, share it, or keep it to oneself again. Raises as save_view, and NotVisible."""
    with attempt(Action.VIEW_SAVED, by=grants.actor(by), target=Target("view", str(view_id))) as trial:
        view = _lock(view_id, by)
        if view.owner_id != by.pk:
            raise NotAllowed(_("Only whoever saved a view may change it. Save one of your own instead."))
        trial.target.name, before = view.name, _described(view)
        if name is not None and _checked(name) != view.name:
            view.name = _checked(name)
            _check_free(view.name, by)
        if shared is not None:
            _check_sharing(shared and not view.shared, by)
            view.shared = shared
        view.save(update_fields=["name", "shared"])
        trial.done(before=before, after=_described(view))
    return view


def remove_view(view_id: int, *, by: User) -> None:
    """Remove a view of one's own; whoever manages people also removes shared ones. Raises NotVisible, NotAllowed."""
    with attempt(Action.VIEW_REMOVED, by=grants.actor(by), target=Target("view", str(view_id))) as trial:
        view = _lock(view_id, by)
        trial.target.name = view.name
        if not may_remove(by, view):
            raise NotAllowed(_("Only whoever saved a view may remove it, or an admin."))
        view.delete()
        trial.done(before=_described(view))


def _lock(view_id: int, user: User) -> SavedView:
    return SavedView.objects.select_for_update(of=("self",)).get(pk=get_view(user, view_id).pk)


def _described(view: SavedView) -> dict[str, Any]:
    return {"name": view.name, "query": view.query, "shared": view.shared}


def _checked(name: str) -> str:
    name = " ".join(name.split())
    if not name or "\0" in name or len(name) > MAX_NAME:
        message = _("Give the view a name of at most %(most)d characters.") % {"most": MAX_NAME}
        raise InvalidInput(message, field="name")
    return name


def _check_free(name: str, owner: User) -> None:
    """Raise Conflict for a name in use. Two at the same moment: the row of the person lets one go first."""
    User.objects.select_for_update(no_key=True).get(pk=owner.pk)
    if SavedView.objects.filter(owner=owner, name=name).exists():
        raise Conflict(_("You already have a view “%(name)s”. Choose another name.") % {"name": name}, field="name")


def _check_sharing(shares: bool, user: User) -> None:
    if shares and not queries.visible_models(user).exists():
        raise NotAllowed(_("You see no model yet, so there is nothing to share. Keep the view to yourself."))
