"""The sign-off as the API speaks it. Unknown names are refused: a misspelt option must not be ignored silently."""

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from apps.approvals import blockers, checks, exporting, findings, queries
from apps.approvals.models import ApprovalRequest, Meaning, RequestState, Review, Severity, Verdict
from apps.approvals.policies.serializers import PolicyOut
from apps.approvals.signing_form import MAX_NAME, MAX_PASSWORD
from apps.masking import masked
from apps.registry.connections import named
from apps.registry.models import RegisteredModel
from apps.strict import NoFilter as NoFilter
from apps.strict import Strict
from apps.strict import valid as valid
from apps.texts import MAX_TEXT


class RequestFilter(Strict):
    """Query parameters of the list of requests."""

    state = serializers.ChoiceField(choices=RequestState.choices, required=False)
    model = serializers.CharField(required=False, help_text="The model's exact name.", trim_whitespace=False)
    mine = serializers.BooleanField(required=False, default=None, allow_null=True, help_text="Only those I asked for.")
    alias = serializers.CharField(required=False, help_text="Only those about this alias.")
    waiting = serializers.ChoiceField(
        choices=["me", "team"],
        required=False,
        help_text="Only those that my review would bring further, or that of somebody in my groups; the oldest first.",
    )


class ReviewOut(serializers.ModelSerializer):
    """A review. Of one person only the last stands."""

    reviewer = serializers.CharField(source="reviewer.username")
    counts_for = serializers.CharField(
        source="counts_for.username", help_text="The reviewer, or the person for whom a delegate reviewed."
    )

    class Meta:
        model = Review
        fields = (
            "id",
            "reviewer",
            "reviewer_role",
            "counts_for",
            "verdict",
            "comment",
            "evidence_digest",
            "scopes",
            "meaning",
            "signed_name",
            "statement",
            "confirmed_with",
            "created_at",
            "standing",
            "dismissed_because",
            "dismissed_at",
        )


class ConditionIn(Strict):
    """What must be done by when for the approval to keep counting."""

    text = serializers.CharField(max_length=MAX_TEXT)
    owner = serializers.CharField(max_length=MAX_NAME, help_text="The user name of whoever does it.")
    due = serializers.DateTimeField()
    severity = serializers.ChoiceField(choices=Severity.choices, required=False, default=Severity.MEDIUM.value)


class ReviewIn(Strict):
    """Review a request, naming the digest of the evidence that was read."""

    verdict = serializers.ChoiceField(choices=Verdict.choices)
    comment = serializers.CharField(max_length=MAX_TEXT, required=False, allow_blank=True, default="")
    evidence_digest = serializers.RegexField(r"\A[0-9a-f]{64}\Z")
    meaning = serializers.ChoiceField(
        choices=Meaning.choices, required=False, default=Meaning.APPROVAL.value, help_text="What the signature means."
    )
    password = serializers.CharField(
        max_length=MAX_PASSWORD,
        required=False,
        default="",
        trim_whitespace=False,
        write_only=True,
        help_text="Yours, or the present code of your app, where the policy's sign_with asks for it. A token does "
        "not sign alone there.",
    )
    on_behalf_of = serializers.CharField(
        max_length=MAX_NAME, required=False, default="", help_text="The user name of whoever delegated to you."
    )
    conditions = ConditionIn(many=True, required=False, help_text="An approval counts until one of them is overdue.")


class CommentIn(Strict):
    """A comment that is kept with the decision."""

    comment = serializers.CharField(max_length=MAX_TEXT, required=False, allow_blank=True, default="")


class HeadlineOut(serializers.Serializer):
    """The one metric that lists show."""

    metric = serializers.CharField()
    before = serializers.CharField(allow_null=True, help_text="Null: there was nothing to compare with.")
    after = serializers.CharField()
    verdict = serializers.ChoiceField(["better", "worse", "same", "unknown"])


class TallyOut(serializers.Serializer):
    """How far the sign-off is."""

    given = serializers.IntegerField(default=0)
    needed = serializers.IntegerField(default=0)


class RequestOut(serializers.ModelSerializer):
    """A request, as a list shows it."""

    model = serializers.CharField(source="version.model.reference")
    version = serializers.IntegerField(source="version.number")
    requester = serializers.CharField(source="requester.username")
    policy = PolicyOut(allow_null=True, help_text="Null: a draft, whose policy is chosen when it is submitted.")
    headline = HeadlineOut(allow_null=True, help_text="The main metric beside the version compared with.")
    approvals = TallyOut(source="tally", help_text="How many places of the policy's rules are filled.")

    class Meta:
        model = ApprovalRequest
        fields: tuple[str, ...] = (
            "id",
            "kind",
            "model",
            "version",
            "from_stage",
            "to_stage",
            "alias",
            "from_number",
            "archive_existing",
            "state",
            "requester",
            "reason",
            "roll_out",
            "roll_back",
            "ticket",
            "policy",
            "headline",
            "approvals",
            "evidence_digest",
            "follows",
            "superseded_by",
            "bypassed",
            "created_at",
            "submitted_at",
            "updated_at",
            "approved_at",
            "apply_after",
            "expires_at",
            "closed_at",
            "recertify_by",
            "lapsed_at",
            "stage_before",
            "alias_before",
            "apply_error",
        )


class CheckWaiverOut(serializers.Serializer):
    """Who answers for a check that does not pass."""

    id = serializers.IntegerField()
    by = serializers.CharField()
    reason = serializers.CharField()
    expires_at = serializers.DateTimeField()
    holds = serializers.BooleanField(help_text="False: its time is over, or it is outdated; the check counts again.")
    outdated = serializers.BooleanField(help_text="It was given on another report than the present one.")


