"""What a card said before, over the API."""

from typing import Any

from django.db.models import QuerySet
from django.urls import path
from drf_spectacular.utils import extend_schema, extend_schema_view
from rest_framework import generics
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from apps.modelcards import queries
from apps.modelcards.api.cards import CARD
from apps.modelcards.api.matching import etag
from apps.modelcards.api.serializers import CardRevisionDetailOut, CardRevisionOut
from apps.modelcards.models import CardRevision
from apps.strict import NoFilter, valid


@extend_schema_view(get=extend_schema(operation_id="cards_revisions_list", summary="List revisions, newest first"))
class RevisionList(generics.ListAPIView):
    """The revisions of a card, without what they say."""

    serializer_class = CardRevisionOut

    def get_queryset(self) -> QuerySet[CardRevision]:
        """Return those of the card, if it may be seen."""
        valid(NoFilter, self.request.query_params.dict())
        card = queries.get_card(self.request.user, self.kwargs["name"], self.kwargs["number"])
        rows = card.revisions.select_related("author").order_by("-number")
        return rows.defer("values", "states")


class RevisionDetail(APIView):
    """One revision."""

    @extend_schema(operation_id="cards_revisions_retrieve", summary="Read a revision", responses=CardRevisionDetailOut)
    def get(self, request: Request, name: str, number: int, revision: int) -> Response:
        """Answer with the card as it was then, and its digest as `ETag`."""
        user: Any = request.user
        valid(NoFilter, request.query_params.dict())
        row = queries.revision(queries.get_card(user, name, number), revision)
        return Response(CardRevisionDetailOut(row).data, headers=etag(row.digest))


urlpatterns = [
    path(f"{CARD}revisions/", RevisionList.as_view(), name="card-revision-list"),
    path(f"{CARD}revisions/<int:revision>/", RevisionDetail.as_view(), name="card-revision"),
]
