"""People, tokens and grants as the API speaks them."""

from typing import Any

from rest_framework import serializers

from apps.accounts import grants, tokens
from apps.accounts.factors.queries import FIRST_OF_ALL, RECOVERY
from apps.accounts.forms import MAX_REASON
from apps.accounts.grant_forms import MAX_NAME, STATES
from apps.accounts.grant_scopes import MAX_VALUE
from apps.accounts.models import GrantScope, TokenScope, User
from apps.accounts.profiles import PersonState
from apps.strict import Strict


class GrantFilterIn(Strict):
    """Which grants to list."""

    holder = serializers.CharField(required=False, max_length=MAX_NAME, help_text="A group, or a user name.")
    role = serializers.CharField(required=False, max_length=MAX_NAME, help_text="A role, or a permission.")
    scope = serializers.ChoiceField(GrantScope.choices, required=False)
    show = serializers.ChoiceField([key for key, _label in STATES if key], required=False, help_text="Else: in force.")


class GrantIn(Strict):
    """A role for a group or a person: one of the two is named."""

    group = serializers.CharField(required=False, default="", max_length=MAX_NAME)
    person = serializers.CharField(required=False, default="", max_length=MAX_NAME, help_text="A user name.")
    role = serializers.CharField(max_length=MAX_NAME, help_text="A role, or a single permission.")
    scope = serializers.ChoiceField(GrantScope.choices, required=False, default=GrantScope.REGISTRY.value)
    value = serializers.CharField(
        required=False, default="", allow_blank=True, max_length=MAX_VALUE, trim_whitespace=False,
        help_text="The model's name, a pattern (churn-*), a tag (key=value), a tier or a server.",
    )  # fmt: skip
    until = serializers.DateField(required=False, allow_null=True, default=None, help_text="The last day, in UTC.")
    reason = serializers.CharField(max_length=MAX_REASON)


class EndIn(Strict):
    """Why a grant ends."""

    reason = serializers.CharField(max_length=MAX_REASON)


class GrantOut(serializers.Serializer):
    """One grant: who holds what on what, until when, given by whom and why."""

    id = serializers.IntegerField(source="grant.pk")
    group = serializers.CharField(source="through.name", allow_null=True, default=None)
    person = serializers.CharField(source="grant.person.username", allow_null=True, default=None)
    role = serializers.CharField(source="grant.role")
    scope = serializers.CharField(source="grant.scope")
    value = serializers.CharField(source="grant.value")
    on = serializers.CharField(help_text="In words; one model by its name.")
    until = serializers.DateField(source="grant.last_day", allow_null=True, help_text="The last day, in UTC.")
    in_force = serializers.BooleanField(source="grant.in_force")
    reason = serializers.CharField(source="grant.reason")
    made_by = serializers.CharField(source="grant.made_by")
    made_at = serializers.DateTimeField(source="grant.made_at")
    ended_at = serializers.DateTimeField(source="grant.ended_at", allow_null=True)
    ended_by = serializers.CharField(source="grant.ended_by")
    ended_reason = serializers.CharField(source="grant.ended_reason")


class MeOut(serializers.Serializer):
    """A person, with roles and permissions held on the whole registry."""

    username = serializers.CharField()
    name = serializers.CharField(source="__str__")
    roles = serializers.SerializerMethodField()
    permissions = serializers.SerializerMethodField()

    def get_roles(self, user: User) -> list[str]:
        return grants.roles_of(user)

    def get_permissions(self, user: User) -> list[str]:
        return sorted(grants.held_permissions(user))


class SignInOut(serializers.Serializer):
    """When and how somebody came in last."""

    at = serializers.DateTimeField()
    method = serializers.CharField(help_text="Such as `password, totp`; empty where nothing is left that says so.")


class FactorOut(serializers.Serializer):
    """A second factor, without anything that answers for it."""

    kind = serializers.ChoiceField(choices=[*FIRST_OF_ALL, RECOVERY])
    created_at = serializers.DateTimeField()
    last_used_at = serializers.DateTimeField(allow_null=True)


class PersonOut(serializers.Serializer):
    """A person: how they come in, and what they hold by which grants. Secrets are nowhere."""

    username = serializers.CharField(source="person.username")
    name = serializers.CharField(source="person")
    email = serializers.CharField(source="person.email")
    state = serializers.ChoiceField(choices=[state.value for state in PersonState])
    service_account = serializers.BooleanField(source="person.is_service")
    superuser = serializers.BooleanField(source="person.is_superuser")
    groups = serializers.ListField(child=serializers.CharField())
    last_sign_in = SignInOut(source="signed_in", allow_null=True)
    second_factors = FactorOut(source="factors", many=True)
    sessions = serializers.IntegerField(help_text="How many are alive.")
    roles = serializers.ListField(child=serializers.CharField(), help_text="Held on the whole registry.")
    permissions = serializers.ListField(child=serializers.CharField(), help_text="Held on the whole registry.")
    grants = GrantOut(many=True, source="chains", help_text="Those in force, 50 at most; all: `/api/v1/grants/`.")
    grants_total = serializers.IntegerField(source="total")


