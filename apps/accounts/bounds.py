"""What narrows somebody's permissions for one request: the token that they act through, and being no person.

Bounds only take away. They are asked by `grants`, so that whatever asks what somebody may do, or what they see, obeys.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from apps.accounts.permissions import MODEL_PERMISSIONS, Permission

# What a service account never holds, whatever its groups: who decides, who is decided about and by which rules, and
# what is kept. Whoever may add machines would be somebody else through one of them.
PERSONS_ALONE = frozenset(
    {
        Permission.MODEL_BYPASS,
        Permission.MODEL_DELETE,
        Permission.MODEL_REVIEW,
        Permission.PEOPLE_MANAGE,
        Permission.POLICY_MANAGE,
    }
)
# What a token carries with the scope “admin” alone.
MANAGING = frozenset(
    {Permission.CONNECTION_MANAGE, Permission.PEOPLE_MANAGE, Permission.POLICY_MANAGE, Permission.WEBHOOK_MANAGE}
)
_ON_MODELS = frozenset(MODEL_PERMISSIONS)


@dataclass(frozen=True)
class Bounds:
    """`models`: the keys of the only models that there are for this request (None: all); `managing`: see MANAGING.

    `through` is the token that the person acts through (None: none), and `secret` the digest of its secret in use: no
    token that is made through it lasts longer than that secret does.
    """

    models: frozenset[int] | None = None
    managing: bool = True
    through: Any = None
    secret: str = ""


UNBOUNDED = Bounds()


def within(user: Any, held: Iterable[Permission], key: Any = None) -> frozenset[Permission]:
    """Return what is left of all that `user` holds on the model with this key, or on the whole installation (None)."""
    bounds: Bounds = user.bounds
    left = frozenset(held) - withheld(user)
    if bounds.models is None:
        return left
    return left & _ON_MODELS if key in bounds.models else frozenset()


def withheld(user: Any) -> frozenset[Permission]:
    """Return what `user` holds nowhere during this request, whatever was granted."""
    of_persons = PERSONS_ALONE if user.is_service else frozenset()
    return of_persons if user.bounds.managing else of_persons | MANAGING


def carries(user: Any, full_name: str) -> bool:
    """Return whether a permission of the whole installation, named as Django names it, is within the bounds."""
    if user.bounds.models is not None:
        return False
    return full_name not in {permission.full_name for permission in withheld(user)}
