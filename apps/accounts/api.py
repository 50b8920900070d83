"""Who the caller is, over the API."""

from typing import Any

from django.urls import path
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from apps.accounts import grants
from apps.accounts.models import User


class MeOut(serializers.Serializer):
    """A person, with roles and permissions held on the whole registry."""

    username = serializers.CharField()
    name = serializers.CharField(source="__str__")
    roles = serializers.SerializerMethodField()
    permissions = serializers.SerializerMethodField()

    def get_roles(self, user: User) -> list[str]:
        return grants.roles_of(user)

    def get_permissions(self, user: User) -> list[str]:
        return sorted(grants.held_permissions(user))


class Me(APIView):
    """Who the token acts for."""

    @extend_schema(summary="Read who you are", responses=MeOut)
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        if request.query_params:
            raise ValidationError({name: ["Unknown parameter."] for name in sorted(request.query_params)})
        return Response(MeOut(request.user).data)


urlpatterns = [path("me/", Me.as_view(), name="me")]
