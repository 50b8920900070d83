"""What the shell around every page shows."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from apps.accounts import grants
from apps.accounts.permissions import Permission
from apps.approvals.drift import queries as drift
from apps.approvals.queue import queries as queue
from apps.notifications import queries as notifications
from apps.registry import queries as registry
from apps.registry.models import RegisteredModel
from apps.written import together

MOST_COUNTED = 100  # behind an entry: nobody reads a longer number, and counting thousands takes time
THEMES = ("light", "dark")  # anything else follows the system


@dataclass(frozen=True)
class Entry:
    """One entry of the navigation. `current` is what aria-current says: "page", "true" (within its part) or nothing."""

    route: str
    label: str | Promise
    current: str = ""
    count: int = 0


AUDIT_PAGES = ("approvals:as-of", "audit:access-list", "audit:event-detail", "audit:proof")
PEOPLE_PAGES = (
    "accounts:access-review",
    "accounts:access-review-end",
    "accounts:access-review-list",
    "accounts:access-review-new",
    "accounts:group",
    "accounts:person",
    "accounts:service-account",
    "accounts:conflict-list",
    "accounts:grant-list",
    "accounts:role-table",
    "approvals:may",
)
# Route, label, permission that shows it (None: everybody who is signed in), further routes of the same part.
NAVIGATION: tuple[tuple[str, Any, Permission | None, tuple[str, ...]], ...] = (
    (
        "registry:model-list",
        _("Models"),
        None,
        (
            "registry:model-detail",
            "registry:version-detail",
            "registry:compare",
            "modelcards:card",
            "modelcards:revision",
            "modelcards:history",
            "modelcards:compare",
        ),
    ),
    ("approvals:review-queue", _("Reviews"), None, ("approvals:sign-together", "approvals:delegation-list")),
    (
        "approvals:request-list",
        _("Requests"),
        None,
        ("approvals:request-detail", "approvals:request-new", "approvals:exception-list"),
    ),
    ("approvals:drift-list", _("Drift"), None, ("approvals:drift-detail", "approvals:drift-act")),
    (
        "compliance:matrix",
        _("Compliance"),
        None,
        ("compliance:control-list", "compliance:hold-list", "compliance:evidence"),
    ),
    ("audit:event-list", _("Audit"), None, AUDIT_PAGES),
    (
        "approvals:policy-list",
        _("Policies"),
        Permission.POLICY_MANAGE,
        ("registry:metric-list", "modelcards:requirements"),
    ),
    ("accounts:people", _("People"), Permission.PEOPLE_MANAGE, PEOPLE_PAGES),
    ("registry:sync", _("Sync"), Permission.SYNC_RUN, ()),
    (
        "registry:connection-list",
        _("Connections"),
        Permission.CONNECTION_MANAGE,
        ("registry:connection-detail", "registry:connection-new"),
    ),
)


# What counts behind an entry, and the duties without which there can be nothing to count.
WAITING: dict[str, tuple[Callable[[Any], QuerySet], frozenset[Permission]]] = {
    "approvals:review-queue": (queue.waiting_for, frozenset({Permission.MODEL_REVIEW})),
    "approvals:drift-list": (drift.waiting_for, frozenset({Permission.MODEL_REVIEW, Permission.MODEL_DEPLOY})),
}
DUTIES: frozenset[Permission] = frozenset().union(*(needed for _waiting_for, needed in WAITING.values()))


@dataclass(frozen=True)
class Answers:
    """What the shell asks the database. `duties`: what one must be allowed to do for something to wait for one."""

    unread: int
    mirror: registry.SyncStatus
    duties: frozenset[Permission]  # most people hold nothing of it anywhere


class Shell:
    """Asks the database only for what a template really shows: fragments and error pages cost nothing."""

    def __init__(self, request: HttpRequest) -> None:
        self.request = request

    @property
    def theme(self) -> str:
        """The theme that the person chose, or an empty text for the system's."""
        chosen = self.request.COOKIES.get("theme", "")
        return chosen if chosen in THEMES else ""

    @cached_property
    def entries(self) -> tuple[Entry, ...]:
        """The navigation of this person."""
        held = grants.held_permissions(self.request.user)
        return tuple(
            Entry(route, label, self._current(route, within), self._count(route))
            for route, label, permission, within in NAVIGATION
            if permission is None or permission in held
        )

    @cached_property
    def name(self) -> str:
        """The person's name."""
        return str(self.request.user)

    @property
    def unread(self) -> str:
        """How many notifications wait unread, "99+" at most; empty for none."""
        count = self._answers.unread
        return "99+" if count >= notifications.MOST_COUNTED else str(count or "")

    @property
    def mirror(self) -> Any:
        """Whether MLflow answers, and how old the data is."""
        return self._answers.mirror

    @cached_property
    def _answers(self) -> Answers:
        """What a whole page shows of it all is asked at once."""
        user = self.request.user
        questions: list[Any] = [notifications.unread_question(user), registry.status_question()]
        somewhere = grants.somewhere_question(user, DUTIES, RegisteredModel)
        unread, mirror, *duties = together([*questions, somewhere] if somewhere else questions)
        return Answers(unread, mirror, duties[0] if duties else grants.held_permissions(user) & DUTIES)

    def _current(self, route: str, within: tuple[str, ...]) -> str:
        match = self.request.resolver_match
        here = match.view_name if match else ""
        return "page" if here == route else "true" if here in within else ""

    def _count(self, route: str) -> int:
        if route not in WAITING:
            return 0
        waiting_for, needed = WAITING[route]
        return waiting_for(self.request.user)[:MOST_COUNTED].count() if needed & self._answers.duties else 0


def shell(request: HttpRequest) -> dict[str, Shell]:
    """Give every template its `shell`."""
    return {"shell": Shell(request)}
