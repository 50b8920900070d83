"""The access log over the API: read only."""

from typing import Any

from django.db.models import QuerySet
from django.urls import path
from drf_spectacular.utils import extend_schema
from rest_framework import generics, serializers
from rest_framework.exceptions import NotFound, ValidationError
from rest_framework.pagination import CursorPagination

from apps.audit import filters
from apps.audit.access import queries
from apps.audit.actions import AccessOutcome
from apps.audit.models import Access

LARGEST_ID = 2**63 - 1
MAX_ROWS = 200


class ByPlace(CursorPagination):
    """`?cursor=…&page_size=20`: a page deep in the log costs what the first one costs, and nothing is counted."""

    ordering = "-id"
    page_size_query_param = "page_size"
    max_page_size = MAX_ROWS

    def paginate_queryset(self, queryset: Any, request: Any, view: Any = None) -> Any:
        try:
            return super().paginate_queryset(queryset, request, view)
        except (NotFound, ValueError) as error:  # what is no number is found out by the database's field
            raise ValidationError({"cursor": ["This is no cursor of ours. Follow the links."]}) from error


class AccessFilterIn(serializers.Serializer):
    """Which rows to list. Days are whole days in UTC, both included."""

    person = serializers.CharField(required=False, help_text="The user name.")
    model = serializers.CharField(required=False, trim_whitespace=False, help_text="The model's exact name.")
    model_id = serializers.IntegerField(required=False, min_value=1, max_value=LARGEST_ID)
    outcome = serializers.ChoiceField(AccessOutcome.choices, required=False)
    since = serializers.DateField(required=False)
    until = serializers.DateField(required=False)
    cursor = serializers.CharField(required=False, help_text="As `next` and `previous` hold it.")
    page_size = serializers.IntegerField(required=False, min_value=1, max_value=MAX_ROWS)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        unknown = set(self.initial_data) - set(self.fields)
        if unknown:
            raise ValidationError({name: ["Unknown parameter."] for name in sorted(unknown)})
        if attrs.get("since") and attrs.get("until") and attrs["since"] > attrs["until"]:
            raise ValidationError({"until": ["The last day is before the first. Swap the two."]})
        return attrs


class AccessOut(serializers.ModelSerializer):
    """A denial, or a read that matters. `count` denials alike in one minute are one row, from `at` to `last_at`."""

    class Meta:
        model = Access
        fields = queries.FIELDS


class AccessList(generics.ListAPIView):
    """The rows of the access log that you may read, newest first."""

    serializer_class = AccessOut
    pagination_class = ByPlace

    @extend_schema(summary="List denials and reads that matter, newest first", parameters=[AccessFilterIn])
    def get(self, *args: Any, **kwargs: Any) -> Any:
        return super().get(*args, **kwargs)

    def get_queryset(self) -> QuerySet[Access]:
        wanted = AccessFilterIn(data=self.request.query_params.dict())
        wanted.is_valid(raise_exception=True)
        values = filters.with_model(wanted.validated_data, self.request.user)
        return queries.filtered(queries.visible_accesses(self.request.user), values)


urlpatterns = [path("audit/accesses/", AccessList.as_view(), name="access-list")]
