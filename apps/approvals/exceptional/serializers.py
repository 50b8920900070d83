"""Bypasses, reviews afterwards, rollbacks and certifying anew as the API speaks them."""

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from apps.approvals.exceptional import recertification
from apps.approvals.exceptional.forms import MAX_PASSWORD
from apps.approvals.exceptional.queries import Month
from apps.approvals.exceptional.rollback import PLACES, RollbackTarget
from apps.approvals.models import AfterReview, ApprovalRequest
from apps.approvals.texts import MAX_TICKET
from apps.strict import Strict
from apps.texts import MAX_TEXT

DIGEST = r"\A[0-9a-f]{64}\Z"
OWN_PASSWORD = "Your password, asked for again. It is compared and forgotten."  # noqa: S105 - a help text


class AskBypassIn(Strict):
    """Ask to go past the policy of a request."""

    reason = serializers.CharField(max_length=MAX_TEXT, help_text="At least 30 characters.")
    ticket = serializers.CharField(max_length=MAX_TICKET, help_text="Its name, or its https address.")
    password = serializers.CharField(max_length=MAX_PASSWORD, trim_whitespace=False, help_text=OWN_PASSWORD)
    evidence_digest = serializers.RegexField(DIGEST)


class ConfirmBypassIn(Strict):
    """Be the second person."""

    password = serializers.CharField(max_length=MAX_PASSWORD, trim_whitespace=False, help_text=OWN_PASSWORD)
    evidence_digest = serializers.RegexField(DIGEST)


class DropBypassIn(Strict):
    """Think better of it."""

    reason = serializers.CharField(max_length=MAX_TEXT, required=False, allow_blank=True, default="")


class _SignedIn(Strict):
    """Signed like a vote: it names the evidence that was read, with the password where the policy wants it."""

    password = serializers.CharField(
        max_length=MAX_PASSWORD,
        trim_whitespace=False,
        required=False,
        allow_blank=True,
        default="",
        help_text=f"{OWN_PASSWORD} Needed where the policy wants it.",
    )
    evidence_digest = serializers.RegexField(DIGEST)


class AfterReviewIn(_SignedIn):
    """Say afterwards whether it was right, naming the evidence that was read."""

    ratified = serializers.BooleanField(help_text="False: it stays until somebody rolls it back.")
    comment = serializers.CharField(max_length=MAX_TEXT)


class RecertifyIn(_SignedIn):
    """Say that an approval still holds, naming the evidence that was read."""

    comment = serializers.CharField(max_length=MAX_TEXT, required=False, allow_blank=True, default="")


class PlaceIn(Strict):
    """A stage, or a protected alias."""

    stage = serializers.ChoiceField(choices=[stage.value for stage in PLACES], required=False, default="")
    alias = serializers.CharField(max_length=255, required=False, default="")


class RollbackIn(PlaceIn):
    """Go back; without a version to the last that was there and can return."""

    version = serializers.IntegerField(min_value=1, max_value=2**31 - 1, required=False, allow_null=True, default=None)
    reason = serializers.CharField(max_length=MAX_TEXT)


class RollbackTargetOut(serializers.Serializer):
    """A version that was in the place before."""

    version = serializers.IntegerField(source="version.number")
    request = serializers.IntegerField(source="request.pk", help_text="The request that put it there.")
    until = serializers.DateTimeField(source="request.closed_at", help_text="When that request was applied.")
    possible = serializers.SerializerMethodField()
    refusal = serializers.CharField(help_text="Why it cannot go back; empty when it can.")

    def get_possible(self, target: RollbackTarget) -> bool:
        return not target.refusal


class AfterReviewOut(serializers.ModelSerializer):
    """A review that a bypass or a rollback owes."""

    request = serializers.IntegerField(source="request_id")
    model = serializers.CharField(source="request.version.model.reference")
    version = serializers.IntegerField(source="request.version.number")
    target = serializers.CharField(source="request.target", help_text="A stage, or an alias as @name.")
    bypassed = serializers.BooleanField(source="request.bypassed", help_text="False: a rollback.")
    requester = serializers.CharField(source="request.requester.username")

    class Meta:
        model = AfterReview
        fields = ("request", "model", "version", "target", "bypassed", "requester", "due_at", "overdue_at")


class EndingOut(serializers.ModelSerializer):
    """An approval in force that has lapsed, or ends soon: within fourteen days, or half of a shorter period."""

    request = serializers.IntegerField(source="pk")
    model = serializers.CharField(source="version.model.reference")
    version = serializers.IntegerField(source="version.number")
    target = serializers.CharField(help_text="A stage, or an alias as @name.")
    standing = serializers.SerializerMethodField()

    class Meta:
        model = ApprovalRequest
        fields = ("request", "model", "version", "target", "standing", "recertify_by", "lapsed_at")

    @extend_schema_field(serializers.ChoiceField(["due", "overdue", "lapsed"]))
    def get_standing(self, request: ApprovalRequest) -> str:
        return recertification.standing(request, self.context["now"])


class MonthOut(serializers.Serializer):
    """How many bypasses were confirmed in a month."""

    month = serializers.SerializerMethodField(help_text="YYYY-MM, in UTC.")
    bypasses = serializers.IntegerField()

    def get_month(self, row: Month) -> str:
        return f"{row.month:%Y-%m}"


class ExceptionsOut(serializers.Serializer):
    """How much is beside the ordinary on the models that you may read."""

    owed = serializers.IntegerField(help_text="Reviews afterwards that are not given yet.")
    overdue = serializers.IntegerField(help_text="Those of them whose time is over.")
    not_ratified = serializers.IntegerField(help_text="Reviewed, not ratified, and in force all the same.")
    ending = serializers.IntegerField(help_text="Approvals in force that lapsed, or end soon.")
    bypasses: Any = MonthOut(many=True, help_text="By month, the last twelve.")
