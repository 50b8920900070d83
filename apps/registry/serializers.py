"""The registry's shapes in the API: what may be asked, and what is answered."""

from typing import Any

from rest_framework import serializers
from rest_framework.exceptions import ValidationError

from apps.registry.models import ModelVersion, RegisteredModel, Stage

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


class ModelQuery(Query):
    """Which models to list."""

    q = serializers.CharField(required=False, max_length=250, help_text="Text in the name or description.")
    stage = serializers.ChoiceField(Stage.choices, required=False, help_text="Models with a version in this stage.")
    alias = serializers.CharField(required=False, max_length=255)
    tag = serializers.CharField(required=False, max_length=500, help_text="`key` or `key=value`.")
    deleted = serializers.BooleanField(default=False, help_text="Also those that were deleted in MLflow.")
    ordering = serializers.ChoiceField(["name", "-name", "updated_at", "-updated_at"], default="name")


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


class ModelOut(serializers.ModelSerializer):
    """A registered model."""

    aliases = serializers.SerializerMethodField(help_text="Alias → version number.")
    version_count = serializers.IntegerField()
    connection = serializers.CharField(source="connection_id", help_text="The MLflow server that it comes from.")
    reference = serializers.CharField(help_text="How addresses name it: NAME, or CONNECTION:NAME.")
    newest_version = serializers.IntegerField(source="newest_number", allow_null=True)
    production_version = serializers.SerializerMethodField(help_text="The newest version in Production.")

    class Meta:
        model = RegisteredModel
        fields = (
            "name", "connection", "reference", "description", "tags", "aliases", "version_count", "newest_version",
            "production_version",
            "created_at", "updated_at", "deleted_at",
        )  # fmt: skip

    def get_aliases(self, model: RegisteredModel) -> dict[str, int]:
        return {row.alias: row.number for row in model.aliases.all()}  # type: ignore[attr-defined]

    def get_production_version(self, model: RegisteredModel) -> int | None:
        rows = model.production_versions  # type: ignore[attr-defined]
        return rows[0].number if rows else None


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

    def get_aliases(self, version: ModelVersion) -> list[str]:
        return sorted(row.alias for row in version.aliases.all())


class VersionDetailOut(VersionOut):
    """A model version with what its run and its MLmodel say."""

    class Meta(VersionOut.Meta):
        fields = (
            *VersionOut.Meta.fields, "details_error", "details_at", "run", "params", "datasets", "signature",
            "requirements",
        )  # fmt: skip
