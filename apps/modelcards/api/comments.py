"""Comments on a card over the API."""

from typing import Any

from django.db.models import QuerySet
from django.urls import path
from drf_spectacular.utils import extend_schema, extend_schema_view
from rest_framework import generics, status
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from apps.modelcards import comments, queries
from apps.modelcards.api.cards import CARD
from apps.modelcards.api.serializers import CardCommentFilter, CardCommentIn, CardCommentOut
from apps.modelcards.models import CardComment
from apps.strict import Strict, valid


@extend_schema_view(
    get=extend_schema(
        operation_id="cards_comments_list", summary="List comments, oldest first", parameters=[CardCommentFilter]
    ),
    post=extend_schema(
        operation_id="cards_comments_create", summary="Comment on a section", request=CardCommentIn,
        responses={201: CardCommentOut},
    ),
)  # fmt: skip
class CommentList(generics.ListCreateAPIView):
    """What people say about the card; POST adds something."""

    serializer_class = CardCommentOut

    def get_queryset(self) -> QuerySet[CardComment]:
        """Return those of the card, if it may be seen."""
        wanted = valid(CardCommentFilter, self.request.query_params.dict())
        card = queries.get_card(self.request.user, self.kwargs["name"], self.kwargs["number"])
        rows = card.comments.select_related("author", "resolved_by").order_by("pk")
        return rows if wanted["open"] is None else rows.filter(resolved_at__isnull=wanted["open"])

    def create(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Add one and answer with it."""
        user: Any = request.user
        said = valid(CardCommentIn, request.data)
        row = comments.add(kwargs["name"], kwargs["number"], section=said["section"], body=said["body"], by=user)
        return Response(CardCommentOut(row).data, status=status.HTTP_201_CREATED)


class Resolve(APIView):
    """The end of a comment."""

    @extend_schema(
        operation_id="cards_comments_resolve_create", summary="Resolve a comment", request=None,
        responses=CardCommentOut,
    )  # fmt: skip
    def post(self, request: Request, name: str, number: int, id: int) -> Response:
        """Say that it is dealt with."""
        user: Any = request.user
        valid(Strict, request.data)
        return Response(CardCommentOut(comments.resolve(name, number, id, by=user)).data)


urlpatterns = [
    path(f"{CARD}comments/", CommentList.as_view(), name="card-comment-list"),
    path(f"{CARD}comments/<int:id>/resolve/", Resolve.as_view(), name="card-comment-resolve"),
]
