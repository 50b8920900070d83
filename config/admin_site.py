"""Django's admin over every table of ours, to be read: no row is added, changed or deleted here, and no secret shown.

Its registry and model admins are Django's; its pages are our own (admin_pages.py), for Django's sign-in, forms and
actions are just what must not be beside the product's (ADR 0034). A table that is added later is registered by itself.
"""

from typing import Any

from django.apps import apps
from django.contrib.admin import AdminSite, ModelAdmin
from django.contrib.auth.models import Group
from django.db import models
from django.http import HttpRequest

LABELS = ("accounts", "approvals", "audit", "compliance", "jobs", "modelcards", "notifications", "registry")
# A column whose name holds one of these is shown to nobody, unless it is known to be harmless: so is one added later.
SECRETIVE = ("credential", "digest", "password", "private", "sealed", "secret", "session_data", "token")
HARMLESS = {
    "artifact_digest", "digest_hour", "evidence_digest", "secret_at", "token_name", "token_prefix",
}  # fmt: skip
CREDENTIALS = {"registry.connection": {"username"}}  # secrets under other names
LISTED = 6  # columns of a list, beside the key


class ReadOnlyAdmin(ModelAdmin):
    """How every table is registered: it may be looked at by superusers, and nothing else."""

    actions = None

    def has_module_permission(self, request: HttpRequest) -> bool:
        return self.admin_site.has_permission(request)

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self.admin_site.has_permission(request)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    @property
    def kind(self) -> str:
        """How addresses and the access log name the table: "registry.modelversion"."""
        return self.opts.label_lower

    def shown(self) -> list[models.Field]:
        """Return the columns that are shown, in their order; secrets and files are not among them."""
        return [field for field in self.opts.concrete_fields if not self._is_hidden(field)]

    def hidden(self) -> list[str]:
        """Return the names of the columns that are not shown."""
        return [field.name for field in self.opts.concrete_fields if self._is_hidden(field)]

    def listed(self) -> list[models.Field]:
        """Return the columns of the list: the first short ones."""
        short = [field for field in self.shown() if not field.primary_key and not isinstance(field, models.JSONField)]
        return short[:LISTED]

    def _is_hidden(self, field: models.Field) -> bool:
        if isinstance(field, models.BinaryField) or field.name in CREDENTIALS.get(self.kind, ()):
            return True
        return field.name not in HARMLESS and any(word in field.name for word in SECRETIVE)


class ReadOnlySite(AdminSite):
    """The tables, for superusers alone: not for Django's “staff”, and through no token."""

    def has_permission(self, request: HttpRequest) -> bool:
        user = request.user
        return user.is_active and user.is_superuser

    def of_kind(self, kind: str) -> ReadOnlyAdmin | None:
        """Return the admin of a table, None for one that is not registered."""
        found = {admin.opts.label_lower: admin for admin in self._registry.values()}
        return found.get(kind)  # type: ignore[return-value]

    def by_app(self) -> list[tuple[str, list[ReadOnlyAdmin]]]:
        """Return the tables under the names of their apps, in order."""
        found: dict[str, list[Any]] = {}
        for admin in sorted(self._registry.values(), key=lambda admin: admin.opts.label_lower):
            found.setdefault(admin.opts.app_label, []).append(admin)
        return list(found.items())


def _site() -> ReadOnlySite:
    made = ReadOnlySite(name="tables")
    ours = [model for label in LABELS for model in apps.get_app_config(label).get_models()]
    made.register([Group, *ours], ReadOnlyAdmin)
    return made


site = _site()
