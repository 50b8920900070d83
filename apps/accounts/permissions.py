"""Everything that a person may be allowed to do: `<resource>:<verb>`, in alphabetical order.

`model:*` permissions are held on one registered model or on the whole registry; the others on the installation.
"""

from enum import StrEnum

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _


class Permission(StrEnum):
    """One thing that may be allowed."""

    AUDIT_READ = "audit:read"  # every event, not only those of visible models
    CONNECTION_MANAGE = "connection:manage"  # MLflow servers, their credentials and webhooks
    MODEL_BYPASS = "model:bypass"  # break the glass, two people together: the emergency duty
    MODEL_DELETE = "model:delete"
    MODEL_DEPLOY = "model:deploy"  # withdraw others' requests, retry an apply
    MODEL_READ = "model:read"
    MODEL_REVIEW = "model:review"  # sign off: the reviewer's duty
    MODEL_WRITE = "model:write"  # ask for a promotion
    PEOPLE_MANAGE = "people:manage"
    POLICY_MANAGE = "policy:manage"
    SYNC_RUN = "sync:run"
    WEBHOOK_MANAGE = "webhook:manage"  # outgoing webhooks: what leaves the house

    @property
    def codename(self) -> str:
        """The name under which Django and guardian store it."""
        return self.value.replace(":", "_")

    @property
    def on_model(self) -> bool:
        """Whether it can be held on a single registered model."""
        return self.value.startswith("model:")

    @property
    def label(self) -> str | Promise:
        """What it allows, in words."""
        return LABELS[self]

    @property
    def full_name(self) -> str:
        """`<app>.<codename>`, as Django's has_perm wants it."""
        return f"{'registry' if self.on_model else 'accounts'}.{self.codename}"


LABELS: dict[Permission, str | Promise] = {
    Permission.AUDIT_READ: _("Read the whole trail"),
    Permission.CONNECTION_MANAGE: _("Manage MLflow servers"),
    Permission.MODEL_BYPASS: _("Bypass a policy, two together"),
    Permission.MODEL_DELETE: _("Delete models and versions"),
    Permission.MODEL_DEPLOY: _("Deploy: withdraw others' requests, try again"),
    Permission.MODEL_READ: _("Read models"),
    Permission.MODEL_REVIEW: _("Sign off"),
    Permission.MODEL_WRITE: _("Ask for promotions"),
    Permission.PEOPLE_MANAGE: _("Manage people and roles"),
    Permission.POLICY_MANAGE: _("Manage policies"),
    Permission.SYNC_RUN: _("Start a sync"),
    Permission.WEBHOOK_MANAGE: _("Manage outgoing webhooks"),
}
MODEL_PERMISSIONS = tuple(permission for permission in Permission if permission.on_model)
INSTALLATION_PERMISSIONS = tuple(permission for permission in Permission if not permission.on_model)


def permission_choices() -> list[tuple[str, str]]:
    """Return every permission as forms offer it: its name, and its words with its name."""
    return [(permission.value, f"{permission.label} ({permission})") for permission in Permission]
