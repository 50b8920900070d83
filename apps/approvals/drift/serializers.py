"""Drift and protected aliases as the API speaks them."""

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from apps.accounts.assurance import SignWith
from apps.approvals.drift import queries, sentences
from apps.approvals.exceptional.forms import MAX_PASSWORD
from apps.approvals.exceptional.serializers import OWN_PASSWORD
from apps.approvals.models import DriftFinding, DriftKind, DriftState, ProtectedAlias
from apps.approvals.serializers import Strict
from apps.texts import MAX_TEXT


class DriftFilter(Strict):
    """Query parameters of the list of drift."""

    state = serializers.ChoiceField(choices=DriftState.choices, required=False)
    settled = serializers.BooleanField(
        required=False, default=None, allow_null=True, help_text="Only settled ones, or only those that are not."
    )
    kind = serializers.ChoiceField(choices=DriftKind.choices, required=False)
    model = serializers.CharField(required=False, help_text="The model's exact name.", trim_whitespace=False)
    connection = serializers.CharField(required=False, help_text="The MLflow server's name.", trim_whitespace=False)


class ReasonIn(Strict):
    """A reason, kept with the decision."""

    reason = serializers.CharField(max_length=MAX_TEXT)


class AcceptIn(ReasonIn):
    """What was read that MLflow says, a reason, and the password where the policy signs with one."""

    found = serializers.CharField(
        max_length=MAX_TEXT, allow_blank=True, trim_whitespace=False, help_text="As the finding shows it: `found`."
    )
    password = serializers.CharField(
        max_length=MAX_PASSWORD,
        trim_whitespace=False,
        required=False,
        allow_blank=True,
        default="",
        help_text=f"{OWN_PASSWORD} Needed where the policy of the stage or the alias wants it.",
    )


class MaybeReasonIn(Strict):
    """A reason, if there is one to tell."""

    reason = serializers.CharField(max_length=MAX_TEXT, required=False, allow_blank=True, default="")


class DriftOut(serializers.ModelSerializer):
    """A finding, as a list shows it."""

    model = serializers.CharField(source="model.reference")
    version = serializers.IntegerField(
        source="version.number", default=None, allow_null=True, help_text="Of an alias: where it points; null: nowhere."
    )
    expected = serializers.CharField(help_text="A stage, a version number (alias; empty: none), or a digest.")
    found = serializers.CharField(help_text="What MLflow says, in the same way.")
    decision = serializers.IntegerField(
        source="decision_id", allow_null=True, help_text="The applied request that says otherwise; null: none did."
    )
    request = serializers.IntegerField(
        source="request_id", allow_null=True, help_text="The request that asks to make it a decision."
    )
    sentence = serializers.SerializerMethodField(help_text="The finding in one sentence.")

    class Meta:
        model = DriftFinding
        fields: tuple[str, ...] = (
            "id",
            "model",
            "version",
            "kind",
            "alias",
            "state",
            "expected",
            "found",
            "decision",
            "request",
            "sentence",
            "first_seen_at",
            "last_seen_at",
            "error",
            "settled_at",
            "settled_by",
            "reason",
        )

    def get_sentence(self, finding: DriftFinding) -> str:
        return sentences.sentence(finding)


class SettlementOut(serializers.Serializer):
    """Something that can be done about it; `refusal` null: you may do it."""

    action = serializers.CharField()
    label = serializers.CharField()  # type: ignore[assignment]
    refusal = serializers.CharField(allow_null=True)
    reason_needed = serializers.BooleanField()
    password_needed = serializers.BooleanField(help_text="Whether it is signed with more than the reason.")
    sign_with = serializers.ChoiceField(source="asks", choices=SignWith.choices, help_text="What it is signed with.")


class DriftDetailOut(DriftOut):
    """A finding with what is known of who and when, and what can be done."""

    details = serializers.JSONField(help_text="How it was seen, MLflow's own time of the change, which files changed.")
    who = serializers.SerializerMethodField(help_text="What MLflow knows of who did it, in words.")
    actions = serializers.SerializerMethodField()

    class Meta(DriftOut.Meta):
        fields = (*DriftOut.Meta.fields, "details", "who", "actions")

    def get_who(self, finding: DriftFinding) -> str:
        return sentences.who_did_it(finding)

    @extend_schema_field(SettlementOut(many=True))
    def get_actions(self, finding: DriftFinding) -> Any:
        return SettlementOut(queries.allowed_actions(finding, self.context["request"].user), many=True).data


class ProtectedAliasOut(serializers.ModelSerializer):
    """An alias that is governed on every model."""

    class Meta:
        model = ProtectedAlias
        fields = ("alias", "added_at", "added_by", "reason")


class ProtectedAliasIn(Strict):
    """Protect an alias on every model."""

    alias = serializers.CharField(max_length=255, trim_whitespace=False)
    reason = serializers.CharField(max_length=MAX_TEXT)
