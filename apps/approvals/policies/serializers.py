"""Policies and freezes as the API speaks them."""

from typing import Any

from django.contrib.auth.models import Group
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from apps.accounts.assurance import SignWith
from apps.approvals.models import ApprovalPolicy, FreezeWindow, PolicyRule, Scope, Staleness
from apps.approvals.policies import content
from apps.approvals.policies.checking import BOUNDS, MAX_CHECKS, MAX_NAME, MAX_SCOPE, MAX_TOLERANCE
from apps.approvals.policies.content import MAX_APPROVALS
from apps.approvals.policies.freezes import MAX_NAME as MAX_FREEZE_NAME
from apps.registry.models import Stage
from apps.strict import Strict
from apps.texts import MAX_TEXT


class GroupField(serializers.SlugRelatedField):
    """A group by its name. A name with a null character names nothing, and PostgreSQL refuses to look it up."""

    def to_internal_value(self, data: Any) -> Any:
        if not isinstance(data, str) or "\0" in data:
            self.fail("invalid")
        return super().to_internal_value(data)


class RuleOut(serializers.ModelSerializer):
    """One demand of a policy."""

    group = serializers.CharField(source="group.name", default=None, allow_null=True, help_text="Null: any reviewer.")

    class Meta:
        model = PolicyRule
        fields = ("name", "needed", "group", "scopes")


class PolicyOut(serializers.ModelSerializer):
    """A policy."""

    model = serializers.CharField(
        source="model.reference", default=None, allow_null=True, help_text="Null: not for a single model."
    )
    rules = RuleOut(many=True)
    reauthenticate = serializers.SerializerMethodField(
        help_text="Deprecated: whether sign_with is anything but none. It is read only."
    )

    class Meta:
        model = ApprovalPolicy
        fields = (
            "id", "state", "revision", "stage", "alias", "model", "risk", "tag_key", "tag_value", "rules",
            "exclude_registrant", "exclude_run_owner", "exclude_last_editor", "several_rules", "staleness",
            "sign_with", "reauthenticate", "required_checks", "tolerance_percent", "main_metric", "wait_minutes",
            "open_days", "remind_days", "approval_days", "recertify_days", "after_review_days", "archive_existing",
            "moves_alias", "revert_drift", "refuse_clients", "replaces", "reason", "drafted_at", "drafted_by",
            "published_at", "published_by", "retired_at",
        )  # fmt: skip

    def get_reauthenticate(self, policy: ApprovalPolicy) -> bool:
        return policy.sign_with != SignWith.NONE


class SlotOut(serializers.Serializer):
    """A rule, and who could fill it on at least one of the governed models."""

    name = serializers.CharField()
    needed = serializers.IntegerField(source="rule.needed")
    people = serializers.SerializerMethodField()

    @extend_schema_field(serializers.ListField(child=serializers.CharField()))
    def get_people(self, slot: Any) -> list[str]:
        return [person.get_username() for person in slot.people]


class UnsolvableOut(serializers.Serializer):
    """A model whose newest version nobody could sign off, and why."""

    model = serializers.CharField(source="version.model.reference")
    version = serializers.IntegerField(source="version.number")
    problem = serializers.CharField()


class OutlookOut(serializers.Serializer):
    """Who could sign under a policy now."""

    models = serializers.IntegerField(help_text="How many models it governs.")
    sentence = serializers.CharField()
    slots = SlotOut(many=True)
    unsolvable = UnsolvableOut(many=True)


class PolicyDetailOut(PolicyOut):
    """A policy with who could sign under it."""

    digest = serializers.SerializerMethodField(help_text="Send it with a change, so that nothing is changed unseen.")
    outlook = serializers.SerializerMethodField()

    class Meta(PolicyOut.Meta):
        fields = (*PolicyOut.Meta.fields, "digest", "outlook")  # type: ignore[assignment]

    @extend_schema_field(serializers.CharField())
    def get_digest(self, policy: ApprovalPolicy) -> str:
        return content.digest(policy)

    @extend_schema_field(OutlookOut())
    def get_outlook(self, policy: ApprovalPolicy) -> Any:
        return OutlookOut(self.context["outlook"]).data


class RuleIn(Strict):
    """One demand: `needed` different people."""

    name = serializers.CharField(max_length=MAX_NAME, required=False, allow_blank=True, default="")
    needed = serializers.IntegerField(min_value=1, max_value=MAX_APPROVALS)
    group = GroupField(slug_field="name", queryset=Group.objects.all(), required=False, allow_null=True, default=None)
    scopes = serializers.ListField(
        child=serializers.ChoiceField(choices=Scope.choices), required=False, default=list, max_length=len(Scope)
    )


def _text(longest: int = MAX_SCOPE, **more: Any) -> serializers.CharField:
    return serializers.CharField(max_length=longest, required=False, allow_blank=True, **more)


def _number(field: str, **more: Any) -> serializers.IntegerField:
    least, most, may_be_open = BOUNDS[field]
    return serializers.IntegerField(min_value=least, max_value=most, required=False, allow_null=may_be_open, **more)


def _switch(**more: Any) -> serializers.BooleanField:
    return serializers.BooleanField(required=False, **more)


