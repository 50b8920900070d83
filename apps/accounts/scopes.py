"""What the scope of a token covers, and what the token leaves of its person's permissions. Never more than they hold.

Which scope an address needs stands in one table (config/api_scopes.py, named by the setting SCOPES_BY_ROUTE); what is
not in the table is open to no token.
"""

from collections.abc import Mapping

from django.conf import settings
from django.utils.module_loading import import_string

from apps.accounts.bounds import Bounds
from apps.accounts.models import ApiToken, TokenScope

GATE, READ, REGISTER, WRITE, ADMIN = (
    TokenScope.GATE,
    TokenScope.READ,
    TokenScope.REGISTER,
    TokenScope.WRITE,
    TokenScope.ADMIN,
)
# gate: may this version be used?, and nothing else. read: everything that its person may read.
# register: read, and what training and pipelines add: runs, versions, reports of checks.
# write: register, and what people do with models: ask, review, sign, settle. admin: write, and managing people,
# policies, connections and outgoing webhooks.
COVERS: dict[str, frozenset[str]] = {
    GATE: frozenset({GATE}),
    READ: frozenset({GATE, READ}),
    REGISTER: frozenset({GATE, READ, REGISTER}),
    WRITE: frozenset({GATE, READ, REGISTER, WRITE}),
    ADMIN: frozenset(TokenScope),
}
Needed = Mapping[str, Mapping[str, str]]  # name of an address → method → scope


def needed_for(view_name: str, method: str) -> str | None:
    """Return the scope that a method of an address needs; None: no token may use it. HEAD and OPTIONS are as GET."""
    table: Needed = import_string(settings.SCOPES_BY_ROUTE)
    methods = table.get(view_name, {})
    return methods.get("GET", READ) if methods and method in ("HEAD", "OPTIONS") else methods.get(method)


def covers(scope: str, needed: str) -> bool:
    """Return whether a token of `scope` may be used where `needed` is needed; an unknown scope covers nothing."""
    return needed in COVERS.get(scope, frozenset())


def covering(needed: str) -> list[str]:
    """Return the scopes that cover `needed`, the narrowest first."""
    return [scope.value for scope in TokenScope if covers(scope, needed)]


def bounds_of(token: ApiToken, *, secret: str) -> Bounds:
    """Return what the token leaves of its person's permissions; `secret`: the digest of the one that was used."""
    models = None if token.limited_to is None else frozenset(token.limited_to)
    return Bounds(models, managing=token.scope == ADMIN, through=token, secret=secret)
