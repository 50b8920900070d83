"""Who the caller is, and who holds what, over the API: the same services and queries as the pages."""

from typing import Any, cast

from django.db.models import QuerySet
from django.urls import path
from drf_spectacular.utils import extend_schema, extend_schema_view
from rest_framework import generics, status
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from apps.accounts import chains, giving, people_api, queries, token_api
from apps.accounts.access_reviews import api as access_reviews
from apps.accounts.models import Grant, GrantScope, User
from apps.accounts.serializers import EndIn, GrantFilterIn, GrantIn, GrantOut, MeOut
from apps.errors import InvalidInput
from apps.strict import valid


class Me(APIView):
    """Who the token acts for."""

    @extend_schema(summary="Read who you are", responses=MeOut)
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        if request.query_params:
            raise ValidationError({name: ["Unknown parameter."] for name in sorted(request.query_params)})
        return Response(MeOut(request.user).data)


@extend_schema_view(
    get=extend_schema(summary="List grants, newest first", parameters=[GrantFilterIn], responses=GrantOut(many=True)),
    post=extend_schema(summary="Give a role", request=GrantIn, responses={201: GrantOut}),
)
class GrantList(generics.ListCreateAPIView):
    """Who holds what: your own grants; all of them with `people:manage`. POST gives a role."""

    serializer_class = GrantOut

    def get_queryset(self) -> QuerySet[Grant]:
        wanted = valid(GrantFilterIn, self.request.query_params.dict())
        return queries.filtered_grants(queries.visible_grants(self.request.user), wanted).order_by("-pk")

    def list(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        rows = self.paginate_queryset(self.get_queryset()) or []
        return self.get_paginated_response(GrantOut(_chains(rows, request.user), many=True).data)

    def create(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        by, terms = cast(User, request.user), valid(GrantIn, request.data)
        queries.needs_people_manage(by)
        holder = _holder(terms.pop("group"), terms.pop("person"))
        model = _model(terms["value"], by) if terms["scope"] == GrantScope.MODEL else None
        terms["value"] = "" if model else terms["value"]
        grant = giving.give_grant(holder, terms.pop("role"), terms.pop("scope"), model=model, by=by, **terms)
        return Response(_out(grant, by), status=status.HTTP_201_CREATED)


@extend_schema(summary="End a grant", request=EndIn, responses=GrantOut)
class GrantEnd(APIView):
    """Take a grant back; what it gave is gone at once."""

    def post(self, request: Request, grant: int) -> Response:
        """End it and answer with it as it is then."""
        by = cast(User, request.user)
        return Response(_out(giving.end_grant(grant, by=by, **valid(EndIn, request.data)), by))


def _out(grant: Grant, by: Any) -> Any:
    return GrantOut(_chains([grant], by)[0]).data


def _chains(rows: Any, by: Any) -> list[chains.Chain]:
    return [chains.Chain(grant) for grant in chains.named(rows, by)]


def _holder(group: str, person: str) -> Any:
    """Return the group or the person. Raises InvalidInput on the field at fault."""
    if bool(group) == bool(person):
        raise InvalidInput("Name a group or a person: one of the two.", field="group")
    found = queries.group_named(group) if group else queries.person_named(person)
    if found is None:
        raise InvalidInput("There is nobody of this name.", field="group" if group else "person")
    return found


def _model(reference: str, by: User) -> Any:
    found = queries.model_named(reference, by)
    if found is None:
        raise InvalidInput("There is no such model, or you may not see it.", field="value")
    return found


urlpatterns = [
    *people_api.urlpatterns,
    *token_api.urlpatterns,
    path("grants/", GrantList.as_view(), name="grant-list"),
    path("grants/<int:grant>/end/", GrantEnd.as_view(), name="grant-end"),
    path("me/", Me.as_view(), name="me"),
    *access_reviews.urlpatterns,
]
