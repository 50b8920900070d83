"""Cards as the API speaks them. Unknown names are refused: a misspelt field must not be ignored silently."""

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from apps.modelcards import content, lifecycle, queries, requirements, rules
from apps.modelcards.models import Card, CardComment, CardRevision, CardState, Cause, RequirementSet
from apps.modelcards.schema.fields import SCHEMA
from apps.modelcards.schema.sections import Section
from apps.strict import Strict
from apps.texts import MAX_TEXT

MOST_FIELDS = 100  # named in one edit: more than a card has
DOCUMENT = {
    "type": "object",
    "description": "The card: `schema` (assent.card/1), each field by its name, and `states`.",
    "properties": {
        "schema": {"type": "string", "enum": [SCHEMA]},
        "intended_use": {"type": "string", "description": "As every other field: see the requirement sets for names."},
        "states": {"type": "object", "additionalProperties": {"type": "object"}},
    },
    "additionalProperties": True,
}


@extend_schema_field(DOCUMENT)
class DocumentField(serializers.Field):
    """A card as the JSON document of its schema."""

    def to_representation(self, value: Any) -> Any:
        """Return it as it is."""
        return value


class MissingOut(serializers.Serializer):
    """A field that must be settled and is not."""

    field = serializers.CharField(source="0.name")
    standing = serializers.ChoiceField([str(how) for how in rules.Standing], source="1")


class CompletenessOut(serializers.Serializer):
    """How the card stands to what a stage asks of a model of this risk tier."""

    stage = serializers.CharField()
    percent = serializers.IntegerField(help_text="100 only when nothing is missing.")
    wanted = serializers.IntegerField(help_text="How many fields must be settled.")
    missing = serializers.SerializerMethodField()
    requirement_set = serializers.IntegerField(source="number")

    @extend_schema_field(MissingOut(many=True))
    def get_missing(self, row: dict[str, Any]) -> list[dict[str, str]]:
        return [{"field": field.name, "standing": str(how)} for field, how in row["missing"]]


class CardOut(serializers.ModelSerializer):
    """The card of a version: what its newest revision says, and how far it is."""

    model = serializers.CharField(source="version.model.reference")
    version = serializers.IntegerField(source="version.number")
    state = serializers.ChoiceField(choices=CardState.choices)
    revision = serializers.IntegerField(source="number", help_text="The newest.")
    tier = serializers.SerializerMethodField(help_text="As which the model is judged; none counts as high.")
    completeness = serializers.SerializerMethodField()
    outdated = serializers.SerializerMethodField(help_text="Fields of which MLflow says something else now.")
    steps = serializers.SerializerMethodField(help_text="What you may try next; rules may still refuse.")
    open_comments = serializers.SerializerMethodField()
    approved_by = serializers.CharField(source="approved_by.username", default=None, allow_null=True)
    document = serializers.SerializerMethodField()

    class Meta:
        model = Card
        fields = ("model", "version", "state", "revision", "digest", "tier", "completeness", "outdated", "steps",
                  "open_comments", "approved_number", "approved_by", "approved_at", "updated_at",
                  "document")  # fmt: skip

    def get_tier(self, card: Card) -> str:
        return rules.tier_of(card.version.model.risk)

    @extend_schema_field(CompletenessOut(many=True))
    def get_completeness(self, card: Card) -> list[dict[str, Any]]:
        asked = requirements.current()
        found = [(stage, queries.completeness(card, card.version.model.risk, stage, asked=asked))
                 for stage in rules.STAGES]  # fmt: skip
        rows = [{"stage": stage, "percent": how.percent, "wanted": how.wanted, "missing": how.missing,
                 "number": how.number} for stage, how in found]  # fmt: skip
        return list(CompletenessOut(rows, many=True).data)

    def get_outdated(self, card: Card) -> list[str]:
        return queries.outdated(card.version, queries.content_of(self.context["revision"]))

    def get_steps(self, card: Card) -> list[str]:
        return lifecycle.allowed(card, self.context["by"])

    def get_open_comments(self, card: Card) -> int:
        return card.comments.filter(resolved_at=None).count()

    @extend_schema_field(DOCUMENT)
    def get_document(self, card: Card) -> dict[str, Any]:
        return content.document(queries.content_of(self.context["revision"]))


