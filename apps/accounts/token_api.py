"""Tokens over the API: one's own, and those of service accounts for who manages people. As on their pages."""

from typing import Any, cast

from django.db.models import QuerySet
from django.urls import path
from django.utils.translation import gettext as _
from drf_spectacular.utils import extend_schema, extend_schema_view
from rest_framework import generics, status
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from apps.accounts import profiles, queries, services
from apps.accounts.models import ApiToken, User
from apps.accounts.serializers import EndedTokenOut, NewTokenOut, RenewedTokenOut, RenewIn, TokenIn, TokenOut
from apps.accounts.tokens import NewToken
from apps.errors import NotVisible
from apps.strict import Strict, valid

ONCE = {"Cache-Control": "no-store"}  # of answers that show a secret


@extend_schema_view(
    get=extend_schema(
        operation_id="tokens_list", summary="List your tokens, newest first", responses=TokenOut(many=True)
    ),
    post=extend_schema(
        operation_id="tokens_create", summary="Make a token", request=TokenIn, responses={201: NewTokenOut}
    ),
)
class TokenList(generics.ListCreateAPIView):
    """Your own tokens, revoked and expired ones too. POST makes one, and shows its text this once."""

    serializer_class = TokenOut

    def get_queryset(self) -> QuerySet[ApiToken]:
        valid(Strict, self.request.query_params.dict())
        by = cast(User, self.request.user)
        return queries.visible_tokens(by, by)

    def list(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        rows = self.paginate_queryset(self.get_queryset()) or []
        return self.get_paginated_response(TokenOut(queries.listed_tokens(rows, request.user), many=True).data)

    def create(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        by, terms = cast(User, request.user), valid(TokenIn, request.data)
        owner = _account(terms.pop("account"), by)
        made = services.create_token(terms.pop("name"), by=by, owner=owner, **terms)
        return _shown_once(made, by, status.HTTP_201_CREATED)


@extend_schema_view(
    delete=extend_schema(operation_id="tokens_destroy", summary="Revoke a token", responses={200: EndedTokenOut})
)
class TokenDetail(APIView):
    """Ends a token at once, and all that were made through it: your own, or anybody's for `people:manage`."""

    def delete(self, request: Request, prefix: str) -> Response:
        """Revoke it, and answer with how many ended along; one that is revoked stays so."""
        return Response(EndedTokenOut(services.revoke_token(prefix, by=cast(User, request.user))).data)


@extend_schema_view(
    post=extend_schema(
        operation_id="tokens_renew_create", summary="Renew a token", request=RenewIn, responses=RenewedTokenOut
    )
)
class RenewToken(APIView):
    """Gives a token a new secret, which is shown this once: your own, or a service account's for `people:manage`."""

    def post(self, request: Request, prefix: str) -> Response:
        """Renew it, and answer with how many ended along; the old secret works on for a while, or for none."""
        by = cast(User, request.user)
        made = services.renew_token(prefix, by=by, **valid(RenewIn, request.data))
        return _shown_once(made, by, status.HTTP_200_OK, ended_along=made.token.ended_along)


def _account(username: str, by: User) -> User:
    """Return for whom a token is made. Raises NotVisible, for a person who is not there as for one who is."""
    if username in ("", by.get_username()):
        return by
    found = profiles.seen_by(by).filter(username=username, is_service=True).first()
    if found is None:
        raise NotVisible(_("There is no such service account, or you may not manage it."))
    return found


def _shown_once(made: NewToken, by: User, code: int, **more: int) -> Response:
    row = queries.listed_tokens([made.token], by)[0]
    return Response(TokenOut(row).data | {"text": made.text, **more}, status=code, headers=ONCE)


urlpatterns = [
    path("tokens/", TokenList.as_view(), name="token-list"),
    path("tokens/<str:prefix>/", TokenDetail.as_view(), name="token-detail"),
    path("tokens/<str:prefix>/renew/", RenewToken.as_view(), name="token-renew"),
]
