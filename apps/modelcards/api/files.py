"""Cards as files over the API: exports, imports in two steps, and two cards compared."""

from typing import Any

from django.http import HttpResponse
from django.urls import path
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from apps.errors import InvalidInput
from apps.modelcards.api.cards import CARD, answer
from apps.modelcards.api.matching import IF_MATCH, base_of, matching
from apps.modelcards.api.serializers import CardOut
from apps.modelcards.comparing import sides
from apps.modelcards.content import CardRefused
from apps.modelcards.formats import services
from apps.modelcards.formats.base import Unreadable
from apps.modelcards.formats.forms import EXPORTS, IMPORTS
from apps.modelcards.formats.headings import ENGLISH, LANGUAGES
from apps.modelcards.formats.importing import Relation, Way
from apps.modelcards.formats.schema_view import CardSchemaView
from apps.modelcards.services import CardInvalid
from apps.strict import Strict, valid
from apps.texts import MAX_TEXT

LARGEST = 2**31 - 1
MOST = 2_000_000  # characters of a file, or of a preview that is handed back


class ExportFilter(Strict):
    """Query parameters of an export."""

    revision = serializers.IntegerField(required=False, min_value=1, max_value=LARGEST, help_text="Else the newest.")
    lang = serializers.ChoiceField(choices=list(LANGUAGES), default=ENGLISH, help_text="Of the headings.")


class CompareFilter(Strict):
    """Query parameters of a comparison: the newest revision and the one before it unless told otherwise."""

    base = serializers.IntegerField(required=False, min_value=0, max_value=LARGEST, help_text="0: before the first.")
    other = serializers.IntegerField(required=False, min_value=1, max_value=LARGEST)
    version = serializers.IntegerField(
        required=False, min_value=1, max_value=LARGEST, help_text="Whose card `base` is of; else this one's."
    )


class FieldChangeOut(serializers.Serializer):
    """A field that differs. `change` is `state` where only how settled it is differs."""

    field = serializers.CharField(source="field.name")
    change = serializers.ChoiceField(["added", "removed", "changed", "state"])
    before = serializers.JSONField(allow_null=True)
    after = serializers.JSONField(allow_null=True)
    was = serializers.CharField(help_text="Its state before.")
    now = serializers.CharField(help_text="Its state after.")


class CardImportIn(Strict):
    """A card in any form that is read."""

    text = serializers.CharField(max_length=MOST, trim_whitespace=False)
    form = serializers.ChoiceField(choices=list(IMPORTS), default="", allow_blank=True, help_text="Empty: by its text.")


class ImportRowOut(serializers.Serializer):
    """A field that an import would change. The first of `ways` is taken unless you choose another."""

    field = serializers.CharField(source="field.name")
    relation = serializers.ChoiceField([str(kind) for kind in Relation])
    now = serializers.JSONField(allow_null=True)
    comes = serializers.JSONField(allow_null=True)
    added = serializers.JSONField(allow_null=True, help_text="The value when what MLflow says stays.")
    reason = serializers.CharField(allow_blank=True, help_text="Why it does not apply, as the import says.")
    ways = serializers.ListField(child=serializers.ChoiceField([str(way) for way in Way]))


class LossOut(serializers.Serializer):
    """Something of the file that does not go into the card."""

    path = serializers.CharField()
    why = serializers.CharField(allow_blank=True)


class CardPreviewOut(serializers.Serializer):
    """What an import would change. Nothing is saved yet: hand `sealed` back within a day."""

    rows = ImportRowOut(many=True)
    losses = LossOut(many=True)
    more_losses = serializers.IntegerField(help_text="That are not listed.")
    sealed = serializers.CharField()


