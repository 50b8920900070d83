"""What proves the trail, over the API: public keys for everybody, checkpoints for whoever is signed in."""

from typing import Any

from django.db.models import QuerySet
from django.urls import path
from drf_spectacular.utils import extend_schema
from rest_framework import generics, serializers, status
from rest_framework.exceptions import ValidationError
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from apps.audit.models import Checkpoint
from apps.audit.proof import keys
from apps.audit.proof.checkpoints import FORMAT, ask_checkpoint


class PublicKeyOut(serializers.Serializer):
    """A key that verifies checkpoints."""

    algorithm = serializers.CharField()
    key_id = serializers.CharField(help_text="The fingerprint: SHA-256 of the 32 bytes of the key, hex.")
    public_key = serializers.CharField(help_text="Base64.")
    made_at = serializers.DateTimeField()
    present = serializers.BooleanField(help_text="Whether new checkpoints are signed with it.")


class CheckpointOut(serializers.ModelSerializer):
    """A signed word on where the chain stood. The signature is over the other fields as canonical JSON."""

    format = serializers.SerializerMethodField()

    class Meta:
        model = Checkpoint
        fields = ("format", "event_id", "hash", "count", "at", "key_id", "signature")

    def get_format(self, row: Checkpoint) -> str:
        return FORMAT


class PublicKeys(APIView):
    """The keys of this installation: whoever wants to verify its exports keeps them elsewhere. No sign-in is needed."""

    authentication_classes = ()
    permission_classes = (AllowAny,)

    @extend_schema(summary="List the public keys of the trail", responses=PublicKeyOut(many=True))
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        if request.query_params:
            raise ValidationError({name: ["Unknown parameter."] for name in sorted(request.query_params)})
        return Response(PublicKeyOut(keys.published(), many=True).data)


class Checkpoints(generics.ListAPIView):
    """The checkpoints of the trail, newest first."""

    serializer_class = CheckpointOut

    def get_queryset(self) -> QuerySet[Checkpoint]:
        return Checkpoint.objects.order_by("-event_id", "-id")

    @extend_schema(summary="List checkpoints, newest first")
    def get(self, *args: Any, **kwargs: Any) -> Any:
        return super().get(*args, **kwargs)

    @extend_schema(summary="Sign where the trail stands", request=None, responses={201: CheckpointOut})
    def post(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        return Response(CheckpointOut(ask_checkpoint(by=request.user)).data, status=status.HTTP_201_CREATED)


urlpatterns = [
    path("audit/keys/", PublicKeys.as_view(), name="audit-keys"),
    path("audit/checkpoints/", Checkpoints.as_view(), name="checkpoint-list"),
]
