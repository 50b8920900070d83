"""Comparisons and metric directions as the API speaks them."""

from typing import Any

from rest_framework import serializers
from rest_framework.exceptions import ValidationError

from apps.masking import masked
from apps.registry.comparing import Comparison
from apps.registry.comparing.comparisons import MOST
from apps.registry.models import MetricDirection
from apps.registry.serializers import Query, VersionOut, VersionReference
from apps.strict import Strict

PAIR = ("base", "candidate", "delta", "percent", "verdict", "change", "summary")  # what only two versions have


class VersionReferences(serializers.ListField):
    """`NAME@NUMBER`, several times. What is wrong with one is said of the parameter."""

    child = VersionReference(trim_whitespace=False)

    def to_internal_value(self, data: Any) -> Any:
        if not data:
            raise ValidationError("This field is required.")
        if len(data) >= MOST:
            raise ValidationError(f"At most {MOST} versions stand side by side, the base among them.")
        try:
            return super().to_internal_value(data)
        except ValidationError as error:
            raise ValidationError("A version is written as NAME@NUMBER, for example churn@3.") from error


class CompareQuery(Query):
    """Which versions to compare: a base, and one to four candidates."""

    base = VersionReference(trim_whitespace=False, help_text="`NAME@NUMBER`")
    candidate = VersionReferences(help_text="`NAME@NUMBER`; repeat it for more versions, at most four.")


class OfTwo(serializers.Serializer):
    """Something with fields that exist only where two versions are compared."""

    def to_representation(self, instance: Any) -> dict[str, Any]:
        shown = super().to_representation(instance)
        if len(self.compared(instance)) > 2:
            return {name: value for name, value in shown.items() if name not in PAIR}
        return shown

    def compared(self, instance: Any) -> Any:
        """Return what there is one of for each version."""
        return instance.values


class MetricCellOut(serializers.Serializer):
    """A metric of one version beside the base."""

    delta = serializers.FloatField(allow_null=True)
    percent = serializers.FloatField(allow_null=True, help_text="Of the base.")
    verdict = serializers.ChoiceField(["better", "worse", "same", "unknown"])


class MetricRowOut(OfTwo):
    """A metric in every version. `base`, `candidate`, `delta`, `percent`, `verdict`: only where two are compared."""

    name = serializers.CharField()
    direction = serializers.ChoiceField(["higher", "lower"], allow_null=True, help_text="Which way is better.")
    values = serializers.ListField(help_text="Numbers; NaN, Infinity or -Infinity as text; null when absent.")
    differences = MetricCellOut(many=True, source="cells", help_text="Of each version after the base.")
    base = serializers.JSONField(required=False)
    candidate = serializers.JSONField(required=False)
    delta = serializers.FloatField(allow_null=True, required=False)
    percent = serializers.FloatField(allow_null=True, required=False)
    verdict = serializers.ChoiceField(["better", "worse", "same", "unknown"], required=False)


class RowOut(OfTwo):
    """Something named in every version. `base`, `candidate` and `change`: only where two are compared."""

    name = serializers.CharField()
    values = serializers.ListField(help_text="One for each version; null when absent.")
    changes = serializers.ListField(
        child=serializers.ChoiceField(["same", "changed", "added", "removed"]), help_text="Of each after the base."
    )
    effects = serializers.ListField(
        child=serializers.ChoiceField(
            ["breaking", "compatible", "up", "down", "major up", "major down"], allow_blank=True
        ),
        help_text="What each change means: to callers (signature), or which way a package moved; empty: nothing.",
    )
    base = serializers.JSONField(required=False)
    candidate = serializers.JSONField(required=False)
    change = serializers.ChoiceField(["same", "changed", "added", "removed"], required=False)


class ComparisonOut(OfTwo):
    """Versions side by side. `base`, `candidate` and `summary`: only where two are compared."""

    versions = VersionOut(many=True)
    base = VersionOut(required=False)
    candidate = VersionOut(required=False)
    summary = serializers.DictField(child=serializers.IntegerField(), required=False)
    summaries = serializers.ListField(
        child=serializers.DictField(child=serializers.IntegerField()), help_text="Of each version after the base."
    )
    same_data = serializers.SerializerMethodField(
        help_text="Whether each version after the base was measured on the base's data; null: nobody can tell."
    )
    metrics = MetricRowOut(many=True)
    params = RowOut(many=True)
    inputs = RowOut(many=True)
    outputs = RowOut(many=True)
    signature_params = RowOut(many=True)
    runtime = RowOut(many=True)
    requirements = RowOut(many=True)
    datasets = RowOut(many=True)
    files = RowOut(many=True)
    tags = RowOut(many=True)

    def to_representation(self, instance: Comparison) -> dict[str, Any]:
        return masked(super().to_representation(instance))

    def compared(self, instance: Comparison) -> Any:
        return instance.versions

    def get_same_data(self, comparison: Comparison) -> list[bool | None]:
        return [comparison.same_data(place) for place in range(len(comparison.versions) - 1)]


class DirectionIn(Strict):
    """Say which way a metric is better."""

    metric = serializers.CharField(max_length=250, trim_whitespace=False, help_text="The exact name.")
    direction = serializers.ChoiceField(
        ["higher", "lower"], allow_null=True, help_text="Null: the words of its name decide again."
    )


class DirectionOut(serializers.ModelSerializer):
    """Which way a metric is better, as an admin said."""

    class Meta:
        model = MetricDirection
        fields = ("metric", "direction", "set_by", "set_at")
