"""People over the API: one person with their grants and tokens, and conflicts of duties. As on their pages."""

from typing import Any

from django.db.models import QuerySet
from django.urls import path
from drf_spectacular.utils import extend_schema, extend_schema_view
from rest_framework import generics
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from apps.accounts import conflicts, profiles, queries
from apps.accounts.models import ApiToken, User
from apps.accounts.serializers import ConflictFilterIn, ConflictOut, PersonOut, TokenOut
from apps.strict import Strict, valid


class PersonDetail(APIView):
    """A person: yourself, or anybody for `people:manage`. Nobody through a token that is limited to models."""

    @extend_schema(operation_id="people_retrieve", summary="Read a person", responses=PersonOut)
    def get(self, request: Request, username: str) -> Response:
        """Answer with how they come in, and with what they hold."""
        valid(Strict, request.query_params.dict())
        return Response(PersonOut(profiles.own_profile_or_managed(request.user, username)).data)


@extend_schema_view(
    get=extend_schema(
        operation_id="people_tokens_list", summary="List a person's tokens, newest first", responses=TokenOut(many=True)
    )
)
class PersonTokens(generics.ListAPIView):
    """The tokens of a person, revoked and expired ones too: your own, or anybody's for `people:manage`."""

    serializer_class = TokenOut

    def get_queryset(self) -> QuerySet[ApiToken]:
        valid(Strict, self.request.query_params.dict())
        owner = profiles.get_person(self.request.user, self.kwargs["username"])
        return queries.visible_tokens(owner, self.request.user)

    def list(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        rows = self.paginate_queryset(self.get_queryset()) or []
        return self.get_paginated_response(TokenOut(queries.listed_tokens(rows, request.user), many=True).data)


@extend_schema_view(
    get=extend_schema(
        operation_id="conflicts_list", summary="List conflicts of duties", parameters=[ConflictFilterIn],
        responses=ConflictOut(many=True),
    )
)  # fmt: skip
class ConflictList(generics.ListAPIView):
    """Who both registers and signs the same models, by user name, for `people:manage`.

    A page looks at as many people as it has rows: those whose grants meet on no model are not on it.
    """

    serializer_class = ConflictOut

    def get_queryset(self) -> QuerySet[User]:
        queries.needs_people_manage(self.request.user)
        return conflicts.filtered(valid(ConflictFilterIn, self.request.query_params.dict()))

    def list(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        people = self.paginate_queryset(self.get_queryset()) or []
        return self.get_paginated_response(ConflictOut(conflicts.among(list(people), request.user), many=True).data)


urlpatterns = [
    path("conflicts/", ConflictList.as_view(), name="conflict-list"),
    path("people/<str:username>/", PersonDetail.as_view(), name="person-detail"),
    path("people/<str:username>/tokens/", PersonTokens.as_view(), name="person-tokens"),
]
