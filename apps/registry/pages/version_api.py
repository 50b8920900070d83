"""A version's signature over the API, and the check of data against it."""

import io
from typing import Any, BinaryIO, cast

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework import parsers, serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from apps.errors import InvalidInput, WrongState
from apps.registry import queries
from apps.registry.data_check import Finding, UnreadableData, check, schema_of
from apps.registry.data_check.texts import NO_SIGNATURE, sentence
from apps.registry.serializers import NoQuery

PROBLEMS = ["missing", "unexpected", "type", "null", "shape", "cells"]


class _Unread(parsers.BaseParser):
    """Hands the body on as it comes: the check reads it, and refuses what is too large while reading."""

    def parse(self, stream: Any, media_type: Any = None, parser_context: Any = None) -> Any:
        return stream


class UnreadCsv(_Unread):
    """A body of CSV."""

    media_type = "text/csv"


class UnreadJson(_Unread):
    """A body of JSON."""

    media_type = "application/json"


class FindingOut(serializers.Serializer):
    """One thing that is wrong with one column."""

    column = serializers.CharField(help_text="Empty: whole rows.", allow_blank=True)
    problem = serializers.ChoiceField(PROBLEMS)
    expected = serializers.CharField(allow_blank=True, help_text="The type that the model wants.")
    count = serializers.IntegerField(help_text="In how many rows.")
    rows = serializers.ListField(child=serializers.IntegerField(), help_text="The first of them, counted from 1.")
    example = serializers.CharField(allow_blank=True)
    detail = serializers.SerializerMethodField(help_text="The same in a sentence.")

    def get_detail(self, finding: Finding) -> str:
        return sentence(finding)


class ReportOut(serializers.Serializer):
    """Whether the data fits, and what does not."""

    fits = serializers.BooleanField()
    rows = serializers.IntegerField()
    columns = serializers.IntegerField()
    findings = FindingOut(many=True)
    more = serializers.IntegerField(help_text="Findings beyond the first 200, which are only counted.")


class ColumnOut(serializers.Serializer):
    """A column of a signature."""

    name = serializers.CharField(allow_blank=True)
    type = serializers.CharField()
    required = serializers.BooleanField(required=False)  # type: ignore[assignment]
    default = serializers.JSONField(required=False, help_text="Of a parameter.")


class SignatureOut(serializers.Serializer):
    """What a version takes and gives; null without a signature."""

    inputs = ColumnOut(many=True)
    outputs = ColumnOut(many=True)
    params = ColumnOut(many=True)


class Signature(APIView):
    """A version's signature."""

    @extend_schema(summary="Read a version's signature", responses=SignatureOut)
    def get(self, request: Request, name: str, number: int) -> Response:
        NoQuery(data=request.query_params.dict()).is_valid(raise_exception=True)
        version = queries.get_version(request.user, name, number)
        return Response(version.signature)


class CheckData(APIView):
    """Checks rows against a version's signature. Nothing of them is kept."""

    parser_classes = [UnreadCsv, UnreadJson]

    @extend_schema(
        summary="Check data against a version's signature",
        description="The body is CSV with a header, or JSON as MLflow's scoring takes it; UTF-8, at most 10 MB and "
        "1,000,000 rows, 3,000,000 values to compare (rows times columns). It is read once, in memory, and "
        "kept nowhere.",
        request={"text/csv": OpenApiTypes.STR, "application/json": OpenApiTypes.OBJECT},
        responses=ReportOut,
    )
    def post(self, request: Request, name: str, number: int) -> Response:
        NoQuery(data=request.query_params.dict()).is_valid(raise_exception=True)
        version = queries.get_version(request.user, name, number)
        schema = schema_of(version.mlmodel)
        if schema is None:
            raise WrongState(str(NO_SIGNATURE))
        upload = cast(BinaryIO, request.data or io.BytesIO())  # no body at all: an empty dict
        try:
            report = check(schema, upload, is_json=request.content_type.startswith("application/json"))
        except UnreadableData as refused:
            raise InvalidInput(str(refused), field="body") from refused
        return Response(ReportOut(report).data)
