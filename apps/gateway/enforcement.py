"""Who may do what through the door: each guard of the table is one function. What has none is refused.

    @guards("run.read")
    def read_run(call: Call, who: Caller) -> Answer | None: ...

A guard raises a DomainError to refuse, returns an answer of its own, or None to let MLflow answer.
"""

from collections.abc import Callable

from django.utils.translation import gettext as _

from apps.accounts import scopes
from apps.gateway.callers import Caller
from apps.gateway.canonical import Answer, Call
from apps.gateway.errors import NoSuchRoute

Guard = Callable[[Call, Caller], Answer | None]
_guards: dict[str, Guard] = {}


def guards(*names: str) -> Callable[[Guard], Guard]:
    """Register a function as the guard of rows of the table."""

    def register(guard: Guard) -> Guard:
        for name in names:
            if name in _guards:
                raise RuntimeError(f"two guards for {name}")
            _guards[name] = guard
        return guard

    return register


def known() -> frozenset[str]:
    """Return the names of all guards."""
    return frozenset(_guards)


def enforce(call: Call, who: Caller) -> Answer | None:
    """Ask the guard of a call. Raises what it raises, and NoSuchRoute where there is none."""
    guard = _guards.get(call.route.guard)
    if guard is None:
        raise NoSuchRoute(_("This part of MLflow is not reachable through Assent. docs/gateway.md lists what is."))
    if call.route.guard != "open":
        who.needs(scopes.READ)
    return guard(call, who)
