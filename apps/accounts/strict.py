"""Input of the API that names each field it does not know: a misspelt option must not be ignored silently."""

from typing import Any

from rest_framework import serializers
from rest_framework.exceptions import ValidationError

PAGING = {"page", "page_size"}


class Strict(serializers.Serializer):
    """Input that names each field it does not know."""

    def to_internal_value(self, data: Any) -> Any:
        unknown = sorted(set(data) - set(self.fields) - PAGING) if isinstance(data, dict) else []
        if unknown:
            raise ValidationError({name: ["There is no such field."] for name in unknown})
        return super().to_internal_value(data)


def valid(kind: type[serializers.Serializer], data: Any) -> dict[str, Any]:
    """Return the parsed input. Raises a validation error that names each field at fault."""
    wanted = kind(data=data)
    wanted.is_valid(raise_exception=True)
    return dict(wanted.validated_data)