class CardEditIn(Strict):
    """What you say of some fields; the others stay."""

    values = serializers.DictField(required=False, default=dict, help_text="{field: value, or null to empty it}")
    confirm = serializers.ListField(
        child=serializers.CharField(max_length=50), required=False, default=list, max_length=MOST_FIELDS,
        help_text="Fields that you stand behind as they are then. For persons. One of which MLflow says something else "
        "than the revision is refused: take the facts anew, and look at them first.",
    )  # fmt: skip
    lacking = serializers.DictField(
        child=serializers.CharField(max_length=MAX_TEXT), required=False, default=dict,
        help_text="{field: why it does not apply}. For persons.",
    )  # fmt: skip
    overrides = serializers.DictField(
        child=serializers.CharField(max_length=MAX_TEXT), required=False, default=dict,
        help_text="{field: why the card says otherwise than MLflow}",
    )  # fmt: skip
    note = serializers.CharField(max_length=MAX_TEXT, required=False, default="", allow_blank=True)


class CardStepIn(Strict):
    """A step with a card, as somebody who read it."""

    step = serializers.ChoiceField(choices=list(lifecycle.STEPS))
    digest = serializers.CharField(max_length=64, help_text="That of the card that you read; another by now: 409.")
    reason = serializers.CharField(
        max_length=MAX_TEXT,
        required=False,
        default="",
        allow_blank=True,
        help_text="For sending back and archiving.",
    )


class CardRevisionOut(serializers.ModelSerializer):
    """What a card said from one save to the next."""

    author = serializers.CharField(source="author.username")
    cause = serializers.ChoiceField(choices=Cause.choices)

    class Meta:
        model = CardRevision
        fields = ("number", "parent", "cause", "digest", "author", "note", "created_at")


class CardRevisionDetailOut(CardRevisionOut):
    """A revision with the card as it was then."""

    document = serializers.SerializerMethodField()

    class Meta(CardRevisionOut.Meta):
        fields = (*CardRevisionOut.Meta.fields, "document")  # type: ignore[assignment]

    @extend_schema_field(DOCUMENT)
    def get_document(self, row: CardRevision) -> dict[str, Any]:
        return content.document(queries.content_of(row))


class CardCommentFilter(Strict):
    """Query parameters of the list of comments."""

    open = serializers.BooleanField(required=False, default=None, allow_null=True, help_text="Or those resolved.")


class CardCommentIn(Strict):
    """Something about a section of the card."""

    section = serializers.ChoiceField(choices=[str(section) for section in Section])
    body = serializers.CharField(max_length=MAX_TEXT)


class CardCommentOut(serializers.ModelSerializer):
    """A comment; `resolved_at` null: it is open, and stands in the way of an approval."""

    section = serializers.ChoiceField(choices=[str(section) for section in Section])
    revision = serializers.IntegerField(source="number", help_text="The newest when it was written.")
    author = serializers.CharField(source="author.username")
    resolved_by = serializers.CharField(source="resolved_by.username", default=None, allow_null=True)

    class Meta:
        model = CardComment
        fields = ("id", "section", "revision", "body", "author", "created_at", "resolved_by", "resolved_at")


LEVELS = {
    "type": "object",
    "description": "{field: {tier: S, P or -}}: settled to enter Staging and Production, Production alone, or neither.",
    "additionalProperties": {"type": "object", "additionalProperties": {"type": "string", "enum": ["S", "P", "-"]}},
}


class RequirementSetOut(serializers.ModelSerializer):
    """A requirement set as it was published. Number 0 is the built-in one, which nobody published."""

    published_by = serializers.CharField(source="published_by.username", default=None, allow_null=True)
    published_at: Any = serializers.DateTimeField(allow_null=True)

    class Meta:
        model = RequirementSet
        fields = ("number", "reason", "published_by", "published_at")


class RequirementSetDetailOut(RequirementSetOut):
    """A requirement set with what it asks."""

    levels = serializers.SerializerMethodField()

    class Meta(RequirementSetOut.Meta):
        fields = (*RequirementSetOut.Meta.fields, "levels")  # type: ignore[assignment]

    @extend_schema_field(LEVELS)
    def get_levels(self, row: RequirementSet) -> dict[str, Any]:
        return {**rules.built_in(), **row.levels}


class RequirementSetIn(Strict):
    """A new requirement set. What it leaves out is as the built-in set has it."""

    levels = serializers.DictField(help_text="{field: {tier: S, P or -}}")
    reason = serializers.CharField(max_length=MAX_TEXT)
    seen = serializers.IntegerField(
        min_value=0, max_value=2**31 - 2, help_text="`number` of the set that you made it from; another by now: 409."
    )
