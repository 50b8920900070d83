"""Delegations as the API speaks them."""

from rest_framework import serializers

from apps.approvals.delegating.forms import MAX_NAME
from apps.approvals.models import Delegation
from apps.approvals.serializers import Strict
from apps.texts import MAX_TEXT


class DelegationFilter(Strict):
    """Query parameters of the list of delegations."""

    current = serializers.BooleanField(
        required=False, default=None, allow_null=True, help_text="Only those that hold now or will, or only the others."
    )
    person = serializers.CharField(
        required=False, max_length=MAX_NAME, help_text="A user name: only those that this person gave or holds."
    )


class DelegationIn(Strict):
    """Lend reviews to somebody, for a while."""

    delegate = serializers.CharField(max_length=MAX_NAME, help_text="The user name of whoever is to review.")
    delegator = serializers.CharField(
        max_length=MAX_NAME, required=False, default="", help_text="Empty: yourself. Others: `people:manage`."
    )
    model = serializers.CharField(
        required=False, allow_null=True, default=None, trim_whitespace=False, help_text="Null: every model."
    )
    starts_at = serializers.DateTimeField(required=False, allow_null=True, default=None, help_text="Null: from now on.")
    ends_at = serializers.DateTimeField()
    reason = serializers.CharField(max_length=MAX_TEXT, required=False, allow_blank=True, default="")


class RevokeDelegationIn(Strict):
    """Why a delegation ends; needed where it is neither yours nor held by you."""

    reason = serializers.CharField(max_length=MAX_TEXT, required=False, allow_blank=True, default="")


class DelegationOut(serializers.ModelSerializer):
    """Who reviews for whom, on what, from when until when."""

    delegator = serializers.CharField(source="delegator.username")
    delegate = serializers.CharField(source="delegate.username")
    model = serializers.CharField(
        source="model.reference", default=None, allow_null=True, help_text="Null: every model."
    )

    class Meta:
        model = Delegation
        fields = (
            "id",
            "delegator",
            "delegate",
            "model",
            "starts_at",
            "ends_at",
            "reason",
            "created_at",
            "revoked_at",
        )
