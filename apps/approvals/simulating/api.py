"""May X do Y on Z, over the API: the same answer as on the page."""

from typing import Any, cast

from django.urls import path
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from apps.accounts.models import User
from apps.accounts.permissions import Permission
from apps.accounts.serializers import GrantOut
from apps.approvals.simulating import queries
from apps.approvals.simulating.forms import MAX_NAME
from apps.registry.queries import get_model
from apps.strict import Strict, valid


class MayQuery(Strict):
    """What is asked."""

    person = serializers.CharField(required=False, default="", max_length=MAX_NAME, help_text="Empty: yourself.")
    permission = serializers.ChoiceField([(name.value, name.value) for name in Permission])
    model = serializers.CharField(
        required=False, default="", trim_whitespace=False, help_text="Its name. Empty: the whole registry."
    )


class AboutRequestOut(serializers.Serializer):
    """What the person would be told on approving a request of the model; empty when their approval would count."""

    number = serializers.IntegerField(source="request.pk")
    refusal = serializers.CharField()


class MayOut(serializers.Serializer):
    """Yes or no, and why."""

    person = serializers.CharField(source="answer.person.username")
    permission = serializers.CharField(source="answer.permission.value")
    model = serializers.SerializerMethodField(help_text="Null: the whole registry.")
    allowed = serializers.BooleanField(source="answer.allowed")
    grants = GrantOut(many=True, source="answer.chains", help_text="Each grant that gives it.")
    nearly = GrantOut(many=True, source="answer.nearly", help_text="Grants that would, but do not count.")
    givers = serializers.SerializerMethodField(help_text="User names of who could give it.")
    requests = AboutRequestOut(many=True, help_text="For `model:review`: the model's requests under review.")

    def get_givers(self, found: queries.Simulated) -> list[str]:
        return [person.username for person in found.answer.givers]

    def get_model(self, found: queries.Simulated) -> str | None:
        return found.answer.model.reference if found.answer.model else None


class May(APIView):
    """Whether somebody may do something, with each grant that gives it, or with who could give it."""

    @extend_schema(operation_id="may_read", summary="May this person do this?", parameters=[MayQuery], responses=MayOut)
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        by = cast(User, request.user)
        asked = valid(MayQuery, request.query_params.dict())
        model = get_model(by, asked["model"]) if asked["model"] else None
        person = queries.person_named(asked["person"], by)
        return Response(MayOut(queries.simulate(person, Permission(asked["permission"]), model, by=by)).data)


urlpatterns = [path("may/", May.as_view(), name="may")]
