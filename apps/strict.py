"""Input of the API that names each field it does not know: a misspelt option must not be ignored silently."""

from typing import Any

from rest_framework import serializers

PAGING = {"page", "page_size"}


class Strict(serializers.Serializer):
    """Input that names each field it does not know."""

    def to_internal_value(self, data: Any) -> Any:
        if unknown := sorted(set(data) - set(self.fields) - PAGING) if isinstance(data, dict) else []:
            known = ", ".join(self.fields) or "none"
            raise serializers.ValidationError({name: [f"There is no such field. Known: {known}."] for name in unknown})
        return super().to_internal_value(data)


class NoFilter(Strict):
    """A list without filters."""


def valid(serializer: type[serializers.Serializer], data: Any, *, partial: bool = False) -> dict[str, Any]:
    """Return the parsed input. Raises a validation error that names each field at fault."""
    parsed = serializer(data=data, partial=partial)
    parsed.is_valid(raise_exception=True)
    return dict(parsed.validated_data)