class PolicyChangeIn(Strict):
    """Change a draft: what is absent stays as it is."""

    stage = serializers.ChoiceField(choices=Stage.choices, required=False, allow_blank=True)
    alias = _text(255, help_text="Instead of a stage; with neither, the policy governs every other target.")
    model = serializers.CharField(required=False, allow_null=True, trim_whitespace=False, help_text="The exact name.")
    risk = _text(help_text="A risk tier, as the models' tags say it.")
    tag_key = _text()
    tag_value = _text(help_text="Empty: any value.")
    rules = RuleIn(many=True, required=False)
    exclude_registrant = _switch(help_text="Who registered the version does not sign it.")
    exclude_run_owner = _switch()
    exclude_last_editor = _switch()
    several_rules = _switch(help_text="One person may fill several rules.")
    staleness = serializers.ChoiceField(choices=Staleness.choices, required=False)
    sign_with = serializers.ChoiceField(
        choices=SignWith.choices,
        required=False,
        help_text="What signers give again with each signature; what is stronger is always enough.",
    )
    required_checks = serializers.ListField(
        child=serializers.CharField(max_length=120),
        required=False,
        max_length=MAX_CHECKS,
        help_text="Names of checks; those that a pipeline reports as external:name.",
    )
    tolerance_percent = serializers.FloatField(min_value=0, max_value=MAX_TOLERANCE, required=False)
    main_metric = _text()
    wait_minutes = _number("wait_minutes")
    open_days = _number("open_days")
    remind_days = _number("remind_days")
    approval_days = _number("approval_days")
    recertify_days = _number("recertify_days")
    after_review_days = _number("after_review_days")
    archive_existing = _switch()
    moves_alias = _text(255)
    revert_drift = _switch(
        help_text="Move a version back at once that MLflow moved into this stage, or out of it, without a decision."
    )
    refuse_clients = _switch(
        help_text="Refuse an MLflow client that asks for the move, rather than open a request in its person's name."
    )
    reason = serializers.CharField(max_length=MAX_TEXT, required=False)
    digest = serializers.CharField(max_length=64, required=False, help_text="Of the draft as you read it.")


class PolicyIn(PolicyChangeIn):
    """Draft a policy. It governs nothing until another admin publishes it."""

    digest = None  # type: ignore[assignment]
    rules = RuleIn(many=True)
    reason = serializers.CharField(max_length=MAX_TEXT)
    replaces = serializers.IntegerField(
        required=False, allow_null=True, min_value=1, max_value=2**63 - 1, help_text="The policy it was drafted from."
    )


class PublishIn(Strict):
    """Publish a draft."""

    reason = serializers.CharField(
        max_length=MAX_TEXT, required=False, allow_blank=True, default="", help_text="Empty: the draft's."
    )
    digest = serializers.CharField(
        max_length=64, required=False, allow_blank=True, default="", help_text="Of the draft as you read it."
    )


class ReplayedOut(serializers.Serializer):
    """A request of the past that the policy would have blocked."""

    request = serializers.IntegerField(source="request.pk")
    model = serializers.CharField(source="request.version.model.reference")
    version = serializers.IntegerField(source="request.version.number")
    reasons = serializers.ListField(child=serializers.CharField())


class DryRunOut(serializers.Serializer):
    """What a policy would have said of the requests that were let through."""

    total = serializers.SerializerMethodField(help_text="How many requests it would have governed.")
    sentence = serializers.CharField()
    signing = serializers.CharField(
        help_text="How many approvals were signed with less than it asks for; empty: none. It blocks nothing here."
    )
    blocked = ReplayedOut(many=True)

    @extend_schema_field(serializers.IntegerField())
    def get_total(self, run: Any) -> int:
        return len(run.replayed)


class FreezeOut(serializers.ModelSerializer):
    """A time in which nothing is applied."""

    model = serializers.CharField(
        source="model.reference", default=None, allow_null=True, help_text="Null: every model."
    )

    class Meta:
        model = FreezeWindow
        fields = (
            "id", "name", "reason", "model", "stage", "alias", "starts_at", "ends_at", "created_at", "created_by",
            "lifted_at", "lifted_by",
        )  # fmt: skip


class FreezeIn(Strict):
    """Set a freeze."""

    name = serializers.CharField(max_length=MAX_FREEZE_NAME)
    starts_at = serializers.DateTimeField()
    ends_at = serializers.DateTimeField()
    model = serializers.CharField(required=False, allow_null=True, default=None, trim_whitespace=False)
    stage = serializers.ChoiceField(
        choices=Stage.choices,
        required=False,
        allow_blank=True,
        default="",
        help_text="The alias that moves with it is held too.",
    )
    alias = serializers.CharField(
        max_length=255,
        required=False,
        allow_blank=True,
        default="",
        help_text="A protected alias instead of a stage. With neither: every stage and alias.",
    )
    reason = serializers.CharField(max_length=MAX_TEXT)


class FreezeFilter(Strict):
    """Query parameters of the list of freezes."""

    standing = serializers.BooleanField(
        required=False, default=None, allow_null=True, help_text="Only those that hold now or are still to come."
    )


class LiftIn(Strict):
    """Lift a freeze."""

    reason = serializers.CharField(max_length=MAX_TEXT)