class CardImportApplyIn(Strict):
    """What you chose of a preview."""

    sealed = serializers.CharField(max_length=MOST)
    ways = serializers.DictField(child=serializers.CharField(max_length=20), required=False, default=dict)
    reasons = serializers.DictField(
        child=serializers.CharField(max_length=MAX_TEXT, allow_blank=True), required=False, default=dict,
        help_text="{field: why the card says otherwise than MLflow}",
    )  # fmt: skip
    note = serializers.CharField(max_length=MAX_TEXT, required=False, default="", allow_blank=True)


FILES = {
    media: OpenApiResponse(OpenApiTypes.OBJECT if "json" in media else OpenApiTypes.BINARY, "The file, by its form.")
    for media in sorted({export.content_type.partition(";")[0] for export in EXPORTS.values()})
}


class Export(APIView):
    """A card as a file."""

    @extend_schema(
        operation_id="cards_export", summary="Export a card",
        parameters=[
            OpenApiParameter("form", OpenApiTypes.STR, OpenApiParameter.PATH, enum=list(EXPORTS)), ExportFilter,
        ],
        responses={(200, media): told for media, told in FILES.items()},
    )  # fmt: skip
    def get(self, request: Request, name: str, number: int, form: str) -> HttpResponse:
        """Answer with the file, as the page does."""
        asked = valid(ExportFilter, request.query_params.dict())
        found = services.exported(
            name, number, form, by=request.user, revision=asked.get("revision"), language=asked["lang"]
        )
        response = HttpResponse(found.body, content_type=found.content_type)
        response["Content-Disposition"] = f'attachment; filename="{found.name}"'
        return response


class Preview(APIView):
    """An import, looked at."""

    @extend_schema(
        operation_id="cards_import_preview", summary="See what an import would change", request=CardImportIn,
        responses=CardPreviewOut,
    )  # fmt: skip
    def post(self, request: Request, name: str, number: int) -> Response:
        """Read a card in any form, and answer with what it would change. Nothing is saved."""
        user: Any = request.user
        said = valid(CardImportIn, request.data)
        try:
            found = services.preview(name, number, said["text"].encode(errors="surrogatepass"), said["form"], by=user)
        except Unreadable as refused:
            raise InvalidInput(str(refused), field="text") from None
        except CardRefused as refused:
            raise CardInvalid(refused.errors) from None
        return Response(CardPreviewOut(found).data)


class Import(APIView):
    """An import, saved."""

    @extend_schema(
        operation_id="cards_import", summary="Save an import", request=CardImportApplyIn, responses=CardOut,
        parameters=[IF_MATCH],
    )  # fmt: skip
    def post(self, request: Request, name: str, number: int) -> Response:
        """Save what you chose of a preview on the revision that `If-Match` names."""
        user: Any = request.user
        base = base_of(request, user, name, number)
        said = valid(CardImportApplyIn, request.data)
        with matching(user, name, number):
            services.apply(
                name, number, said["sealed"], said["ways"], said["reasons"], base=base, by=user, note=said["note"]
            )
        return answer(user, name, number)


class Compare(APIView):
    """Two revisions, of one card or of two versions."""

    @extend_schema(
        operation_id="cards_compare", summary="Compare two revisions", parameters=[CompareFilter],
        responses=FieldChangeOut(many=True),
    )  # fmt: skip
    def get(self, request: Request, name: str, number: int) -> Response:
        """Answer with the fields that differ, in the order of the card."""
        asked = valid(CompareFilter, request.query_params.dict())
        found = sides(
            request.user, name, number, base=asked.get("base"), other=asked.get("other"), against=asked.get("version")
        )
        return Response(FieldChangeOut(found.changes(), many=True).data)


urlpatterns = [
    path(f"{CARD}export/<str:form>/", Export.as_view(), name="card-export"),
    path(f"{CARD}import/preview/", Preview.as_view(), name="card-import-preview"),
    path(f"{CARD}import/", Import.as_view(), name="card-import"),
    path(f"{CARD}compare/", Compare.as_view(), name="card-compare"),
    path("cards/schema/", CardSchemaView.as_view(), name="card-schema"),
]
