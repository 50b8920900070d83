"""One card over the API: read, started, saved whole or in part, taken further."""

from typing import Any

from django.urls import path
from django.utils.translation import gettext as _
from drf_spectacular.utils import extend_schema
from rest_framework import status
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from apps.errors import InvalidInput
from apps.modelcards import facts, lifecycle, queries, replacing, services
from apps.modelcards.api.matching import IF_MATCH, base_of, etag, matching
from apps.modelcards.api.serializers import DOCUMENT, CardEditIn, CardOut, CardStepIn
from apps.modelcards.content import CardRefused, Content, from_document
from apps.modelcards.filling import Edit
from apps.registry import converters  # noqa: F401  registers <model:name>
from apps.registry.queries import get_version
from apps.strict import NoFilter, Strict, valid

CARD = "models/<model:name>/versions/<int:number>/card/"


class CardDetail(APIView):
    """The card of a version."""

    @extend_schema(operation_id="cards_retrieve", summary="Read a card", responses=CardOut)
    def get(self, request: Request, name: str, number: int) -> Response:
        """Answer with the card, and its digest as `ETag`."""
        valid(NoFilter, request.query_params.dict())
        return answer(request.user, name, number)

    @extend_schema(operation_id="cards_start", summary="Start a card", request=None, responses={201: CardOut})
    def post(self, request: Request, name: str, number: int) -> Response:
        """Start it: facts from MLflow, and prose of the newest card before it, to be confirmed."""
        user: Any = request.user
        valid(Strict, request.data)
        services.start(name, number, by=user)
        return answer(user, name, number, status.HTTP_201_CREATED)

    @extend_schema(
        operation_id="cards_replace", summary="Save a whole card", request={"application/json": DOCUMENT},
        responses=CardOut, parameters=[IF_MATCH],
    )  # fmt: skip
    def put(self, request: Request, name: str, number: int) -> Response:
        """Save a document in place of the revision that `If-Match` names.

        Who confirmed and when is never taken from it: a confirmation that stood stays while the value is the same, and
        a new one is yours. A field without a state stays as settled as it was. Facts that are left out stay as MLflow
        has them; any other field that is left out is emptied.
        """
        user: Any = request.user
        base = base_of(request, user, name, number)
        with matching(user, name, number):
            replacing.replace(name, number, _content(request.data), base=base, by=user)
        return answer(user, name, number)

    @extend_schema(
        operation_id="cards_edit", summary="Save some fields", request=CardEditIn, responses=CardOut,
        parameters=[IF_MATCH],
    )  # fmt: skip
    def patch(self, request: Request, name: str, number: int) -> Response:
        """Save what you say of some fields on the revision that `If-Match` names."""
        user: Any = request.user
        base = base_of(request, user, name, number)
        said = valid(CardEditIn, request.data)
        values = replacing.filled_out(said["values"], facts.facts_of(get_version(user, name, number)))
        edit = Edit(values, frozenset(said["confirm"]), said["lacking"], said["overrides"])
        with matching(user, name, number):
            services.save(name, number, edit, base=base, by=user, note=said["note"])
        return answer(user, name, number)


class Refresh(APIView):
    """Facts."""

    @extend_schema(
        operation_id="cards_refresh", summary="Take the facts anew", request=None, responses=CardOut,
        parameters=[IF_MATCH],
    )  # fmt: skip
    def post(self, request: Request, name: str, number: int) -> Response:
        """Take the facts of the card from what MLflow says now."""
        user: Any = request.user
        base = base_of(request, user, name, number)
        valid(Strict, request.data)
        with matching(user, name, number):
            services.refresh(name, number, base=base, by=user)
        return answer(user, name, number)


class Step(APIView):
    """The way of a card."""

    @extend_schema(operation_id="cards_step", summary="Take a card further", request=CardStepIn, responses=CardOut)
    def post(self, request: Request, name: str, number: int) -> Response:
        """Submit it for review, send it back, approve it, archive it, or take it out of the archive."""
        user: Any = request.user
        said = valid(CardStepIn, request.data)
        lifecycle.take(said["step"], name, number, seen=said["digest"], by=user, reason=said["reason"])
        return answer(user, name, number)


def answer(by: Any, reference: str, number: int, code: int = status.HTTP_200_OK) -> Response:
    """Return the card as it is now."""
    card = queries.get_card(by, reference, number)
    found = CardOut(card, context={"by": by, "revision": queries.revision(card)}).data
    return Response(found, status=code, headers=etag(card.digest))


def _content(data: Any) -> Content:
    """Return the card that a body says. Raises CardInvalid, which names every field at fault."""
    if not isinstance(data, dict):
        raise InvalidInput(_("A card is a JSON object with its fields by name."), field="body")
    try:
        return from_document(data)
    except CardRefused as refused:
        raise services.CardInvalid(refused.errors) from None


urlpatterns = [
    path(CARD, CardDetail.as_view(), name="card"),
    path(f"{CARD}refresh/", Refresh.as_view(), name="card-refresh"),
    path(f"{CARD}step/", Step.as_view(), name="card-step"),
]
