"""What the API of access reviews takes and answers."""

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from apps.accounts.access_reviews import coverage, queries
from apps.accounts.access_reviews.deciding import AT_ONCE, Result, Verdict
from apps.accounts.access_reviews.opening import MAX_NAME
from apps.accounts.forms import LARGEST_ID, MAX_REASON
from apps.accounts.grant_scopes import MAX_VALUE
from apps.accounts.models import AccessReview, AccessReviewItem, Answers, Decision, ReviewState, User
from apps.strict import Strict

MAX_PERSON = 150


class CoverageIn(Strict):
    """What narrows a review; nothing: it covers every grant."""

    groups = serializers.ListField(
        child=serializers.CharField(max_length=MAX_PERSON), required=False, default=list,
        max_length=coverage.MOST_GROUPS, help_text="Grants of these groups alone.",
    )  # fmt: skip
    roles = serializers.ListField(
        child=serializers.CharField(max_length=30), required=False, default=list, max_length=50,
        help_text="Roles, or single permissions.",
    )  # fmt: skip
    pattern = serializers.CharField(
        required=False, default="", allow_blank=True, max_length=MAX_VALUE, trim_whitespace=False,
        help_text="Grants on parts of the registry that reach a model with such a name: churn-*.",
    )  # fmt: skip


class AccessReviewIn(CoverageIn):
    """An access review to open."""

    name = serializers.CharField(max_length=MAX_NAME)
    until = serializers.DateField(help_text="The last day, in UTC: tomorrow to in 90 days.")
    reason = serializers.CharField(required=False, default="", allow_blank=True, max_length=MAX_REASON)
    seen = serializers.RegexField(
        r"\A[0-9a-f]{64}\Z", required=False, default=None, allow_null=True,
        help_text="The digest of the preview: 409 when it would cover other grants now, or others would answer.",
    )  # fmt: skip


class ReviewFilterIn(Strict):
    """Which access reviews to list."""

    state = serializers.ChoiceField(ReviewState.choices, required=False, default="")


class ItemFilterIn(Strict):
    """Which items to list."""

    decision = serializers.ChoiceField(Decision.choices, required=False, default="")
    owner = serializers.CharField(
        required=False,
        default="",
        max_length=MAX_PERSON,
        help_text="A user name: whom it was given to, also where they answer no longer.",
    )


class ItemsIn(Strict):
    """Some items of a review."""

    ids = serializers.ListField(
        child=serializers.IntegerField(min_value=1, max_value=LARGEST_ID),
        min_length=1,
        max_length=AT_ONCE,
        help_text="Items.",
    )


class DecideIn(ItemsIn):
    """What you say of some grants."""

    decision = serializers.ChoiceField([verdict.value for verdict in Verdict])
    reason = serializers.CharField(
        required=False, default="", allow_blank=True, max_length=MAX_REASON, help_text="Needed to remove."
    )


class ReassignIn(ItemsIn):
    """Who is to answer for some grants."""

    person = serializers.CharField(allow_blank=True, max_length=MAX_PERSON, help_text="A user name; empty: any admin.")
    reason = serializers.CharField(max_length=MAX_REASON)


class EndEarlyIn(Strict):
    """Why it ends early."""

    reason = serializers.CharField(max_length=MAX_REASON)
    seen = serializers.IntegerField(
        required=False, default=None, allow_null=True, min_value=0, max_value=LARGEST_ID,
        help_text="How many you saw pending: 409 when it is another number now.",
    )  # fmt: skip


class CancelIn(Strict):
    """Why it is cancelled."""

    reason = serializers.CharField(max_length=MAX_REASON)


class OwnerCountOut(serializers.Serializer):
    """How many grants somebody answers for; `owner` null: any admin."""

    owner = serializers.CharField(allow_null=True)
    grants = serializers.IntegerField()


class PreviewOut(serializers.Serializer):
    """What a review would cover now."""

    grants = serializers.IntegerField()
    owners = OwnerCountOut(many=True)
    further_owners = serializers.IntegerField(source="more")
    confirmed_by_two = serializers.IntegerField(source="two", help_text="Every admin holds these: two confirm each.")
    confirmed_by_nobody = serializers.IntegerField(source="nobody", help_text="The only admin holds these.")
    digest = serializers.CharField(help_text="Of just these grants, and who answers for each.")


class AccessReviewOut(serializers.ModelSerializer):
    """An access review, with how many of its items that you see were decided how."""

    last_day = serializers.DateField(help_text="In UTC.")
    counts = serializers.SerializerMethodField()

    class Meta:
        model = AccessReview
        fields = ("id", "name", "groups", "roles", "pattern", "reason", "state", "opened_by", "opened_at", "last_day",
                  "ending_at", "ending_by", "closed_at", "closed_by", "closed_reason", "counts")  # fmt: skip

    def get_counts(self, review: AccessReview) -> dict[str, int]:
        found: queries.Progress = self.context["progress"][review.pk]
        return {kind.value: found.by_decision.get(kind.value, 0) for kind in Decision}


class AccessReviewItemOut(serializers.ModelSerializer):
    """One grant of a review, as it was at the opening, and what became of it."""

    review = serializers.IntegerField(source="review_id")
    grant = serializers.IntegerField(source="grant_id", allow_null=True)
    kind = serializers.SerializerMethodField()
    given_reason = serializers.CharField()
    owner = serializers.SerializerMethodField(help_text="Who answers for it now, or did; null: any admin.")
    owned_because = serializers.SerializerMethodField()
    former_owner = serializers.SerializerMethodField(help_text="Who answered for it, and does no longer; null: nobody.")
    first_confirmed_by = serializers.CharField(source="first_by.username", allow_null=True, default=None)

    class Meta:
        model = AccessReviewItem
        fields = ("id", "review", "grant", "holder", "kind", "role", "on", "last_day", "given_by", "given_at",
                  "given_reason", "owner", "owned_because", "former_owner", "decision", "first_confirmed_by",
                  "decided_by", "decided_at", "reason")  # fmt: skip

    def get_kind(self, item: AccessReviewItem) -> str:
        return "group" if item.of_group else "person"

    @extend_schema_field(serializers.CharField(allow_null=True))
    def get_owner(self, item: Any) -> str | None:
        return None if item.vacant else _name(item.owner)

    @extend_schema_field(serializers.ChoiceField(Answers.choices))
    def get_owned_because(self, item: Any) -> str:
        return str(Answers.ADMIN if item.vacant else item.answers)

    @extend_schema_field(serializers.CharField(allow_null=True))
    def get_former_owner(self, item: Any) -> str | None:
        return _name(item.owner) if item.vacant else None


def _name(person: User | None) -> str | None:
    return person.get_username() if person else None


class ItemResultOut(serializers.Serializer):
    """What became of one item; `code` and `detail` say why it was refused, null: it was done."""

    item = serializers.IntegerField()
    done = serializers.BooleanField()
    code = serializers.CharField(allow_null=True)
    detail = serializers.CharField(allow_null=True)


def outs(rows: list[AccessReview], by: Any) -> list[dict[str, Any]]:
    """Return access reviews as the API tells them, with the counts that `by` sees. One query."""
    return list(AccessReviewOut(rows, many=True, context={"progress": queries.progress(rows, by)}).data)


def results(found: list[Result]) -> Any:
    """Return what became of several items as the API tells it."""
    rows = [
        {
            "item": result.number,
            "done": result.error is None,
            "code": result.error.code if result.error else None,
            "detail": result.error.message if result.error else None,
        }
        for result in found
    ]
    return ItemResultOut(rows, many=True).data