class TokenOut(serializers.Serializer):
    """A token, without its secret."""

    prefix = serializers.CharField(source="token.prefix", help_text="Names it; opens nothing.")
    name = serializers.CharField(source="token.name")
    account = serializers.CharField(source="token.user.username", help_text="For whom it acts.")
    scope = serializers.ChoiceField(choices=TokenScope.choices, source="token.scope")
    limited = serializers.SerializerMethodField(help_text="Whether it sees some models alone.")
    models = serializers.SerializerMethodField(help_text="Those that it sees, as far as you see them.")
    unseen_models = serializers.IntegerField(source="unseen", help_text="How many others it sees.")
    created_at = serializers.DateTimeField(source="token.created_at")
    expires_at = serializers.DateTimeField(source="token.expires_at")
    last_used_at = serializers.DateTimeField(source="token.last_used_at", allow_null=True)
    last_used_from = serializers.CharField(source="token.last_used_from", help_text="An address.")
    old_secret_until = serializers.DateTimeField(source="token.old_until", allow_null=True)
    revoked_at = serializers.DateTimeField(source="token.revoked_at", allow_null=True)
    usable = serializers.BooleanField(source="token.usable")

    def get_limited(self, row: Any) -> bool:
        return row.token.limited_to is not None

    def get_models(self, row: Any) -> list[str]:
        return [getattr(model, "reference", str(model)) for model in row.models]


class NewTokenOut(TokenOut):
    """A token just made or renewed, with its text, which is never shown again."""

    text = serializers.CharField()


class EndedTokenOut(serializers.Serializer):
    """A token that was ended."""

    prefix = serializers.CharField()
    ended_along = serializers.IntegerField(help_text="How many tokens, made through it, ended with it.")


class RenewedTokenOut(NewTokenOut):
    """A token that was renewed, with its new text, which is never shown again."""

    ended_along = serializers.IntegerField(help_text="How many tokens, made through it, ended with its old secret.")


class TokenIn(Strict):
    """What a token is to be. Through a token, none that may more, on more models, or longer."""

    name = serializers.CharField(max_length=tokens.MAX_NAME, help_text="What it is for.")
    scope = serializers.ChoiceField(choices=TokenScope.choices, required=False, default=TokenScope.READ.value)
    models = serializers.ListField(
        child=serializers.CharField(trim_whitespace=False), required=False, default=list,
        help_text="The only models that it sees; none: all that you see.",
    )  # fmt: skip
    days = serializers.IntegerField(
        required=False, allow_null=True, default=None, min_value=1, max_value=tokens.MAX_DAYS,
        help_text="Null: 90, or as long as the token that you use.",
    )  # fmt: skip
    account = serializers.CharField(
        required=False, default="", allow_blank=True, max_length=MAX_NAME,
        help_text="A service account, for `people:manage`. Empty: yourself.",
    )  # fmt: skip


class RenewIn(Strict):
    """How long the new secret and the old one work."""

    days = serializers.IntegerField(
        required=False, allow_null=True, default=None, min_value=1, max_value=tokens.MAX_DAYS,
        help_text="Null: 90, or as long as the token that you use.",
    )  # fmt: skip
    overlap = serializers.IntegerField(
        required=False, default=tokens.DEFAULT_OVERLAP, min_value=0, max_value=tokens.MAX_OVERLAP,
        help_text="For how many hours the old secret works on.",
    )  # fmt: skip


class ConflictFilterIn(Strict):
    """Which conflicts to list."""

    acknowledged = serializers.BooleanField(
        required=False, default=None, allow_null=True, help_text="Only those that are wanted, or only the others."
    )
    person = serializers.CharField(required=False, max_length=MAX_NAME, help_text="A user name.")


class AcknowledgementOut(serializers.Serializer):
    """That a conflict is known and wanted."""

    reason = serializers.CharField()
    made_by = serializers.CharField()
    made_at = serializers.DateTimeField()


class ConflictOut(serializers.Serializer):
    """Somebody who both registers and signs the same models, and by which grants."""

    person = serializers.CharField(source="person.username")
    models = serializers.IntegerField(allow_null=True, help_text="On how many; null: on all.")
    example = serializers.CharField(help_text="One of them; empty where it is all, or out of your sight.")
    superuser = serializers.BooleanField(source="person.is_superuser", help_text="Who holds both by no grant.")
    registers_by = GrantOut(many=True, source="writes", help_text="Five at most.")
    signs_by = GrantOut(many=True, source="signs", help_text="Five at most.")
    acknowledged = AcknowledgementOut(allow_null=True)