class CheckOut(serializers.Serializer):
    """What a check found: one of Assent's own, or one that a pipeline reported."""

    name = serializers.CharField()
    label = serializers.CharField()  # type: ignore[assignment]
    outcome = serializers.ChoiceField(choices=[outcome.value for outcome in checks.Outcome])
    detail = serializers.CharField()
    required = serializers.BooleanField(help_text="Whether the policy wants it passed or waived.")  # type: ignore[assignment]
    producer = serializers.CharField(help_text='"assent", or who reported it; empty: nobody did yet.')
    at = serializers.DateTimeField(allow_null=True)
    inputs = serializers.CharField(help_text="The digest of what it read, or what the report says it looked at.")
    link = serializers.CharField()
    valid_until = serializers.DateTimeField(allow_null=True)
    waiver = CheckWaiverOut(allow_null=True)


class BaselineOut(serializers.Serializer):
    """The version that a request is compared with, written as in the evidence."""

    model = serializers.CharField()
    version = serializers.IntegerField()
    stage = serializers.CharField()
    run_id = serializers.CharField()
    metrics = serializers.DictField(child=serializers.CharField(), help_text="Each value as text.")
    directions = serializers.DictField(
        child=serializers.ChoiceField(["higher", "lower"], allow_null=True),
        required=False,
        help_text="Which way each metric was better.",
    )
    params = serializers.JSONField()
    datasets = serializers.JSONField()
    signature = serializers.JSONField(allow_null=True)
    requirements = serializers.JSONField(allow_null=True)


class SeatsOut(serializers.Serializer):
    """One rule of the policy: who fills it, and who could fill what is left."""

    rule = serializers.CharField()
    needed = serializers.IntegerField()
    filled_by = serializers.ListField(child=serializers.CharField())
    could = serializers.ListField(child=serializers.CharField())


class BlockerOut(serializers.Serializer):
    """One thing in the way."""

    code = serializers.CharField(help_text="What kind of thing, for programs.")
    sentence = serializers.CharField()
    who = serializers.CharField(help_text="Who can clear it, in words; empty: it clears by itself.")
    url = serializers.CharField(help_text="The page where it is cleared; empty: nowhere.")


class SnapshotOut(serializers.Serializer):
    """A digest that the evidence had, and since when."""

    digest = serializers.CharField()
    created_at = serializers.DateTimeField()


class OfferOut(serializers.Serializer):
    """An action that the state allows; `refusal` null: you may take it."""

    action = serializers.CharField()
    label = serializers.CharField()  # type: ignore[assignment]
    refusal = serializers.CharField(allow_null=True)
    comment_needed = serializers.BooleanField()


class RequestDetailOut(RequestOut):
    """A request with all that there is to decide it."""

    evidence = serializers.JSONField()
    reviews = ReviewOut(many=True)
    checks = serializers.SerializerMethodField(help_text="As they are now; once decided, as they were then.")
    baseline = serializers.SerializerMethodField(
        help_text="The version compared with, as it is now; once decided, as it was then. Null: there is none."
    )
    blockers = serializers.SerializerMethodField(help_text="What it waits for, the most pressing first.")
    seats = serializers.SerializerMethodField(help_text="Who fills which rule of the policy.")
    snapshots = serializers.SerializerMethodField(help_text="Every digest that the evidence had, oldest first.")
    who_could_approve = serializers.SerializerMethodField()
    actions = serializers.SerializerMethodField()

    class Meta(RequestOut.Meta):
        fields = (
            *RequestOut.Meta.fields,
            "evidence",
            "reviews",
            "checks",
            "baseline",
            "blockers",
            "seats",
            "snapshots",
            "who_could_approve",
            "actions",
        )

    def to_representation(self, instance: ApprovalRequest) -> dict[str, Any]:
        return masked(super().to_representation(instance))

    @extend_schema_field(CheckOut(many=True))
    def get_checks(self, request: ApprovalRequest) -> Any:
        return CheckOut(findings.checks_of(request), many=True).data

    @extend_schema_field(BaselineOut(allow_null=True))
    def get_baseline(self, request: ApprovalRequest) -> Any:
        return findings.baseline_of(request)

    @extend_schema_field(BlockerOut(many=True))
    def get_blockers(self, request: ApprovalRequest) -> Any:
        return BlockerOut(blockers.why_blocked(request), many=True).data

    @extend_schema_field(SeatsOut(many=True))
    def get_seats(self, request: ApprovalRequest) -> Any:
        return exporting.seats(request, list(request.reviews.all()))

    @extend_schema_field(SnapshotOut(many=True))
    def get_snapshots(self, request: ApprovalRequest) -> Any:
        return SnapshotOut(request.snapshots.order_by("id"), many=True).data

    @extend_schema_field(serializers.ListField(child=serializers.CharField()))
    def get_who_could_approve(self, request: ApprovalRequest) -> list[str]:
        return [person.get_username() for person in queries.who_could_approve(request)]

    @extend_schema_field(OfferOut(many=True))
    def get_actions(self, request: ApprovalRequest) -> Any:
        return OfferOut(queries.allowed_actions(request, self.context["request"].user), many=True).data


def model_named(name: str | None, visible: Any) -> RegisteredModel | None:
    """Return the visible living model of that name. Raises a validation error that names the field."""
    if name is None:
        return None
    found = visible.filter(named(name), deleted_at=None).first()
    if found is None:
        raise serializers.ValidationError({"model": ["There is no such model, or you may not see it."]})
    return found
