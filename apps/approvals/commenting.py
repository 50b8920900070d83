"""Comments on a version: said by whoever works with it or signs it, changed and removed by who said them."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.db.models import Count, Window
from django.utils.translation import gettext as _

from apps.accounts import grants
from apps.accounts.models import User
from apps.accounts.permissions import Permission
from apps.approvals import visibility
from apps.approvals.models import VersionComment
from apps.audit import services as audit
from apps.audit.actions import Action
from apps.audit.services import Attempt, Target
from apps.errors import NotAllowed, NotVisible, WrongState
from apps.registry import queries as registry
from apps.registry.models import ModelVersion
from apps.texts import text_from

NEEDED = frozenset({Permission.MODEL_WRITE, Permission.MODEL_REVIEW})  # either of them
MOST = 1000  # comments on one version
SHOWN = 50  # of them on its page


def comment(version_id: int, body: str, *, by: User) -> VersionComment:
    """Comment on a version.

    Raises NotVisible, NotAllowed without `model:write` or `model:review`, InvalidInput (field "comment"), and
    WrongState where there are as many comments as one version takes.
    """
    target = Target("version", f"version {version_id}")
    with audit.attempt(Action.VERSION_COMMENTED, by=grants.actor(by), target=target) as trial:
        version = visibility.visible_version(version_id, by)
        _about(trial, version, by)
        text = text_from(body, field="comment")
        if version.comments.count() >= MOST:
            raise WrongState(_("There are %(most)s comments on this version. Remove some first.") % {"most": MOST})
        row = VersionComment.objects.create(version=version, author=by, body=text)
        trial.done(reason=text, comment=row.pk, version=str(version))
    return row


def change(number: int, body: str, *, by: User) -> VersionComment:
    """Change one's own comment. Raises NotVisible, NotAllowed for somebody else's, InvalidInput (field "comment")."""
    with _own(Action.VERSION_COMMENT_CHANGED, number, by) as (row, trial):
        before, row.body = row.body, text_from(body, field="comment")
        row.save(update_fields=["body", "updated_at"])
        trial.done(
            reason=row.body, comment=row.pk, version=str(row.version), before={"text": before}, after={"text": row.body}
        )
    return row


def remove(number: int, *, by: User) -> ModelVersion:
    """Remove one's own comment; the trail keeps it. Returns its version.

    Raises NotVisible, NotAllowed for somebody else's.
    """
    with _own(Action.VERSION_COMMENT_REMOVED, number, by) as (row, trial):
        trial.done(comment=row.pk, version=str(row.version), before={"text": row.body}, after={"text": None})
        row.delete()
    return row.version


def may_comment(version: ModelVersion, user: Any) -> bool:
    """Return whether somebody comments on this version."""
    return not NEEDED.isdisjoint(grants.held_permissions(user, version.model))


def is_author(row: VersionComment, user: Any) -> bool:
    """Return whether somebody wrote this comment: they alone change and remove it, while they may comment."""
    return bool(row.author_id == getattr(user, "pk", None))


def newest(version: ModelVersion) -> tuple[list[Any], int]:
    """Return the newest comments on a version, the oldest of them first, and how many there are in all."""
    rows = version.comments.select_related("author").annotate(total=Window(Count("pk"))).order_by("-id")
    found = list(rows[:SHOWN])[::-1]
    return found, found[0].total if found else 0


@contextmanager
def _own(action: Action, number: int, by: User) -> Iterator[tuple[VersionComment, Attempt]]:
    """Lock a comment of `by` for a change that is recorded. Raises NotVisible, NotAllowed."""
    target = Target("comment", f"comment {number}")
    with audit.attempt(action, by=grants.actor(by), target=target) as trial:
        rows = VersionComment.objects.select_for_update(of=("self",)).select_related("version__model")
        seen = rows.filter(version__model__in=registry.visible_models(by), pk=number) if 0 < number < 2**63 else None
        row = seen.first() if seen is not None else None
        if row is None:
            raise NotVisible(_("There is no such comment, or you may not see it."))
        _about(trial, row.version, by)
        if not is_author(row, by):
            raise NotAllowed(_("Only who wrote a comment changes or removes it."))
        yield row, trial


def _about(trial: Attempt, version: ModelVersion, by: User) -> None:
    """Name the version in the trail, and refuse whoever only reads its model. Raises NotAllowed."""
    trial.by = grants.actor(by, version.model)
    trial.target = Target("version", str(version), version.model_id)
    if not may_comment(version, by):
        raise NotAllowed(_("Commenting needs the data scientist's role or the reviewer's duty on this model."))
