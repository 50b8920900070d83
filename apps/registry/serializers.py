"""The registry's shapes in the API: what may be asked, and what is answered."""

from typing import Any

from rest_framework import serializers
from rest_framework.exceptions import ValidationError

from apps.masking import masked
from apps.registry.models import ModelVersion, Stage

PAGING = {"page", "page_size"}
MAX_NUMBER = 2**31 - 1


class Query(serializers.Serializer):
    """Parameters of an address. One that is not listed is refused by name."""

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        unknown = set(self.initial_data) - set(self.fields) - PAGING
        if unknown:
            raise ValidationError({name: ["Unknown parameter."] for name in sorted(unknown)})
        return attrs


class NoQuery(Query):
    """No parameters at all."""


class VersionQuery(Query):
    """Which versions to list."""

    stage = serializers.ChoiceField(Stage.choices, required=False)
    alias = serializers.CharField(required=False, max_length=255)
    deleted = serializers.BooleanField(default=False, help_text="Also those that were deleted in MLflow.")
    ordering = serializers.ChoiceField(["number", "-number"], default="-number")


class VersionReference(serializers.CharField):
    """`NAME@NUMBER`, read as (name, number)."""

    def to_internal_value(self, data: Any) -> Any:
        name, _, number = super().to_internal_value(data).rpartition("@")
        if not (
            name
            and "\0" not in name
            and number.isascii()
            and number.isdecimal()
            and len(number) < 11
            and int(number) <= MAX_NUMBER
        ):
            raise ValidationError("A version is written as NAME@NUMBER, for example churn@3.")
        return name, int(number)


class VersionOut(serializers.ModelSerializer):
    """A model version, as a list shows it."""

    model = serializers.CharField(source="model.reference")
    version = serializers.IntegerField(source="number")
    aliases = serializers.SerializerMethodField()

    class Meta:
        model = ModelVersion
        fields: tuple[str, ...] = (
            "model", "version", "stage", "aliases", "description", "tags", "source", "run_id", "status",
            "created_at", "updated_at", "deleted_at", "metrics", "details_state",
        )  # fmt: skip

    def to_representation(self, instance: ModelVersion) -> dict[str, Any]:
        return masked(super().to_representation(instance))

    def get_aliases(self, version: ModelVersion) -> list[str]:
        return sorted(row.alias for row in version.aliases.all())


class VersionDetailOut(VersionOut):
    """A model version with what its run and its MLmodel say."""

    class Meta(VersionOut.Meta):
        fields = (
            *VersionOut.Meta.fields, "details_error", "details_at", "run", "params", "datasets", "signature",
            "requirements", "files", "environment", "input_example",
        )  # fmt: skip
